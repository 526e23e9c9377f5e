"""Each verb as a shell calls it, beside a real scheduler and real spiders."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.management.verbs import VERBS
from tasks.models import Run, SchedulerProcess, SpiderInfo
from tests.environment import ROOT
from tests.waiting import wait_until

from .conftest import Answer

pytestmark = pytest.mark.django_db(transaction=True)

WILD = ROOT / "tests" / "projects" / "wild"
PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
Tasks = Callable[..., Answer]


def documented(words: str) -> set[str]:
    """The names in the first code words after `words` on the page."""
    shapes = PAGE.partition("## `--json`")[2]
    code = shapes.partition(words)[2].partition("`")[2].partition("`")[0]
    return set(re.findall(r"\w+", code))


TASK, RUN = documented("**Task info:**"), documented("**Run:**")


@pytest.fixture
def env(process_env: dict[str, str]) -> dict[str, str]:
    return {**process_env, "SCRAPY_PROJECT_PATH": str(WILD), "DEMO": "off", "COLUMNS": ""}


@pytest.fixture
def scheduler(env: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "manage.py", "runscheduler", "--stop-runs"]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        wait_until(lambda: SchedulerProcess.objects.filter(is_leader=True).exists(), timeout=120)
        wait_until(lambda: SpiderInfo.objects.filter(name="echo").exists(), timeout=120)
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def tasks(scheduler: None, shell: Callable[..., Answer]) -> Tasks:
    """Behind the imports, which test_processes.py sees: forty processes would be forty seconds."""
    used: set[str] = set()

    def run(verb: str, *words: object, code: int = 0) -> Answer:
        used.add(verb)
        answer = shell(verb, *words)
        assert answer.code == code, (verb, words, answer)
        return answer

    run.used = used  # type: ignore[attr-defined]
    return run


@pytest.mark.long
def test_a_day_at_the_shell_with_every_verb(tasks: Tasks, tmp_path: Path) -> None:
    assert set(tasks("health", "--json").json) == {"healthy", "checks"}
    assert set(tasks("spiders", "--json").json[0]) == documented("`spiders` | an array of ")
    assert set(tasks("preview", "0 6 * * *", "--json").json) == {"description", "next"}
    # --- tasks
    assert set(tasks("add-cron", "echo", "echo", "0 6 * * *", "--json").json) == TASK
    assert set(tasks("add-interval", "often", "sleeps", "--hours", 6, "--json").json) == TASK
    tasks("add-once", "once", "echo", "2099-01-01 09:30", "--arg", "words=hello")
    assert [each["task_id"] for each in tasks("list", "--json").json] == ["echo", "often", "once"]
    assert tasks("show", "echo", "--json").json.keys() >= TASK | {"schedules"}
    assert set(tasks("set-schedule", "echo", "0 7 * * *", "--json").json) == TASK
    assert tasks("disable", "once", "--note", "Later").err == ""
    assert tasks("enable", "once", "--json").json["enabled"] is True
    # --- runs
    run = tasks("run-now", "echo", "--wait", "--json").json
    assert (set(run), run["status"], run["items"]) == (RUN, "succeeded", 1)
    assert tasks("run", run["id"], "--json").json == run
    assert tasks("runs", "echo", "--json").json == [run]
    lines = [json.loads(line) for line in tasks("log", run["id"], "--json").out.splitlines()]
    assert all(set(line) == documented("`log` | one object per line: ") for line in lines)
    assert tasks("items", run["id"], "--json").json[0]["delay"] == 3
    assert "words,delay" in tasks("items", run["id"], "--format", "csv").out
    waiting = tasks("run-now", "often", "--json").json
    assert tasks("run-now", "often", code=1).err.count("\n") == 1
    tasks("cancel", waiting["id"])
    tasks("backfill", "echo", "2026-01-01", "2026-01-02", "--dry-run")
    past = tasks("backfill", "echo", "2026-01-01", "2026-01-02", "--wait", "--json").json
    assert [(set(each), each["status"]) for each in past] == [(RUN, "succeeded")] * 2
    going = tasks("clean-up", "echo", "--days", 0, "--json").json
    assert set(going) == documented("`clean-up` | ")
    assert set(going["runs"][0]) == documented("each of the runs ")
    # --- times in which nothing runs
    assert set(tasks("hold", "Moving", "--json").json) == documented("`hold` | ")
    assert tasks("release", "--json").json == {"released": 1}
    night = ("--days", "mon", "--start", "22:00", "--end", "06:00")
    made = tasks("add-blackout", "Nights", *night, "--json").json
    assert set(made) == documented("`add-blackout` one: ")
    assert tasks("blackouts", "--json").json == [made]
    assert tasks("remove-blackout", made["id"], "--json").json["removed"] is True
    moved = tasks("spread", "echo", "--json").json
    assert set(moved[0]) == documented("`spread` | an array of ")
    assert set(tasks("load", "--json").json) == documented("`load` | ")
    assert tasks("never-runs", "--json").json == []
    # --- files
    file = tmp_path / "tasks.yml"
    assert tasks("export", file, "--json").json == {"file": str(file), "tasks": 3}
    plan = tasks("import", file, "--json").json
    assert (plan["unchanged"], plan["created"]) == (3, 0)
    tasks("config", "create", tmp_path / "example.yml")
    assert tasks("test-alert", "echo", code=1).err.count("\n") == 1  # it names nobody
    assert set(tasks("status", "--json").json) == documented("`status` | ")
    assert set(tasks("remove", "once", "--json").json) == documented("`remove` | ")
    assert tasks.used == {verb.name for verb in VERBS}  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_explains_itself(shell: Callable[..., Answer], verb: str) -> None:
    answer = shell(verb, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"usage: manage.py tasks {verb} ")
    assert f"`{verb}" in PAGE or f"| `{verb.partition('-')[0]}" in PAGE


class Window:
    """A narrow terminal with a command in it."""

    def __init__(self, env: dict[str, str], *words: str, columns: int = 40) -> None:
        self.screen, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "tasks", *words],
            cwd=ROOT, env={**env, "TERM": "xterm"}, stdin=inside, stdout=inside, stderr=inside,
            start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        self.text = ""

    def read(self) -> str:
        with contextlib.suppress(OSError):  # the other side is closed
            self.text += os.read(self.screen, 65_536).decode(errors="replace")
        return self.text

    def close(self) -> int:
        before = None
        while before != self.text:
            before = self.text
            self.read()
        os.close(self.screen)
        return self.process.wait(60)


def test_waiting_shows_progress_and_ctrl_c_leaves_the_run_going(
    tasks: Tasks, env: dict[str, str]
) -> None:
    tasks("add-cron", "sleeps", "sleeps", "0 6 * * *")
    window = Window(env, "run-now", "sleeps", "--wait")
    wait_until(lambda: re.search(r"\d+ items, \d+ pages", window.read()), timeout=120)
    run = Run.objects.get(task_key="sleeps")
    window.process.send_signal(signal.SIGINT)
    assert window.close() == 130
    assert "Traceback" not in window.text
    run.refresh_from_db()
    assert (run.status, run.cancel_requested_at) == ("running", None)
    tasks("cancel", run.pk)


def test_a_narrow_terminal_keeps_ids_whole_and_no_color_means_none(
    tasks: Tasks, env: dict[str, str]
) -> None:
    run = tasks("add-cron", "echo", "echo", "0 6 * * *") and tasks("run-now", "echo", "--json").json
    wait_until(lambda: Run.objects.get().is_ended, timeout=120)
    coloured, plain = Window(env, "runs"), Window({**env, "NO_COLOR": "1"}, "runs")
    assert (coloured.close(), plain.close()) == (0, 0)
    assert run["id"] in re.sub(r"\x1b\[[0-9;]*m", "", coloured.text)
    assert re.search(r"\x1b\[(1;)?32m", coloured.text)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain.text)
