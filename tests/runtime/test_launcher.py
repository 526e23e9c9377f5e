from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest

from tasks.executors.environment import clean_environment
from tasks.executors.local import BOOT
from tasks.runtime.machine import is_alive
from tasks.wake import socket_path
from tests.waiting import wait_until

IMPORTS_THE_REACTOR = """
import scrapy
from twisted.internet import defer, reactor

class Early(scrapy.Spider):
    name = "early"

    async def start(self):
        called = defer.Deferred()
        reactor.callLater(0.01, called.callback, True)
        called = await scrapy.utils.defer.maybe_deferred_to_future(called)
        yield {"reactor": type(reactor).__name__, "called": called}
"""


class Launcher:
    def __init__(self, folder, project):
        self.folder = folder
        self.path = socket_path(folder, "l.sock")
        self.environment = clean_environment(os.environ, project=str(project), settings_module="")
        self.process = self.start()
        try:
            self.connect()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def start(self):
        with (self.folder / "launcher.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", str(BOOT), "launcher", str(self.path)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            wait_until(self._try, 90)
        except AssertionError:
            self.socket.close()
            raise
        self.reader = self.socket.makefile("rb")

    def _try(self):
        try:
            self.socket.connect(str(self.path))
        except OSError:
            return False
        return True

    def send(self, **message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def until(self, event):
        while True:
            line = self.reader.readline()
            assert line, (self.folder / "launcher.log").read_text()
            message = json.loads(line)
            if message["event"] == event:
                return message

    def status(self):
        self.send(op="status")
        return self.until("status")

    def order(self, spider, **arguments):
        place = self.folder / f"run-{len(list(self.folder.glob('run-*')))}"
        place.mkdir()
        order = {"run_id": place.name, "token": "t", "spider": spider, "arguments": arguments}
        (place / "order.json").write_text(json.dumps(order))
        self.send(op="run", id=place.name, folder=str(place), token="t")
        return place

    def run(self, spider, **arguments):
        place = self.order(spider, **arguments)
        return place, self.until("exit")

    def say_and_leave(self, *ops):
        """All at once, and without waiting for an answer."""
        for op in ops:
            self.send(op=op)
        self.hang_up()

    def hang_up(self):
        self.reader.close()
        self.socket.close()

    def close(self):
        self.hang_up()
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def stopped(pid):
    """What happens meanwhile it finds all at once."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    yield
    os.kill(pid, signal.SIGCONT)


@pytest.fixture
def launcher(tmp_path, project):
    launcher = Launcher(tmp_path, project)
    yield launcher
    launcher.close()


def items(place):
    return [json.loads(line) for line in (place / "items.jsonl").read_text().splitlines()]


def test_a_project_is_forked_and_its_broken_module_is_named(launcher):
    status = launcher.status()
    assert (status["mode"], status["reasons"]) == ("fork", [])
    assert "a_module_that_nobody_has" in status["errors"]["spiders.a_broken"]
    place, ended = launcher.run("echo")
    assert (ended["code"], ended["signal"]) == (0, None)
    assert ended["cpu_seconds"] > 0
    assert len(items(place)) == 1


def test_only_its_owner_may_speak_to_it(launcher):
    mode = stat.S_IMODE(launcher.path.stat().st_mode)
    assert mode == 0o600


def test_a_second_launcher_for_the_same_socket_leaves(launcher):
    second = launcher.start()
    assert second.wait(20) == 3
    assert launcher.status()["pid"] == launcher.process.pid


def test_new_and_edited_code_is_taken_over_without_losing_a_run(launcher, project):
    slow = launcher.order("sleeps", seconds=300)
    pid = launcher.until("started")["pid"]
    wait_until((slow / "items.jsonl").exists)
    new = project / "spiders" / "fresh.py"
    text = "import scrapy\nclass Fresh(scrapy.Spider):\n    name = 'fresh'\n"
    text += "    async def start(self):\n        yield {'version': 1}\n"
    # As quickly as a program edits: files of one second and one size look alike to Python's cache.
    for version in range(1, 6):
        new.write_text(text.replace("1}", f"{version}}}"))
        place = launcher.order("fresh")
        assert launcher.until("exit")["id"] == place.name
        assert items(place)[0]["version"] == version
    os.killpg(pid, signal.SIGTERM)
    ended = launcher.until("exit")
    assert (ended["id"], ended["code"]) == (slow.name, 0)
    assert launcher.status()["pid"] == launcher.process.pid


def test_a_project_that_no_longer_loads_is_said_so_and_serves_again_when_mended(launcher, project):
    settings = project / "conf.py"
    good = settings.read_text()
    settings.write_text("raise RuntimeError('half an edit')")
    wait_until(lambda: launcher.status()["mode"] == "fresh")
    [reason] = launcher.status()["reasons"]
    assert reason == {"code": "project_broken", "error": "RuntimeError: half an edit"}
    place, ended = launcher.run("echo")
    assert ended["code"] == 1
    outcome = json.loads((place / "outcome.json").read_text())
    assert outcome["bootstrap_error"] == {"type": "spider_import", "message": "half an edit"}
    assert "RuntimeError: half an edit" in (place / "run.log").read_text()
    settings.write_text(good)
    wait_until(lambda: launcher.status()["mode"] == "fork")
    assert launcher.run("echo")[1]["code"] == 0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "from threading import *\nThread(target=Event().wait, daemon=True).start()\n",
            "threads",
        ),
        (
            "from twisted.internet import asyncioreactor as each\neach.install()\n",
            "reactor",
        ),
        ("import socket\nS = socket.create_server(('127.0.0.1', 0))\n", "connections"),
    ],
)
def test_a_project_that_is_not_safe_to_fork_gets_fresh_processes(tmp_path, project, code, reason):
    (project / "spiders" / "z_unsafe.py").write_text(code)
    launcher = Launcher(tmp_path, project)
    try:
        status = launcher.status()
        assert status["mode"] == "fresh"
        assert f"fork_{reason}" in [each["code"] for each in status["reasons"]]
        # Connections that were opened early would grow old, those of a reactor too.
        waiting = spare_of(launcher) if reason == "threads" else None
        place, ended = launcher.run("echo")
        assert ended["code"] == 0, (place / "run.log").read_text()
        assert items(place)[0]["pid"] == items(place)[0]["group"] == ended["pid"]
        assert waiting in {None, ended["pid"]}
        exited = json.loads((place / "exit.json").read_text())
        assert exited["max_rss_kb"] > 0
    finally:
        launcher.close()


def test_spiders_may_import_the_reactor_at_the_top_of_their_file(tmp_path, project):
    (project / "spiders" / "z_early.py").write_text(IMPORTS_THE_REACTOR)
    launcher = Launcher(tmp_path, project)
    try:
        codes = [each["code"] for each in launcher.status()["reasons"]]
        assert "fork_reactor" in codes
        place, ended = launcher.run("early")
        assert ended["code"] == 0, (place / "run.log").read_text()
        [item] = items(place)
        assert (item["reactor"], item["called"]) == ("AsyncioSelectorReactor", True)
        assert launcher.run("echo")[1]["code"] == 0
    finally:
        launcher.close()


def test_its_end_leaves_runs_alone(launcher):
    place = launcher.order("sleeps", seconds=60)
    started = launcher.until("started")
    wait_until((place / "items.jsonl").exists)
    launcher.process.kill()
    launcher.process.wait()
    assert is_alive(started["pid"], started["start_ticks"])
    os.killpg(started["pid"], 9)


def test_a_successor_takes_the_socket_of_one_that_was_killed(launcher):
    launcher.process.kill()
    launcher.process.wait()
    launcher.hang_up()
    launcher.process = launcher.start()
    launcher.connect()
    assert launcher.run("echo")[1]["code"] == 0


def test_nonsense_on_the_wire_does_no_harm(launcher):
    launcher.socket.sendall(b"not json\n[]\n{}\n")
    assert launcher.until("error")["message"]
    assert launcher.run("echo")[1]["code"] == 0


def test_running_runs_are_listed_for_whoever_comes_back(launcher):
    place = launcher.order("sleeps", seconds=60)
    started = launcher.until("started")
    launcher.hang_up()
    launcher.connect()
    launcher.send(op="list")
    assert [run["id"] for run in launcher.until("list")["runs"]] == [place.name]
    # The launcher tells of its start before the child has made its group.
    wait_until(lambda: os.getpgid(started["pid"]) == started["pid"])
    os.killpg(started["pid"], 9)
    assert launcher.until("exit")["signal"] == 9


def test_exit_codes_and_signals_are_told_apart(launcher):
    assert launcher.run("exits")[1]["code"] == 7
    ended = launcher.run("segfaults")[1]
    assert (ended["code"], ended["signal"]) == (None, 11)


def test_it_ends_when_told_so_while_it_takes_over_new_code(launcher):
    launcher.status()
    launcher.process.send_signal(signal.SIGSTOP)
    launcher.send(op="reload")
    launcher.process.terminate()
    launcher.process.send_signal(signal.SIGCONT)
    assert launcher.process.wait(10) == 0


def test_it_hears_what_somebody_said_who_left_without_the_answer(launcher):
    launcher.status()
    with stopped(launcher.process.pid):
        launcher.say_and_leave("status", "quit")
    assert launcher.process.wait(10) == 0


def test_it_hears_what_somebody_said_who_left_before_a_run_ended(launcher, tmp_path):
    go = tmp_path / "go"
    launcher.order("sleeps", until=str(go))
    pid = launcher.until("started")["pid"]
    with stopped(launcher.process.pid):
        os.kill(pid, signal.SIGKILL)
        launcher.say_and_leave("reload", "quit")
    assert launcher.process.wait(20) == 0


def test_a_thread_that_the_project_started_does_not_keep_it(tmp_path, project):
    (project / "spiders" / "busy.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    )
    launcher = Launcher(tmp_path, project)
    try:
        assert launcher.status()["reasons"] == [{"code": "fork_threads", "n": 1}]
        launcher.send(op="quit")
        assert launcher.process.wait(10) == 0
    finally:
        launcher.process.kill()
        launcher.close()


def test_it_leaves_when_its_socket_is_gone(launcher):
    launcher.path.unlink()
    assert launcher.process.wait(10) == 0


def spare_of(launcher):
    """Its only child while nothing runs."""
    children = psutil.Process(launcher.process.pid).children
    launcher.status()
    return wait_until(lambda: len(found := children()) == 1 and found[0].pid)


def test_a_process_waits_for_the_next_run(launcher):
    spare = spare_of(launcher)
    _place, ended = launcher.run("echo")
    assert (ended["pid"], ended["code"]) == (spare, 0)
    assert spare_of(launcher) != spare


def test_a_waiting_process_that_was_killed_is_replaced(launcher):
    spare = spare_of(launcher)
    os.kill(spare, signal.SIGKILL)
    wait_until(lambda: not is_alive(spare, None))
    _place, ended = launcher.run("echo")
    assert ended["code"] == 0
    assert spare_of(launcher) != spare


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_waiting_process_leaves_with_its_launcher(launcher, number):
    spare = spare_of(launcher)
    launcher.process.send_signal(number)
    launcher.process.wait(10)
    wait_until(lambda: not is_alive(spare, None), 10)


def test_a_waiting_process_with_old_code_is_not_used(launcher, project):
    spare = spare_of(launcher)
    source = project / "spiders" / "good.py"
    source.write_text(f"{source.read_text()}\n# edited\n")
    assert launcher.run("echo")[1]["pid"] != spare
    wait_until(lambda: not is_alive(spare, None), 10)
