from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from tasks.api.streams import responses, watcher
from tasks.api.streams.frames import line_frame
from tasks.api.streams.places import open_streams, take_place
from tasks.api.streams.responses import Following, stream
from tasks.api.streams.snapshots import Snapshot
from tasks.execution.folder import run_folder
from tasks.execution.logs import LogLine, parse_line
from tasks.models import Run
from tasks.runtime.files import write_json
from tests.waiting import run_async, wait_until

from .conftest import token_for
from .serving import Listener, Site, serving

LINE = "2026-04-02 06:00:0{} [shop] {}: {}\n"


def write(run: Run, *lines: str) -> None:
    folder = run_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.log").open("a", encoding="utf-8") as log:
        log.writelines(lines)


def a_run(status: str = "running") -> Run:
    return Run.objects.create(task_key="shop", task_name="Shop", trigger="api", status=status)


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: Any) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("data"), MAX_STREAMS_PER_PERSON="40") as found:
        yield found


@pytest.fixture
def site(server: Site, transactional_db: None, settings: Any) -> Site:
    settings.DATA_DIR = server.data_dir
    return server


@pytest.fixture
def listen(site: Site, maja: Any) -> Iterator[Callable[..., Listener]]:
    token = token_for(maja)
    opened: list[Listener] = []

    def start(run: Run, path: str = "/api/v1/runs/{}/logs", last: str | None = None) -> Listener:
        opened.append(Listener(site.url + path.format(run.pk), token, last))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_lines_come_as_they_are_written_and_the_end_with_the_run(listen: Any) -> None:
    run = a_run()
    write(run, LINE.format(1, "INFO", "Spider opened"))
    stream = listen(run)
    assert stream.response.headers["Content-Type"] == "text/event-stream"
    first = stream.next("log")
    assert first.data == {
        "ts": "2026-04-02T06:00:01+00:00",
        "level": "INFO",
        "msg": "Spider opened",
    }
    write(run, LINE.format(2, "ERROR", "Page not found"))
    second = stream.next("log")
    assert (second.data["level"], second.data["msg"]) == ("ERROR", "Page not found")
    assert int(second.id) == (run_folder(run) / "run.log").stat().st_size
    Run.objects.update(items=3)
    assert stream.next("progress").data["items"] == 3
    Run.objects.update(status="succeeded")
    end = stream.next("end")
    assert end.data == {"status": "succeeded", "spider_job_id": str(run.pk)}
    assert list(stream.events()) == []
    assert listen(run, last=end.id).status == 204


def test_an_ended_run_replays_and_ends_at_each_of_its_addresses(listen: Any) -> None:
    run = a_run("failed")
    write(run, *(LINE.format(1, "INFO", f"line {number}") for number in range(3000)))
    for path in ("/jobs/{}/logs", "/api/v1/jobs/{}/logs", "/api/v1/runs/{}/logs"):
        events = list(listen(run, path).events())
        messages = [event.data["msg"] for event in events if event.name == "log"]
        assert messages == [f"line {number}" for number in range(3000)]
        assert (events[0].name, events[-1].name) == ("progress", "end")


def test_a_stream_goes_on_where_it_broke(listen: Any) -> None:
    run = a_run()
    write(run, *(LINE.format(1, "INFO", f"line {number}") for number in range(5)))
    broken = listen(run)
    broken.next("log")
    last = broken.next("log").id
    broken.close()
    assert listen(run, last=last).next("log").data["msg"] == "line 2"
    begun = f"/api/v1/runs/{{}}/logs?after={last}"
    assert listen(run, begun).next("log").data["msg"] == "line 2"
    assert listen(run, f"/api/v1/runs/{{}}/logs?after={10**9}", last="0").next("log").id != "0"


def test_a_run_that_waits_is_streamed_from_its_first_line(listen: Any) -> None:
    run = a_run("queued")
    stream = listen(run)
    assert stream.next("progress").data["status"] == "queued"
    write(run, LINE.format(1, "INFO", "Spider opened"))
    assert stream.next("log").data["msg"] == "Spider opened"


def test_an_ended_run_without_a_log_ends_at_once(listen: Any) -> None:
    run = a_run("skipped")
    end = list(listen(run).events())[-1]
    assert (end.name, end.id) == ("end", "0")
    assert listen(run, last="0").status == 204


def test_what_was_cut_out_is_one_gap(listen: Any) -> None:
    run = a_run("succeeded")
    lines = [LINE.format(1, "INFO", f"line {number:04}") for number in range(100)]
    write(run, *lines)
    size = len(lines[0])
    write_json(run_folder(run) / "log.json", {"gap": [10 * size, 90 * size]})
    events = list(listen(run).events())
    gap = next(event for event in events if event.name == "gap")
    assert gap.data == {"from": 10 * size, "to": 90 * size}
    assert len([event for event in events if event.name == "log"]) == 20


def test_one_person_holds_only_so_many_streams(listen: Any, site: Site, anna: Any) -> None:
    run = a_run()
    held = [listen(run) for _ in range(40)]
    refused = listen(run)
    assert refused.status == 429
    assert refused.response.headers["Content-Type"] == "application/problem+json"
    url = f"{site.url}/api/v1/runs/{run.pk}/logs"
    other = Listener(url, token_for(anna))
    assert other.status == 200
    other.close()
    held[0].close()
    wait_until(lambda: listen(run).status == 200, timeout=20)


def test_streams_hold_no_threads(listen: Any, site: Site) -> None:
    run = a_run()
    listen(run).next("progress")
    before = site.threads()
    streams = [listen(run) for _ in range(35)]
    write(run, LINE.format(1, "INFO", "Spider opened"))
    assert {each.next("log").data["msg"] for each in streams} == {"Spider opened"}
    # The fixed threads may be started meanwhile; 35 streams would be 35 more.
    assert site.threads() - before <= 20


