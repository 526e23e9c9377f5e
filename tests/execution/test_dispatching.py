from __future__ import annotations

import errno
import shutil
import threading
import time
from contextlib import closing
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from tasks.execution import queue as queue_module
from tasks.execution import worker as worker_module
from tasks.execution.dispatching import Places, claim, domains_of
from tasks.execution.folder import data_dir
from tasks.execution.queue import waiting_runs
from tasks.execution.worker import Worker
from tasks.models import Run, Task
from tasks.services.runs import cancel_run, new_run, run_task_now
from tasks.wake import QUEUED, STOPPING, Doorbell, ring
from tests.waiting import wait_until


def order(now=None, active=()):
    now = now or timezone.now()
    places = Places(active, total=9, per_domain=1)
    found = waiting_runs(host="here", executor="local", default=True, now=now, places=places)
    return [run.pk for run in found]


def statuses():
    return sorted(Run.objects.values_list("status", flat=True))


@pytest.fixture
def queue(db):
    def add(name="a", **fields):
        task, _ = Task.objects.get_or_create(
            task_id=name, defaults={"name": name, "spider": "echo", "overlap_policy": "allow"}
        )
        run = new_run(task, trigger="manual", **fields)
        run.save(force_insert=True)
        return run

    return add


def test_the_oldest_is_first_and_priority_goes_before_age(queue):
    now = timezone.now()
    first = queue("a", queued_at=now - timedelta(seconds=20))
    second = queue("b", queued_at=now - timedelta(seconds=10))
    urgent = queue("c", queued_at=now, priority=5)
    assert order(now) == [urgent.pk, first.pk, second.pk]


def test_who_waits_long_overtakes_a_higher_priority(queue):
    now = timezone.now()
    patient = queue("a", queued_at=now - timedelta(hours=1))
    urgent = queue("b", queued_at=now, priority=5)
    assert order(now) == [patient.pk, urgent.pk]


def test_tasks_take_turns_when_the_queue_is_long(queue):
    now = timezone.now()
    flood = [queue("a", queued_at=now - timedelta(seconds=90 - n)) for n in range(50)]
    single = queue("b", queued_at=now)
    assert order(now)[:2] == [flood[0].pk, single.pk]


def test_who_waits_long_is_found_behind_a_long_queue_of_urgent_runs(queue, monkeypatch):
    monkeypatch.setattr(queue_module, "SHORT", 4)
    monkeypatch.setattr(queue_module, "FEW", 4)
    monkeypatch.setattr(queue_module, "CANDIDATES", 8)
    now = timezone.now()
    patient = queue("patient", queued_at=now - timedelta(hours=2))
    for n in range(20):
        queue(f"t{n}", queued_at=now, priority=9)
    assert order(now)[0] == patient.pk


def test_a_long_queue_without_room_hides_nobody_who_has_room(queue, monkeypatch):
    monkeypatch.setattr(queue_module, "SHORT", 4)
    monkeypatch.setattr(queue_module, "FEW", 4)
    now = timezone.now()
    crowd = [
        queue(f"t{n}", arguments={"url": "http://shop.example/"}, queued_at=now, priority=9)
        for n in range(12)
    ]
    other = queue("other", arguments={"url": "http://else.example/"}, queued_at=now)
    assert order(now, active=crowd[:1]) == [other.pk]


def test_a_retry_waits_for_its_time(queue):
    now = timezone.now()
    later = queue(not_before=now + timedelta(minutes=1))
    assert order(now) == []
    assert order(now + timedelta(minutes=2)) == [later.pk]


def test_another_executors_runs_and_other_hosts_runs_are_left_alone(queue):
    queue(executor="scrapyd")
    queue(host="elsewhere")
    mine = queue(host="here")
    assert order() == [mine.pk]


def test_of_two_who_claim_one_gets_it(queue):
    run = queue()
    again = Run.objects.select_related("task").get(pk=run.pk)
    now = timezone.now()
    assert claim(run, host="here", executor="local", now=now)
    assert not claim(again, host="there", executor="local", now=now)
    assert Run.objects.get(pk=run.pk).host == "here"


def test_no_more_runs_start_than_there_are_places(bench):
    bench.worker.max_workers = 2
    for _ in range(4):
        bench.waits()
    bench.drive(lambda: statuses().count("running") == 2)
    assert statuses().count("queued") == 2
    bench.go.touch()
    bench.drive(lambda: statuses() == ["succeeded"] * 4)


