"""The clock: bursts, idle cost, next times, changes picked up, failover."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psutil
import psycopg
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.cron import CronTrigger
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob
from psycopg import sql

from tasks import cron
from tasks.models import Run, Schedule, SchedulerLease, SchedulerProcess, Task
from tasks.scheduling import registry
from tasks.scheduling.jobstore import ScheduleJobStore
from tasks.scheduling.lease import Lease
from tasks.scheduling.timekeeper import Timekeeper
from tasks.services.schedules import timing_of
from tasks.services.stuck import is_write_locked
from tasks.slots import fingerprint

Result = dict[str, Any]
NOON = datetime(2026, 3, 24, 12, tzinfo=UTC)
CLOCK = """
import signal, django
django.setup()
from tasks.scheduling.host import Clock
clock = Clock()
signal.signal(signal.SIGTERM, lambda *_: clock.ask_to_stop())
clock.start()
"""


SERVER = os.environ.get("TEST_POSTGRESQL_URL", "postgres://postgres@127.0.0.1:5432/postgres")
ON_POSTGRESQL = """
import json, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
from script.benchmarks.scheduling import on_this_database
json.dump(on_this_database("PostgreSQL", quick=sys.argv[1] == "quick"), open(sys.argv[2], "w"))
"""


def run(*, quick: bool) -> list[Result]:
    results = on_this_database("SQLite", quick=quick) + next_times() + year_of_downtime()
    try:
        with a_database() as url:
            return results + measured_on(url, quick=quick)
    except psycopg.OperationalError:
        return [*results, result("PostgreSQL", None, "", None, "no server at hand")]


def on_this_database(name: str, *, quick: bool) -> list[Result]:
    results: list[Result] = []
    for count in (100, 1000) if quick else (100, 1000, 5000):
        results += burst(count)
    results += idle(seconds=8 if quick else 30)
    results += pickup(times=5 if quick else 20)
    results += failover(times=1 if quick else 10)
    return [{**each, "name": f"{name}: {each['name']}"} for each in results]


def measured_on(url: str, *, quick: bool) -> list[Result]:
    """In a process of its own, since Django is bound to one database."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "results.json"
        command = [sys.executable, "-c", ON_POSTGRESQL, "quick" if quick else "thorough", str(file)]
        subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=True)
        found: list[Result] = json.loads(file.read_text(encoding="utf-8"))
    return found


@contextmanager
def a_database() -> Iterator[str]:
    name = f"bench_clock_{os.getpid()}"
    with psycopg.connect(SERVER, autocommit=True, connect_timeout=3) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            server.execute(drop)


def result(
    name: str, ours: float | None, unit: str, beside: float | None = None, note: str = ""
) -> Result:
    return {"name": name, "ours": ours, "beside": beside, "unit": unit, "note": note}


def clear() -> None:
    models: tuple[type[Model], ...]
    models = (Run, Schedule, Task, DjangoJob, SchedulerLease, SchedulerProcess)
    for model in models:
        model._default_manager.all().delete()
    registry.known.clear()


def make_schedules(count: int, pattern: Callable[[int], str]) -> None:
    clear()
    tasks = [
        Task(task_id=f"task-{n}", name=f"Task {n}", spider="shop", arguments={"page": n})
        for n in range(count)
    ]
    Task.objects.bulk_create(tasks, batch_size=500)
    schedules = []
    for number, task in enumerate(Task.objects.order_by("pk")):
        schedule = Schedule(
            task=task, key="main", kind="cron", cron=pattern(number), watermark=NOON
        )
        schedule.timing_hash = fingerprint(timing_of(schedule), enabled=True)
        schedules.append(schedule)
    Schedule.objects.bulk_create(schedules, batch_size=500)


# --- many due in the same minute


def burst(count: int) -> list[Result]:
    seconds, statements = our_burst(count)
    stock_seconds, stock_statements = stock_burst(count)
    name = f"{count:,} due at once"
    rows = f"{name}: until every run row exists"
    found = [
        result(rows, seconds, "s", stock_seconds, "beside: DjangoJobStore with a no-op"),
        result(f"{name}: times faster", stock_seconds / seconds, "x", None, "than DjangoJobStore"),
        result(
            f"{name}: SQL statements", statements, "statements", stock_statements,
            "beside: DjangoJobStore, from 20 jobs",
        ),
    ]  # fmt: skip
    if count <= 1000:  # it syncs the disk for every job: minutes for more
        note = "beside: SQLAlchemyJobStore with a no-op, which keeps no history"
        found.insert(1, result(rows, seconds, "s", alchemy_burst(count), note))
    return found