def test_a_wrong_address_or_offset_or_person_is_refused(listen: Any, site: Site) -> None:
    run = a_run()
    refused = {
        (f"/api/v1/runs/{uuid4()}/logs", None): 404,
        ("/api/v1/runs/nonsense/logs", None): 404,
        ("/jobs/nobody/logs", None): 404,
        ("/api/v1/runs/{}/logs", "abc"): 422,
        ("/jobs/{}/logs", "9" * 30): 400,
    }
    assert {key: listen(run, *key).status for key in refused} == refused
    assert requests.get(f"{site.url}/api/v1/runs/{run.pk}/logs", timeout=10).status_code == 401


# --- without a server -------------------------------------------------------------------------


def test_text_of_a_spider_never_breaks_out_of_its_event() -> None:
    raw = "2026-04-02 06:00:01 [x] INFO: a\u2028b\rc\x1b[31mevent: end\n".encode()
    frame = line_frame(parse_line(raw, 0)).decode()
    assert frame.count("\n") == 4
    assert frame.startswith("event: log\nid: ")
    assert "\r" not in frame
    assert "\x1b" not in frame


def test_a_line_that_is_too_long_says_that_it_was_cut() -> None:
    line = parse_line(b"2026-04-02 06:00:01 [x] INFO: " + b"a" * 5000 + b"\n", 0)
    assert json.loads(line_frame(line).decode().partition("data: ")[2])["cut"] is True


def test_a_gap_is_an_event_of_its_own() -> None:
    assert line_frame(LogLine(1, 9, "", is_gap=True)).startswith(b"event: gap\nid: 9\n")


def test_a_quiet_stream_says_that_it_is_still_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(responses, "HEARTBEAT_EVERY", 0.02)
    monkeypatch.setattr(watcher, "LOOK_AT_ROWS_EVERY", 0.01)
    monkeypatch.setattr(watcher, "read_snapshots", lambda keys: {})

    async def listen() -> list[bytes]:
        place = take_place(1, most=1)
        assert place is not None
        following = Following(uuid4(), tmp_path, Snapshot("running", "x"), 0, place)
        generator = stream(following)
        parts = [await anext(generator) for _ in range(4)]
        assert open_streams() == 1
        await generator.aclose()
        return parts

    parts = run_async(listen())
    assert parts[2:] == [b": still here\n\n"] * 2
    assert open_streams() == 0


def test_a_place_that_is_never_used_is_given_back() -> None:
    place = take_place(7, most=1)
    assert take_place(7, most=1) is None
    assert place is not None
    del place
    assert take_place(7, most=1) is not None


def test_many_followers_read_a_log_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "run.log").write_text(LINE.format(1, "INFO", "x") * 10)
    monkeypatch.setattr(watcher, "read_snapshots", lambda keys: {})
    reads = []
    lock = threading.Lock()
    from tasks.api.streams import tails

    read_log = tails.read_log

    def counted(*args: Any, **options: Any) -> Any:
        with lock:
            reads.append(args)
        return read_log(*args, **options)

    monkeypatch.setattr(tails, "read_log", counted)

    async def listen(run_id: Any) -> int:
        place = take_place(1, most=100)
        assert place is not None
        following = Following(run_id, tmp_path, Snapshot("succeeded", "x"), 0, place)
        return b"".join([part async for part in stream(following)]).count(b"event: log")

    async def together() -> list[int]:
        run_id = uuid4()
        return await asyncio.gather(*(listen(run_id) for _ in range(50)))

    assert run_async(together()) == [10] * 50
    assert len(reads) < 20


def test_who_asks_after_a_change_joins_no_reading_from_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tasks.api.streams import tails

    held, begun, read_log = threading.Event(), threading.Event(), tails.read_log

    def slow_at_first(*args: Any, **options: Any) -> Any:
        page = read_log(*args, **options)
        if not begun.is_set():
            begun.set()
            assert held.wait(20)
        return page

    monkeypatch.setattr(tails, "read_log", slow_at_first)

    async def late_reader() -> tuple[bytes, bytes]:
        with ThreadPoolExecutor(2) as readers:
            tail = tails.Tail(uuid4(), tmp_path, Snapshot("running", "x"), readers)
            first = asyncio.create_task(tail.part(0, ended=False))
            await asyncio.to_thread(begun.wait, 20)
            (tmp_path / "run.log").write_text(LINE.format(1, "INFO", "x"))
            tail.look()
            try:
                late = await asyncio.wait_for(tail.part(0, ended=False), 10)
            finally:
                held.set()
            return (await first).frames, late.frames

    before, after = run_async(late_reader())
    assert (before, after.count(b"event: log")) == (b"", 1)


def test_a_follower_who_comes_when_the_last_has_just_left_is_served_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watcher, "LOOK_AT_LOGS_EVERY", 0)
    monkeypatch.setattr(watcher, "LOOK_AT_ROWS_EVERY", 3600)
    asked = threading.Event()
    monkeypatch.setattr(watcher, "read_snapshots", lambda keys: asked.set() or {})

    async def second_follower() -> bool:
        source, now = watcher.Watcher(), Snapshot("running", "x")
        first = source.follow(uuid4(), tmp_path, now)
        await asyncio.to_thread(asked.wait, 20)
        source.leave(first)
        # The one that looks at rows has looked once and sleeps; the other one has ended.
        running = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        tail = source.follow(uuid4(), tmp_path, now)
        (tmp_path / "run.log").write_text(LINE.format(1, "INFO", "x"))
        seen = await responses.happens(tail.changed, 10)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return seen

    assert run_async(second_follower())