def test_a_long_queue_is_read_on_without_waiting_for_the_next_tick(bench, monkeypatch):
    """One reading holds ten runs of a task at most."""
    task = bench.task("echo", overlap_policy="allow", max_instances=50)
    bench.until_ended(bench.queue(task=task))
    for _ in range(25):
        bench.queue(task=task)
    monkeypatch.setattr(bench.worker, "_next_tick", time.monotonic() + 3600)
    with closing(Doorbell(data_dir())) as bench.worker.bell:
        bench.worker.wake()
        bench.drive(lambda: statuses() == ["succeeded"] * 26)


@pytest.mark.parametrize(("policy", "together"), [("queue", 1), ("skip", 1), ("allow", 2)])
def test_runs_of_one_task_go_side_by_side_only_as_far_as_it_allows(bench, policy, together):
    task = bench.task("sleeps", overlap_policy=policy, max_instances=2)
    for _ in range(3):
        bench.queue(task=task, arguments={"seconds": 0.5})
    most = []

    def all_done():
        most.append(sum(status in {"starting", "running"} for status in statuses()))
        return statuses() == ["succeeded"] * 3

    bench.drive(all_done)
    assert max(most) == together


def test_a_test_run_does_not_wait_for_the_tasks_other_runs(bench):
    task = bench.task("sleeps")
    running = bench.until_item(bench.queue(task=task))
    test = bench.queue(task=task, trigger="test", arguments={"seconds": 0.1})
    bench.until_ended(test)
    running.refresh_from_db()
    assert (test.status, running.status) == ("succeeded", "running")


def test_one_website_is_read_by_so_many_runs_at_a_time(bench, site):
    bench.worker.per_domain = 1
    runs = [bench.waits(arguments={"note": f"{site.url}/ok"}) for _ in range(2)]
    bench.until_status(runs[0], "running")
    runs[1].refresh_from_db()
    assert runs[1].status == "queued"
    bench.go.touch()
    for run in runs:
        bench.until_ended(run)
    assert statuses() == ["succeeded"] * 2


def test_websites_are_found_in_arguments():
    run = Run(arguments={"a": "http://x.example/1 https://y.example", "b": ["http://z.example"]})
    assert domains_of(run) == {"x.example", "y.example", "z.example"}
    together = "http://x.example/1,2,https://y.example"
    assert domains_of(Run(arguments={"start_urls": together})) == {"x.example", "y.example"}
    assert domains_of(Run(arguments={"a": "word", "b": 3, "c": "http://[bad"})) == set()


def test_nothing_starts_while_the_disk_is_nearly_full(bench, monkeypatch, caplog):
    real = shutil.disk_usage
    nearly_full = real("/")._replace(total=10_000, used=9_000, free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: nearly_full)
    run = bench.queue("echo")
    for _ in range(3):
        bench.worker._turn()
    run.refresh_from_db()
    assert run.status == "queued"
    assert caplog.text.count("only 0 MB are free") == 1
    monkeypatch.setattr(shutil, "disk_usage", real)
    bench.until_ended(run)
    assert run.status == "succeeded"


def test_a_folder_that_cannot_be_written_fails_the_run_in_words(bench, data_dir):
    (data_dir / "runs").write_text("a file in the way")
    run = bench.until_ended(bench.queue("echo"))
    assert (run.status, run.reason) == ("failed", "disk_full")


def test_a_secret_that_cannot_be_read_fails_the_run_in_words(bench):
    run = bench.queue("echo")
    Run.objects.filter(pk=run.pk).update(secrets={"password": "not a token"})
    bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "secret_unreadable")


# --- doorbell ---------------------------------------------------------------------------------


def test_whoever_queues_or_stops_a_run_rings(data_dir):
    bell = Doorbell(data_dir)
    try:
        assert bell.answer() == set()
        ring(data_dir)
        ring(data_dir, STOPPING)
        assert bell.answer() == {QUEUED, STOPPING}
        assert bell.answer() == set()
    finally:
        bell.close()
    assert not bell.path.exists()


def test_a_bell_of_a_process_that_was_killed_is_taken_down(data_dir):
    bell = Doorbell(data_dir)
    bell._socket.close()
    ring(data_dir)
    assert not bell.path.exists()


