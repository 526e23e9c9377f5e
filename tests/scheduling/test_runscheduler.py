"""The command itself, with its worker and real spiders."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tasks.models import Run, SchedulerProcess, SpiderInfo
from tasks.outcomes import what_happened
from tasks.scheduling import daemon
from tasks.services.watch import never_running
from tests.scheduling.helpers import make_schedule
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
WILD = ROOT / "tests" / "projects" / "wild"
# It begins with a cold start of the whole command, which a busy machine takes half a minute for.
SECONDS = 120


@pytest.fixture
def command(process_env):
    """Runs `manage.py runscheduler`; none is left at the end."""
    started = []
    env = process_env | {"SCRAPY_PROJECT_PATH": str(WILD), "DEMO": "off"}

    def begin(*options, **more):
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runscheduler", *options],
            cwd=ROOT, env=env | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGUSR1)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def due_now(spider: str, **arguments: object) -> None:
    moment = timezone.now()
    make_schedule(
        spider, kind="once", run_at=moment, watermark=moment - timedelta(seconds=5),
        task={"spider": spider, "arguments": arguments},
    )  # fmt: skip


def output_of(process) -> str:
    text, _ = process.communicate(timeout=SECONDS)
    return text


def test_once_runs_what_is_due_and_tells_by_its_status_whether_all_succeeded(command):
    due_now("echo")
    process = command("--once")
    text = output_of(process)
    assert process.returncode == 0, text
    assert Run.objects.get().status == "succeeded"
    due_now("raises_in_start")
    process = command("--once")
    text = output_of(process)
    assert process.returncode == 1, text
    assert Run.objects.filter(status="failed").count() == 1
    assert "fired schedule=" in text
    assert not SchedulerProcess.objects.exists()


def test_once_with_nothing_due_ends_well(command):
    process = command("--once")
    assert output_of(process)
    assert process.returncode == 0


@pytest.mark.parametrize(("options", "status"), [([], "running"), (["--stop-runs"], "cancelled")])
def test_a_stop_leaves_spiders_running_unless_told_otherwise(command, options, status):
    due_now("sleeps", seconds=3600)
    process = command(*options)
    wait_until(lambda: Run.objects.filter(status="running").exists(), timeout=SECONDS)
    process.terminate()
    text = output_of(process)
    assert process.returncode == 0, text
    assert Run.objects.get().status == status
    if status == "running":  # the next one picks it up, and may end it
        again = command()
        wait_until(lambda: SchedulerProcess.objects.filter(running=1).exists(), timeout=SECONDS)
        again.send_signal(signal.SIGUSR1)
        assert output_of(again)
        assert Run.objects.get().status == "cancelled"


def test_a_module_that_no_longer_imports_is_named_while_the_others_fire(command, tmp_path):
    project = shutil.copytree(WILD, tmp_path / "project")
    due_now("echo")
    process = command(SCRAPY_PROJECT_PATH=str(project))
    wait_until(lambda: Run.objects.filter(status="succeeded").exists(), timeout=SECONDS)
    with (project / "spiders" / "ends_badly.py").open("a") as module:
        module.write("import a_module_that_is_gone\n")
    gone = SpiderInfo.objects.exclude(name="broken_import").exclude(error="")
    wait_until(gone.exists, timeout=SECONDS)
    due_now("raises_in_start")
    due_now("sleeps", seconds=0)
    wait_until(lambda: Run.objects.filter(finished_at__isnull=False).count() == 3, timeout=SECONDS)
    assert dict(Run.objects.values_list("spider", "status")) == {
        "echo": "succeeded", "sleeps": "succeeded", "raises_in_start": "failed",
    }  # fmt: skip
    failed = Run.objects.get(status="failed")
    assert failed.reason == "spider_import"
    assert "a_module_that_is_gone" in what_happened(failed.reason, failed.detail)
    assert "a_module_that_is_gone" in gone.get(name="raises_in_start").error
    assert [each.task.task_id for each in never_running()] == ["raises_in_start"]
    assert process.poll() is None


def test_argument_values_are_never_logged(command):
    due_now("echo", words="a needle in the log")
    process = command("--once")
    assert "needle" not in output_of(process)
    assert process.returncode == 0


def test_in_the_background_it_is_one_and_can_be_ended(command, data_dir):
    process = command("--daemon")
    assert output_of(process) == ""
    assert process.returncode == 0
    wait_until(SchedulerProcess.objects.exists, timeout=SECONDS)
    assert daemon.running_pid() == SchedulerProcess.objects.get().pid
    second = command("--daemon")
    assert "already runs in the background" in output_of(second)
    assert second.returncode == 1
    stop = command("--stop", "--stop-runs")
    assert "has ended" in output_of(stop)
    assert stop.returncode == 0
    assert daemon.running_pid() is None
    assert not SchedulerProcess.objects.exists()
    assert "leads now" in (data_dir / "runscheduler.log").read_text()


def test_ending_none_is_refused_with_one_line(command):
    process = command("--stop")
    assert output_of(process).strip().endswith("No scheduler runs in the background here.")
    assert process.returncode == 1
