"""Which store keeps the next times, and how the clock talks to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.base import BaseScheduler
from django.conf import settings

from tasks.scheduling.jobs import FUNCTION, job_id, options, schedule_id_of
from tasks.scheduling.jobstore import ScheduleJobStore

Due = Mapping[int, datetime | None]


class StoreUnavailable(RuntimeError):
    """The job store that is configured can't be used here; the message says what to do."""


class Agenda(Protocol):
    transactional: bool

    def due(self, now: datetime) -> list[int]: ...
    def advance(self, due: Due) -> None: ...
    def put(self, due: Due) -> None: ...
    def drop(self, schedule_ids: Iterable[int]) -> None: ...
    def times(self) -> dict[int, datetime | None]: ...
    def stored(self) -> set[int]: ...
    def count(self) -> int: ...
    def first(self) -> datetime | None: ...


class StoreAgenda:
    """Any store of APScheduler: one job at a time, after the ledger has committed."""

    transactional = False

    def __init__(self, scheduler: BaseScheduler, store: BaseJobStore) -> None:
        self._scheduler = scheduler
        self._store = store
        self._ids: set[int] = set()

    def due(self, now: datetime) -> list[int]:
        found = (schedule_id_of(job.id) for job in self._store.get_due_jobs(now))
        return [each for each in found if each is not None]

    def advance(self, due: Due) -> None:
        self.put({key: moment for key, moment in due.items() if moment is not None})
        self.drop(key for key, moment in due.items() if moment is None)

    def put(self, due: Due) -> None:
        for key, moment in due.items():
            if moment is not None:
                self._scheduler.add_job(
                    FUNCTION,
                    id=job_id(key),
                    next_run_time=moment,
                    replace_existing=True,
                    **options(key),
                )
                self._ids.add(key)

    def drop(self, schedule_ids: Iterable[int]) -> None:
        for key in schedule_ids:
            with suppress(JobLookupError):
                self._store.remove_job(job_id(key))
            self._ids.discard(key)

    def times(self) -> dict[int, datetime | None]:
        jobs: list[Job] = self._store.get_all_jobs()
        found = ((schedule_id_of(job.id), job.next_run_time) for job in jobs)
        times = {key: moment for key, moment in found if key is not None}
        self._ids = set(times)
        return times

    def stored(self) -> set[int]:
        return set(self.times())

    def count(self) -> int:
        return len(self._ids)

    def first(self) -> datetime | None:
        found: datetime | None = self._store.get_next_run_time()
        return found


def build_store(name: str | None = None, url: str | None = None) -> BaseJobStore:
    name = settings.SCHEDULER_JOB_STORE if name is None else name
    url = settings.SCHEDULER_JOB_STORE_URL if url is None else url
    if name == "django":
        return ScheduleJobStore()
    if name == "memory":
        return MemoryJobStore()
    if not url:
        raise StoreUnavailable(f"Set SCHEDULER_JOB_STORE_URL: the {name} job store needs it.")
    try:
        return _remote_store(name, url)
    except ImportError as error:
        raise StoreUnavailable(
            f"The {name} job store needs a package: pip install 'spider-scheduler[{name}]'."
        ) from error


def _remote_store(name: str, url: str) -> BaseJobStore:
    if name == "sqlalchemy":
        from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # noqa: PLC0415 - optional

        return SQLAlchemyJobStore(url=url)
    if name == "mongodb":
        from apscheduler.jobstores.mongodb import MongoDBJobStore  # noqa: PLC0415 - optional

        database = urlsplit(url).path.strip("/") or "spider_scheduler"
        return MongoDBJobStore(database=database, host=url)
    from apscheduler.jobstores.redis import RedisJobStore  # noqa: PLC0415 - optional

    return RedisJobStore(**_redis_options(url))


def _redis_options(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "db": int(parts.path.strip("/") or 0),
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 6379,
        "password": parts.password,
        "username": parts.username or None,
        "ssl": parts.scheme == "rediss",
    }


def build_agenda(scheduler: BaseScheduler, store: BaseJobStore) -> Agenda:
    return store if isinstance(store, ScheduleJobStore) else StoreAgenda(scheduler, store)