def test_a_folder_with_a_long_name_has_a_bell_too(data_dir):
    folder = data_dir / ("long-" * 30)
    folder.mkdir()
    bell = Doorbell(folder)
    try:
        ring(folder)
        assert bell.answer() == {QUEUED}
    finally:
        bell.close()


def test_ringing_where_nobody_listens_does_no_harm(data_dir):
    ring(data_dir / "missing")


# --- the thread -------------------------------------------------------------------------------


@pytest.fixture
def thread(bench):
    workers = []

    def start(**options):
        worker = Worker("here", 4, executor=bench.worker.executor, grace=1, **options)
        worker.catalogue.start = worker.catalogue.stop = lambda: None
        worker.housekeeper.start = worker.housekeeper.stop = lambda: None
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        if worker.is_alive():
            worker.stop(stop_runs=True)


def status_of(run):
    return Run.objects.get(pk=run.pk).status


def test_a_run_that_is_asked_for_starts_at_once(bench, thread, monkeypatch):
    monkeypatch.setattr(worker_module, "TICK", 3600.0)
    thread()
    first = bench.queue("echo")
    ring(bench.effects.parent)
    wait_until(lambda: status_of(first) == "succeeded")
    second = run_task_now(task_id=first.task_key)
    wait_until(lambda: status_of(second) == "succeeded")


def test_a_doorbell_that_cannot_be_hung_yet_ends_no_worker(bench, thread, monkeypatch):
    troubles = iter([OSError(errno.ENOSPC, "No space left on device")])

    def hang(folder):
        if (trouble := next(troubles, None)) is not None:
            raise trouble
        return Doorbell(folder)

    monkeypatch.setattr(worker_module, "Doorbell", hang)
    thread()
    run = bench.queue("echo")
    wait_until(lambda: status_of(run) == "succeeded")


def test_a_folder_that_cannot_be_tidied_at_the_end_leaves_no_launcher(bench, thread, monkeypatch):
    worker = thread()
    run = bench.queue("echo")
    wait_until(lambda: status_of(run) == "succeeded")
    close = Mock(side_effect=worker.executor.close)
    monkeypatch.setattr(worker.executor, "close", close)
    monkeypatch.setattr(worker.supervisor, "tidy", Mock(side_effect=DatabaseError("gone")))
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    worker.stop(stop_runs=True)
    close.assert_called_once_with(quit_too=True)


def test_a_stop_is_heard_at_once(bench, thread, monkeypatch):
    monkeypatch.setattr(worker_module, "TICK", 5.0)
    thread()
    run = bench.queue("sleeps")
    ring(bench.effects.parent)
    wait_until(lambda: bench.items(run))
    wait_until(lambda: status_of(run) == "running")
    cancel_run(run_id=run.pk)
    wait_until(lambda: status_of(run) == "cancelled")


def test_a_worker_that_stops_leaves_its_runs_to_the_next(bench, thread):
    worker = thread()
    run = bench.waits()
    worker.wake()
    wait_until(lambda: bench.items(run) and status_of(run) == "running")
    worker.stop()
    assert status_of(run) == "running"
    bench.go.touch()
    bench.until_ended(run)
    assert run.status == "succeeded"


def test_a_worker_that_stops_with_its_runs_leaves_none(bench, thread):
    bench.use_own_launcher()
    worker = thread()
    runs = [bench.queue("ignores_term"), bench.queue("grandchildren")]
    worker.wake()
    wait_until(lambda: all(bench.items(run) for run in runs))
    worker.stop(stop_runs=True)
    assert not worker.is_alive()
    assert {(run.status, run.reason) for run in Run.objects.all()} == {
        ("cancelled", "scheduler_stop")
    }


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(RuntimeError("a bug"), "stumbled"), (OperationalError("gone"), "cannot be used")],
)
def test_trouble_in_a_turn_does_not_end_the_thread(
    bench, thread, monkeypatch, caplog, trouble, words
):
    failures = []

    def stumble(self):
        if len(failures) < 2:
            failures.append(threading.get_ident())
            raise trouble
        return real(self)

    real = Worker._turn
    monkeypatch.setattr(Worker, "_turn", stumble)
    worker = thread()
    run = bench.queue("echo")
    worker.wake()
    wait_until(lambda: status_of(run) == "succeeded")
    assert words in caplog.text
