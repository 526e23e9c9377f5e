"""The same spiders under `scrapy crawl` and under a real Scrapyd."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = Path(__file__).resolve().parent / "project"
SCRAPY = [sys.executable, "-m", "scrapy"]
LONG_ENOUGH = 120.0


def opened(record: Path) -> dict[str, float]:
    """When each spider was opened, by its tag."""
    if not record.exists():
        return {}
    lines = record.read_text(encoding="utf-8").splitlines()
    return {line["tag"]: line["at"] for line in map(json.loads, lines)}


def wait_for(record: Path, tags: set[str], seconds: float = LONG_ENOUGH) -> dict[str, float]:
    deadline = time.monotonic() + seconds
    while not tags <= (found := opened(record)).keys():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(tags - found.keys())} spiders did not open")
        time.sleep(0.005)
    return found


def crawl(spider: str, **arguments: str) -> subprocess.Popen[bytes]:
    pairs = [part for name, value in arguments.items() for part in ("-a", f"{name}={value}")]
    return subprocess.Popen(
        [*SCRAPY, "crawl", spider, *pairs],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def crawl_to_end(spider: str, log: Path, items: Path, **arguments: str) -> None:
    pairs = [part for name, value in arguments.items() for part in ("-a", f"{name}={value}")]
    with log.open("wb") as output:
        subprocess.run(
            [*SCRAPY, "crawl", spider, *pairs, "-o", str(items)],
            cwd=PROJECT,
            stdout=output,
            stderr=output,
            check=True,
        )


def crawl_latencies(record: Path, count: int) -> list[float]:
    found = []
    for number in range(count):
        began = time.time()
        process = crawl("tiny", tag=str(number), record=str(record))
        found.append(wait_for(record, {str(number)})[str(number)] - began)
        process.wait()
    return found


def has_scrapyd() -> bool:
    done = subprocess.run(
        [sys.executable, "-c", "import scrapyd"], check=False, capture_output=True
    )
    return done.returncode == 0


class Scrapyd:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def call(self, name: str, **fields: Any) -> dict[str, Any]:
        data = urllib.parse.urlencode(fields).encode() if fields else None
        with urllib.request.urlopen(f"{self.url}/{name}", data, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def deploy(self) -> None:
        data, kind = _form({"project": b"bench", "version": b"1", "egg": egg()})
        request = urllib.request.Request(
            f"{self.url}/addversion.json", data, {"Content-Type": kind}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        if found.get("status") != "ok":
            raise RuntimeError(f"Scrapyd refused the project: {found}")

    def schedule(self, spider: str, **arguments: str) -> None:
        self.call("schedule.json", project="bench", spider=spider, **arguments)

    def unfinished(self) -> int:
        jobs = self.call("listjobs.json")
        return len(jobs["pending"]) + len(jobs["running"])


def _form(fields: dict[str, bytes]) -> tuple[bytes, str]:
    edge = "edge-of-a-part"
    parts = b"".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        + (b'; filename="bench.egg"' if name == "egg" else b"")
        + b"\r\n\r\n"
        + value
        + b"\r\n"
        for name, value in fields.items()
    )
    return parts + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def egg() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for file in (PROJECT / "benchspiders").glob("*.py"):
            archive.write(file, f"benchspiders/{file.name}")
        archive.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 1.0\nName: bench\nVersion: 1\n")
        archive.writestr(
            "EGG-INFO/entry_points.txt", "[scrapy]\nsettings = benchspiders.settings\n"
        )
    return data.getvalue()


@contextmanager
def scrapyd(
    folder: Path, *, port: int, poll_interval: float, processes: int = 4
) -> Iterator[Scrapyd]:
    folder.mkdir(parents=True)
    (folder / "scrapyd.conf").write_text(
        f"[scrapyd]\nhttp_port = {port}\npoll_interval = {poll_interval}\nmax_proc = {processes}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "scrapyd"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Scrapyd(port)
    try:
        _until_it_answers(server)
        server.deploy()
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _until_it_answers(server: Scrapyd) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.call("daemonstatus.json")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def scrapyd_latencies(server: Scrapyd, record: Path, count: int) -> list[float]:
    found = []
    for number in range(count):
        began = time.time()
        server.schedule("tiny", tag=str(number), record=str(record))
        found.append(wait_for(record, {str(number)})[str(number)] - began)
        # Spread over the poll interval: asking at once after an answer would always meet its end.
        time.sleep(0.13 * (number % 4))
    return found


def scrapyd_per_minute(server: Scrapyd, count: int) -> float:
    began = time.monotonic()
    for number in range(count):
        server.schedule("tiny", tag=f"many-{number}")
    while server.unfinished():
        time.sleep(0.05)
    return count * 60 / (time.monotonic() - began)
