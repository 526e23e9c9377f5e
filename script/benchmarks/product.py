"""Drives a whole installation for the benchmarks: tables, `runscheduler`, launcher, spiders. Runs
in a process of its own, since each database needs its own settings.

Usage: python -m script.benchmarks.product FOLDER COUNT (the database comes from the environment)
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import django
import psutil

from script.benchmarks.comparisons import PROJECT, crawl_to_end, wait_for
from script.benchmarks.website import website
from tasks.runtime.machine import has_proc

ROOT = Path(__file__).resolve().parent.parent.parent
# Many and short: what a crawl loses by being watched is less than what a machine varies by within
# a minute.
CRAWLS = 12


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def until(check: Callable[[], Any], seconds: float = 120.0, pause: float = 0.02) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise TimeoutError("the product did not get there in time")
        time.sleep(pause)
    return answer


def pss_kb(pid: int) -> int:
    """What it shares counts in part; on macOS, where nobody tells that, in full."""
    process = psutil.Process(pid)
    if sys.platform == "linux" and has_proc():
        return int(process.memory_full_info().pss) // 1024
    return int(process.memory_info().rss) // 1024


class Product:
    def __init__(self, folder: Path, scheduler: subprocess.Popen[bytes]) -> None:
        self.record = folder / "opened.jsonl"
        self.scheduler = scheduler
        self.tasks: dict[str, Any] = {}

    def task(self, spider: str) -> Any:
        from tasks.models import SpiderInfo, Task
        from tasks.services import create_task

        # Once: what asks the tables meanwhile takes from the machine that is measured.
        if spider not in self.tasks:
            until(lambda: SpiderInfo.objects.filter(name=spider).exists())
            found = Task.objects.filter(task_id=spider).first()
            self.tasks[spider] = found or create_task(
                task_id=spider,
                name=spider,
                spider=spider,
                overlap_policy="allow",
                max_instances=500,
            )
        return self.tasks[spider]

    def queue(self, spider: str = "tiny", **arguments: str) -> tuple[str, Any, float]:
        from tasks.services.runs import run_task_now

        self.task(spider)
        tag = uuid4().hex
        given = {"tag": tag, "record": str(self.record), **arguments}
        began = time.time()
        run = run_task_now(task_id=spider, arguments=given)
        return tag, run, began

    def latency(self, spider: str = "tiny") -> float:
        tag, _run, began = self.queue(spider)
        return wait_for(self.record, {tag})[tag] - began

    def latencies(self, count: int) -> list[float]:
        found = []
        for number in range(count):
            found.append(self.latency())
            time.sleep(0.1 + 0.013 * (number % 7))
        return found

    def until_ended(self, runs: list[Any], pause: float = 0.02) -> None:
        from tasks.models import TERMINAL, Run

        rows = Run.objects.filter(pk__in=[run.pk for run in runs], status__in=TERMINAL)
        until(lambda: rows.count() == len(runs), 300, pause)

    def many(self, count: int) -> tuple[float, int]:
        """Finished runs a minute, and how many of them succeeded by their own record."""
        from tasks.models import Run

        self.task("tiny")
        began = time.monotonic()
        runs = [self.queue()[1] for _ in range(count)]
        self.until_ended(runs, pause=0.1)
        taken = time.monotonic() - began
        good = Run.objects.filter(pk__in=[run.pk for run in runs], status="succeeded", items=1)
        return count * 60 / taken, good.count()

    def launcher_pid(self) -> int:
        wanted = str(self.record.parent)
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "launcher" in words and any(word.startswith(wanted) for word in words):
                return process.pid
        raise LookupError("no launcher is running")


@contextmanager
def product(folder: Path, *, workers: int = 8, project: Path = PROJECT) -> Iterator[Product]:
    environment = {
        **os.environ,
        "DATA_DIR": str(folder),
        "SCRAPY_PROJECT_PATH": str(project),
        "SCHEDULER_MAX_WORKERS": str(workers),
        "ALLOWED_NETWORKS": "127.0.0.0/8",
        "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
        "LOG_LEVEL": "WARNING",
    }
    scheduler = subprocess.Popen(
        [sys.executable, "manage.py", "runscheduler"], cwd=ROOT, env=environment
    )
    try:
        found = Product(folder, scheduler)
        found.until_ended([found.queue()[1]])
        yield found
    finally:
        scheduler.send_signal(signal.SIGUSR1)
        scheduler.wait(60)


def measure(folder: Path, count: int) -> dict[str, Any]:
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    figures: dict[str, Any] = {}
    with product(folder) as ours:
        figures["idle"] = ours.latencies(count)
        figures |= _memory(ours)
        with website() as url:
            pages = str(100_000)
            busy = [ours.queue("busy", url=url, pages=pages)[1] for _ in range(4)]
            time.sleep(3)
            figures["loaded"] = ours.latencies(count)
            figures["stops"] = [_stop(ours, run) for run in busy]
            figures |= _pages_per_second(ours, url, count)
    for workers in (2, 4):
        with product(folder, workers=workers) as ours:
            rate, good = ours.many(200 if count > 10 else 40)
            figures[f"rate_{workers}"], figures[f"good_{workers}"] = rate, good
    return figures


def endurance(folder: Path, rounds: int) -> dict[str, Any]:
    """Rounds of 200 runs through one launcher: its memory and the time a run waits."""
    with product(folder, workers=4) as ours:
        mb, waits = [], []
        for _ in range(rounds):
            ours.many(200)
            mb.append(pss_kb(ours.launcher_pid()) / 1024)
            waits.append(statistics.median(ours.latencies(10)))
    return {"launcher_mb": mb, "waits": waits}


def _memory(ours: Product) -> dict[str, Any]:
    pids = (ours.scheduler.pid, ours.launcher_pid())
    idle = sum(map(pss_kb, pids)) / 1024
    before = _total_mb(ours, [])
    runs = [ours.queue("hold")[1] for _ in range(6)]
    until(lambda: all(_is_running(run) for run in runs))
    time.sleep(1.5)
    after = _total_mb(ours, runs)
    for run in runs:
        _stop(ours, run)
    return {"idle_mb": idle, "run_mb": (after - before) / len(runs)}


def _total_mb(ours: Product, runs: list[Any]) -> float:
    pids = [ours.scheduler.pid, ours.launcher_pid(), *(run.pid for run in runs)]
    return sum(map(pss_kb, pids)) / 1024


def _pages_per_second(ours: Product, url: str, count: int) -> dict[str, list[float]]:
    """The same crawl by us and by `scrapy crawl`, in turn, both beside an idle scheduler."""
    pages, crawls = (1500, CRAWLS) if count > 10 else (500, 3)
    found: dict[str, list[float]] = {"pages": [], "pages_plain": []}
    for number in range(crawls):
        place = ours.record.with_name(f"plain-{number}")
        place.mkdir()
        crawl_to_end("busy", place / "run.log", place / "items.jsonl", url=url, pages=str(pages))
        found["pages_plain"].append(pages / _seconds_of_crawl(place / "run.log"))
        run = ours.queue("busy", url=url, pages=str(pages))[1]
        ours.until_ended([run])
        run.refresh_from_db()
        found["pages"].append(pages / run.stats["elapsed_time_seconds"])
    return found


def _seconds_of_crawl(log: Path) -> float:
    text = log.read_text(encoding="utf-8")
    return float(text.rpartition("'elapsed_time_seconds': ")[2].split(",")[0])


def _is_running(run: Any) -> bool:
    run.refresh_from_db()
    return bool(run.status == "running")


def _stop(ours: Product, run: Any) -> float:
    from tasks.services.runs import cancel_run

    began = time.monotonic()
    cancel_run(run_id=run.pk)
    ours.until_ended([run])
    return time.monotonic() - began


def after_edit(folder: Path, count: int) -> list[float]:
    project = folder / "edited"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    source = project / "benchspiders" / "spiders.py"
    found = []
    with product(folder, project=project) as ours:
        for number in range(count):
            time.sleep(1.2)
            text = source.read_text(encoding="utf-8")
            source.write_text(f"{text}\n# edit {number}\n", encoding="utf-8")
            found.append(ours.latency())
    return found


def unforkable(folder: Path, count: int) -> list[float]:
    """A project that starts a thread when it is imported."""
    project = folder / "unforkable"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    with (project / "benchspiders" / "spiders.py").open("a", encoding="utf-8") as source:
        source.write(
            "\nimport threading\n"
            "threading.Thread(target=lambda: time.sleep(9999), daemon=True).start()\n"
        )
    with product(folder, project=project) as ours:
        return ours.latencies(count)


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    django.setup()
    figures = measure(folder, count)
    if "sqlite" in os.environ["DATABASE_URL"]:
        figures |= endurance(folder, 10 if count > 10 else 2)
        figures["edit"] = after_edit(folder, max(3, count // 6))
        figures["fresh"] = unforkable(folder, max(3, count // 3))
    figures["median_idle"] = statistics.median(figures["idle"])
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
