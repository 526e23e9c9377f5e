"""How quickly, how often and at what cost runs start, beside `scrapy crawl` and Scrapyd 1.6."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from script.benchmarks import comparisons
from script.benchmarks.comparisons import ROOT, crawl, crawl_latencies, scrapyd
from script.benchmarks.product import percentile, pss_kb
from script.benchmarks.website import website

Result = dict[str, Any]
LATENCY = "queued → spider opened"
POSTGRESQL = "postgres://postgres@127.0.0.1:5432"


def run(*, quick: bool) -> list[Result]:
    count = 8 if quick else 40
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        beside = _beside(folder, count, quick=quick)
        results = _database(
            "SQLite", f"sqlite:///{folder}/sqlite/db.sqlite3", folder, count, beside
        )
        with _postgresql() as url:
            if url:
                results += _database("PostgreSQL", url, folder, count, beside)
        return [*results, *_logs(folder)]


def _beside(folder: Path, count: int, *, quick: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"crawl": crawl_latencies(folder / "crawl.jsonl", max(4, count // 4))}
    with website() as url:
        busy = [crawl("busy", url=url, pages="100000") for _ in range(4)]
        time.sleep(3)
        found["crawl_loaded"] = crawl_latencies(folder / "loaded.jsonl", max(4, count // 4))
        for process in busy:
            process.kill()
            process.wait()
    found["crawl_mb"] = _crawl_memory(folder)
    if comparisons.has_scrapyd():
        found |= _scrapyd(folder, count, quick=quick)
    return found


def _scrapyd(folder: Path, count: int, *, quick: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, interval in (("scrapyd", 5.0), ("scrapyd_half", 0.5)):
        with scrapyd(folder / name, port=_free_port(), poll_interval=interval) as server:
            record = folder / f"{name}.jsonl"
            few = 3 if quick or interval > 1 else count // 4
            found[name] = comparisons.scrapyd_latencies(server, record, few)
    for processes in (2, 4):
        place = folder / f"scrapyd-{processes}"
        with scrapyd(place, port=_free_port(), poll_interval=0.5, processes=processes) as server:
            rate = comparisons.scrapyd_per_minute(server, 6 if quick else 20)
            found[f"scrapyd_rate_{processes}"] = rate
    return found


def _crawl_memory(folder: Path) -> float:
    record = folder / "memory.jsonl"
    process = crawl("hold", tag="memory", record=str(record))
    comparisons.wait_for(record, {"memory"})
    time.sleep(1)
    size = pss_kb(process.pid) / 1024
    process.kill()
    process.wait()
    return size


def _database(
    name: str, url: str, folder: Path, count: int, beside: dict[str, Any]
) -> list[Result]:
    place = folder / name.lower()
    place.mkdir()
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DATA_DIR": str(place),
        "ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    done = subprocess.run(
        [sys.executable, "-m", "script.benchmarks.product", str(place), str(count)],
        cwd=ROOT,
        env={**environment, "SCRAPY_PROJECT_PATH": str(comparisons.PROJECT)},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    return [{**each, "name": f"{name}: {each['name']}"} for each in _results(figures, beside)]


def _results(figures: dict[str, Any], beside: dict[str, Any]) -> list[Result]:
    results = [
        _latency(f"{LATENCY}, idle", figures["idle"], beside["crawl"], "scrapy crawl"),
        _latency(
            f"{LATENCY}, four crawls running",
            figures["loaded"],
            beside["crawl_loaded"],
            "scrapy crawl",
        ),
    ]
    peers = (("scrapyd", "Scrapyd 1.6"), ("scrapyd_half", "Scrapyd 1.6, poll 0.5 s"))
    results += [
        _latency(f"{LATENCY}, idle", figures["idle"], beside[key], note)
        for key, note in peers
        if key in beside
    ]
    for key, name in (("edit", "after a code edit"), ("fresh", "fresh process per run")):
        if key in figures:
            title = f"{LATENCY}, {name}"
            results.append(_latency(title, figures[key], beside["crawl"], "scrapy crawl"))
    if "launcher_mb" in figures:
        results += _endurance(figures["launcher_mb"], figures["waits"])
    for workers in (2, 4):
        results.append(
            {
                "name": f"finished runs, {workers} at a time",
                "ours": round(figures[f"rate_{workers}"]),
                "beside": beside.get(f"scrapyd_rate_{workers}"),
                "unit": "a minute",
                "note": f"{figures[f'good_{workers}']} recorded; beside: Scrapyd, poll 0.5 s",
            }
        )
    return results + _costs(figures, beside)


def _costs(figures: dict[str, Any], beside: dict[str, Any]) -> list[Result]:
    return [
        _plain("memory of one more run", figures["run_mb"], beside["crawl_mb"], "MB", "PSS"),
        _plain("scheduler and launcher, idle", figures["idle_mb"], None, "MB", "PSS"),
        _plain("stop → group gone", median(figures["stops"]), None, "s", "of four busy crawls"),
        _plain(
            "pages a second of a supervised crawl",
            median(figures["pages"]),
            median(figures["pages_plain"]),
            "pages/s",
            "beside: scrapy crawl on the same machine, in turn; medians",
        ),
        _plain("what watching costs a crawl", _cost(figures), None, "%", "median of the pairs"),
    ]


def _cost(figures: dict[str, Any]) -> float:
    """Of its pages a second, in percent."""
    pairs = zip(figures["pages"], figures["pages_plain"], strict=True)
    shares: list[float] = [ours / plain for ours, plain in pairs]
    return 100 * (1 - median(shares))


def _endurance(mb: list[float], waits: list[float]) -> list[Result]:
    """Ours: after the last round; beside: after the first."""
    note = f"beside: after its first 200 runs, ours: after {200 * len(mb):,}"
    return [
        _plain("launcher's memory", mb[-1], mb[0], "MB", note),
        _plain(f"{LATENCY}, p50", waits[-1] * 1000, waits[0] * 1000, "ms", note),
    ]


def _latency(name: str, ours: list[float], beside: list[float], note: str) -> Result:
    return {
        "name": name,
        "ours": _milliseconds(ours),
        "beside": _milliseconds(beside),
        "unit": "ms, p50 / p95",
        "note": f"beside: {note}",
    }


def _milliseconds(values: list[float]) -> str:
    return f"{median(values) * 1000:.0f} / {percentile(values, 0.95) * 1000:.0f}"


def _plain(name: str, ours: float, beside: float | None, unit: str, note: str) -> Result:
    rounded = None if beside is None else round(beside, 1)
    return {"name": name, "ours": round(ours, 2), "beside": rounded, "unit": unit, "note": note}


# --- logs -------------------------------------------------------------------------------------


def _logs(folder: Path) -> list[Result]:
    from tasks.execution.logs import read_log

    place = folder / "log"
    place.mkdir()
    line = b"2026-03-01 10:00:00 [scrapy.core.scraper] INFO: a line as logs have them\n"
    block = line * (8 * 1024 * 1024 // len(line))
    with (place / "run.log").open("wb") as file:
        while file.tell() < 1024**3:
            file.write(block)
    first = _best(lambda: read_log(place))
    last = _best(lambda: read_log(place, -64 * 1024))
    return [
        _plain("first lines of a 1 GB log", first * 1000, None, "ms", ""),
        _plain("jump to the end of a 1 GB log", last * 1000, None, "ms", ""),
    ]


def _best(action: Any) -> float:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return median(taken)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _postgresql:  # noqa: N801 - reads as a function
    """A database of its own where a server is at hand."""

    def __enter__(self) -> str | None:
        import psycopg

        self.name = f"bench_{os.getpid()}"
        try:
            with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3) as c:
                c.execute(f"CREATE DATABASE {self.name}".encode())
        except psycopg.OperationalError:
            return None
        return f"{POSTGRESQL}/{self.name}"

    def __exit__(self, *_: object) -> None:
        import psycopg

        try:
            with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3) as c:
                c.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)".encode())
        except psycopg.OperationalError:
            return
