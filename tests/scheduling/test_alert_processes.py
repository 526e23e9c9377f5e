"""Alerts from real schedulers, over a real mail server that misbehaves."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks.models import Alert, Run, SchedulerLease, SchedulerProcess, Task
from tasks.services import run_task_now, update_task
from tests.mailserver import MailServer
from tests.scheduling.conftest import SCHEDULER
from tests.waiting import wait_until

MAJA = "maja@company.example"


@pytest.fixture
def server():
    with MailServer() as server:
        yield server


@pytest.fixture
def task(transactional_db):
    task = Task.objects.create(task_id="broken", name="Broken", spider="raises_in_start")
    return update_task(task_id=task.task_id, alert_to=[MAJA], alert_on=["failed"])


def ended(run):
    return lambda: Run.objects.get(pk=run.pk).is_ended


@pytest.mark.long
def test_a_mail_server_that_hangs_holds_up_no_run_and_each_death_is_told_once(start, server, task):
    server.hangs = True
    url = f"smtp://127.0.0.1:{server.port}"
    first = start(*SCHEDULER, EMAIL_URL=url)
    deaths = [run_task_now(task_id="broken")]
    wait_until(ended(deaths[0]))
    wait_until(lambda: server.connections)
    # It waits for the mail server's first word now: the next run starts and ends all the same.
    deaths.append(run_task_now(task_id="broken"))
    wait_until(ended(deaths[1]), timeout=8)
    assert not Alert.objects.exclude(status="pending").exists()

    first.kill()  # with a message on its way
    first.wait()
    server.hangs = False
    server.release.set()
    Alert.objects.update(next_try_at=timezone.now())
    SchedulerLease.objects.update(expires_at=timezone.now())
    for _ in range(2):
        start(*SCHEDULER, EMAIL_URL=url)
    wait_until(lambda: Alert.objects.filter(status="sent").count() == 2)
    wait_until(lambda: SchedulerProcess.objects.filter(is_leader=False).exists())
    assert [message["To"] for message in server.messages] == [MAJA, MAJA]
    assert set(Alert.objects.values_list("run", flat=True)) == {run.pk for run in deaths}


def test_once_sends_before_it_ends(start, server, task):
    task.schedules.create(key="up", kind="startup", timing_hash="")
    process = start(*SCHEDULER, "--once", EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
    process.wait(60)
    assert [message["To"] for message in server.messages] == [MAJA]
