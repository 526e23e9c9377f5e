"""django-apscheduler's store as a cache of the schedules that can be rebuilt at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from apscheduler.job import Job
from django.db import connection
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob

from tasks.scheduling.jobs import PREFIX, job_id, make_job, schedule_id_of, state_of
from tasks.services.bulk import rows_source, rows_value

BATCH = 10_000
Due = Mapping[int, datetime | None]


class ScheduleJobStore(DjangoJobStore):  # type: ignore[misc]  # django-apscheduler has no types
    """A constant number of statements for any number of due jobs."""

    # Its rows are written in the transaction that writes the runs.
    transactional = True

    def register_event_listeners(self) -> None:
        """No DjangoJobExecution rows: the ledger is ours."""

    # --- what the clock asks for

    def due(self, now: datetime) -> list[int]:
        rows = self._rows().filter(next_run_time__lte=now).order_by("next_run_time", "id")
        found, broken = [], []
        for name, state in rows.values_list("id", "job_state")[:BATCH]:
            schedule_id = schedule_id_of(name)
            if schedule_id is None:
                continue
            found.append(schedule_id)
            if bytes(state) != state_of(schedule_id):
                broken.append(schedule_id)
        if broken:
            self._rebuild(broken)
        return found

    def advance(self, due: Due) -> None:
        if not due:
            return
        columns = {"id": "text", "next_run_time": "timestamptz"}
        rows = ((job_id(key), moment) for key, moment in due.items())
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE django_apscheduler_djangojob "  # noqa: S608 - our own names
                f"SET next_run_time = f.next_run_time FROM {rows_source(columns)} "
                "WHERE django_apscheduler_djangojob.id = f.id",
                [rows_value(columns, rows)],
            )

    def put(self, due: Due) -> None:
        rows = [
            DjangoJob(id=job_id(key), next_run_time=moment, job_state=state_of(key))
            for key, moment in due.items()
        ]
        DjangoJob.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["next_run_time", "job_state"],
        )

    def drop(self, schedule_ids: Iterable[int]) -> None:
        names = [job_id(each) for each in schedule_ids]
        for start in range(0, len(names), 500):
            DjangoJob.objects.filter(id__in=names[start : start + 500]).delete()

    def times(self) -> dict[int, datetime | None]:
        """What is stored and readable; what isn't counts as absent, so that it is written anew."""
        rows = self._rows().values_list("id", "next_run_time", "job_state").iterator()
        found = ((schedule_id_of(name), moment, state) for name, moment, state in rows)
        return {
            key: moment
            for key, moment, state in found
            if key is not None and bytes(state) == state_of(key)
        }

    def stored(self) -> set[int]:
        found = (schedule_id_of(name) for name in self._rows().values_list("id", flat=True))
        return {each for each in found if each is not None}

    def count(self) -> int:
        return int(self._rows().filter(next_run_time__isnull=False).count())

    def first(self) -> datetime | None:
        """When the next job is due."""
        rows = self._rows().filter(next_run_time__isnull=False).order_by("next_run_time")
        found: datetime | None = rows.values_list("next_run_time", flat=True).first()
        return found

    # --- what APScheduler asks for

    def get_due_jobs(self, now: datetime) -> list[Job]:
        return [self.lookup_job(job_id(each)) for each in self.due(now)]

    def _get_jobs(self, **filters: object) -> list[Job]:
        rows = self._rows().filter(**filters).order_by("next_run_time", "id")
        return [
            make_job(self._scheduler, key, moment)
            for name, moment in rows.values_list("id", "next_run_time")
            if (key := schedule_id_of(name)) is not None
        ]

    def lookup_job(self, name: str) -> Job | None:
        jobs = self._get_jobs(id=name)
        return jobs[0] if jobs else None

    def _rows(self) -> Any:
        return DjangoJob.objects.filter(id__startswith=PREFIX)

    def _rebuild(self, schedule_ids: list[int]) -> None:
        self._logger.warning("rebuilding %d jobs that can't be read", len(schedule_ids))
        names = [job_id(each) for each in schedule_ids]
        for row in DjangoJob.objects.filter(id__in=names[:500]):
            row.job_state = state_of(int(row.id.removeprefix(PREFIX)))
            row.save(update_fields=["job_state"])