def our_burst(count: int) -> tuple[float, int]:
    """Seconds until all rows are committed; statements of another, captured wakeup."""
    # Hundreds of different patterns, all due at 13:00 and again within the hour.
    make_schedules(count, lambda n: f"0,{1 + n % 59} 13-{14 + n % 9} * * *")
    moments, committed = [NOON], [0.0]
    keeper = Timekeeper(
        agenda=ScheduleJobStore(),
        lease=Lease(holder="bench"),
        clock=lambda: moments[-1],
        on_fired=lambda fired: committed.append(time.perf_counter()),
    )
    keeper.tick()
    moments.append(NOON + timedelta(hours=1))
    started = time.perf_counter()
    keeper.tick()
    if Run.objects.count() != count:
        raise RuntimeError(f"{Run.objects.count()} of {count} rows")
    moments.append(NOON + timedelta(hours=1, minutes=59, seconds=59))
    with CaptureQueriesContext(connection) as queries:
        keeper.tick()
    return committed[-2] - started, len(queries)


class NoOp(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        self._run_job_success(job.id, [])


def nothing() -> None:
    """What the compared schedulers run."""


def stock_burst(count: int) -> tuple[float, int]:
    clear()
    seconds = drain(DjangoJobStore(), count)
    clear()
    with CaptureQueriesContext(connection) as queries:
        drain(DjangoJobStore(), 20)
    clear()
    # Adding a job costs statements too: those of one that is not due are taken off.
    return seconds, round((len(queries) - 20 * statements_to_add()) / 20 * count)


def statements_to_add() -> float:
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore(DjangoJobStore())
    scheduler.start(paused=True)
    with CaptureQueriesContext(connection) as queries:
        scheduler.add_job(nothing, CronTrigger(minute=0, timezone="UTC"), id="one")
    scheduler.shutdown(wait=False)
    clear()
    return len(queries)


def alchemy_burst(count: int) -> float:
    if connection.vendor == "postgresql":
        address = urlsplit(os.environ["DATABASE_URL"])._replace(scheme="postgresql+psycopg")
        return drain(SQLAlchemyJobStore(url=address.geturl()), count)
    with tempfile.TemporaryDirectory() as folder:
        return drain(SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.sqlite3"), count)


def drain(store: Any, count: int) -> float:
    """One wakeup of a stock scheduler with all jobs due."""
    scheduler = BackgroundScheduler(timezone="UTC", executors={"default": NoOp()})
    scheduler.add_jobstore(store)
    scheduler.start(paused=True)
    now = timezone.now()
    try:
        for number in range(count):
            scheduler.add_job(
                nothing, CronTrigger(minute=0, timezone="UTC"), id=str(number),
                next_run_time=now, misfire_grace_time=None,
            )  # fmt: skip
        scheduler.state = STATE_RUNNING
        started = time.perf_counter()
        scheduler._process_jobs()
        return time.perf_counter() - started
    finally:
        store.remove_all_jobs()  # another round may use the same table
        scheduler.shutdown(wait=False)


# --- next times


def each(action: Callable[[], object], repeat: int = 300) -> float:
    started = time.perf_counter()
    for _ in range(repeat):
        action()
    return (time.perf_counter() - started) / repeat * 1e6


def next_times() -> list[Result]:
    zone, text = ZoneInfo("Europe/Stockholm"), "30 6 * * 1-5"
    trigger = CronTrigger(minute=30, hour=6, day_of_week="mon-fri", timezone=zone)

    def uncached() -> None:
        cron._parse.cache_clear()
        cron.next_time.__wrapped__(cron.normalise(text), zone, NOON)

    def worked_out() -> None:
        cron.next_time.__wrapped__(text, zone, NOON)

    worked_out()
    cron.next_time(text, zone, NOON)
    beside = each(lambda: trigger.get_next_fire_time(None, NOON))
    note = "beside: APScheduler's CronTrigger"
    known = each(lambda: cron.next_time(text, zone, NOON))
    return [
        result("next time of a parsed pattern", each(worked_out), "µs", beside, note),
        result("next time that was asked before", known, "µs", beside, note),
        result("next time of a pattern, parsed anew", each(uncached, 100), "µs", None, ""),
    ]


def year_of_downtime() -> list[Result]:
    make_schedules(1, lambda n: "* * * * *")
    timing = timing_of(Schedule.objects.get())
    year = timedelta(days=365)
    trigger = CronTrigger(minute="*", timezone="UTC")
    ours = each(lambda: timing.slots_between(NOON - year, NOON), 20) / 1000

    def walk() -> None:
        """Stock `_get_run_times` for a day; a year is 365 of them."""
        moment, end = NOON - timedelta(days=1), NOON
        while moment < end:
            moment = trigger.get_next_fire_time(moment, moment)

    beside = each(walk, 1) / 1000 * 365
    return [
        result("a year of downtime, every minute: decided in", ours, "ms", beside,
               "beside: APScheduler walks each slot (one day measured, times 365)"),
    ]  # fmt: skip


# --- processes


@contextmanager
def clocks(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    log = Path(os.environ["DATA_DIR"]) / "clocks.log"
    with log.open("ab") as out:
        started = [start_clock(out) for _ in range(count)]
        try:
            until(lambda: SchedulerProcess.objects.count() >= count and leader())
            yield started
        finally:
            for process in started:
                process.kill()
                process.wait()


def start_clock(out: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CLOCK], stdout=out, stderr=out)


def until(check: Callable[[], object], timeout: float = 90) -> float:
    """How long it took until the check was true."""
    started = time.perf_counter()
    while not check():
        if time.perf_counter() - started > timeout:
            raise TimeoutError("it never came true")
        time.sleep(0.01)
    return time.perf_counter() - started


def leader() -> int | None:
    lease = SchedulerLease.objects.filter(expires_at__gt=timezone.now()).first()
    row = SchedulerProcess.objects.filter(name=lease.holder).first() if lease else None
    return row.pid if row else None


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_megabytes(pid: int) -> float:
    return int(psutil.Process(pid).memory_info().rss) / 1024**2


def idle(*, seconds: float) -> list[Result]:
    make_schedules(10_000, lambda n: f"{n % 60} {n % 24} 1 1 *")
    Schedule.objects.update(watermark=timezone.now())
    with clocks(1) as (process,):
        until(lambda: DjangoJob.objects.count() == 10_000)
        time.sleep(2)
        before, started = cpu_seconds(process.pid), time.perf_counter()
        time.sleep(seconds)
        used = cpu_seconds(process.pid) - before
        share = 100 * used / (time.perf_counter() - started)
        memory = resident_megabytes(process.pid)
    note = "10,000 schedules, nothing due, every change noticed within a second"
    return [
        result("idle scheduler: CPU", share, "% of a core", None, note),
        result("idle scheduler: memory", memory, "MB", None, note),
    ]


def pickup(*, times: int) -> list[Result]:
    make_schedules(100, lambda n: "0 0 1 1 *")
    Schedule.objects.update(watermark=timezone.now())
    taken = []
    with clocks(1):
        until(lambda: DjangoJob.objects.count() == 100)
        target = Schedule.objects.order_by("pk").first()
        assert target is not None
        for number in range(times):
            minute = number % 60
            Schedule.objects.filter(pk=target.pk).update(cron=f"{minute} 5 1 2 *")
            row = DjangoJob.objects.filter(id=f"schedule-{target.pk}")
            taken.append(until(partial(_fires_at, row, minute)))
            time.sleep(0.137)
    clear()
    note = "an UPDATE by another process; stock schedulers never notice"
    return [
        result("change picked up: median", statistics.median(taken), "s", None, note),
        result("change picked up: worst", max(taken), "s", None, note),
    ]


def moment_of(row: Any) -> tuple[int, int] | None:
    moment = row.values_list("next_run_time", flat=True).first()
    return (moment.month, moment.minute) if moment else None


def _fires_at(row: Any, minute: int) -> bool:
    return moment_of(row) == (2, minute)


def failover(*, times: int) -> list[Result]:
    results = []
    for number, words in (
        (signal.SIGKILL, "kill -9"), (signal.SIGSTOP, "hung (SIGSTOP)"), (signal.SIGTERM, "SIGTERM")
    ):  # fmt: skip
        taken = [one_failover(number) for _ in range(times)]
        note = f"{times} times; until another leads; beside: stock has no second scheduler"
        results += [
            result(f"failover after {words}: median", statistics.median(taken), "s", None, note),
            result(f"failover after {words}: worst", max(taken), "s", None, note),
        ]
    return results


def one_failover(number: signal.Signals) -> float:
    """Until another leads: what is due is fired in the same wakeup."""
    make_schedules(10, lambda n: "* * * * *")
    with clocks(2):
        pid = leader()
        assert pid is not None
        os.kill(pid, number)
        while number == signal.SIGSTOP and is_write_locked():
            # In the middle of a write SQLite's lock stays with it: there is no failover then.
            os.kill(pid, signal.SIGCONT)
            until(lambda: not is_write_locked())
            os.kill(pid, number)
        return until(lambda: leader() not in {None, pid})
