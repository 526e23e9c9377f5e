"""Watches the runs of one host through their folders. It keeps nothing that a restart would lose:
each look starts from the table and the files, so a new supervisor takes over by just looking."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from tasks.execution.claims import begin, note_claim
from tasks.execution.dispatching import give_back
from tasks.execution.figures import Sample, save_figures
from tasks.execution.finishing import LastWords, read_exit, settle, tidy
from tasks.execution.folder import run_folder
from tasks.execution.processes import is_running, memory_of_runs
from tasks.execution.stopping import GRACE, Stop, clear_group, note_stop, stop_reason
from tasks.executors.base import Ended
from tasks.models import Run
from tasks.runtime.files import Json, read_json, storable_text
from tasks.runtime.logcut import cut_log
from tasks.runtime.machine import boot_id
from tasks.runtime.order import revoke
from tasks.services.baseline import baseline_of
from tasks.services.settling import finish_run

logger = logging.getLogger(__name__)
Status = Run.Status
HERE = (Status.STARTING, Status.RUNNING)

START_GRACE = 10.0
# While the project is being read; some import for half a minute.
LOADING_GRACE = 120.0
# The launcher writes how a run ended a moment after its process is gone.
EXIT_GRACE = 3.0
MAX_STARTS = 3
CLAIMS_REST = 0.1
# After a full disk left no room for it.
TIDY_AGAIN = 30.0


class Untidy(NamedTuple):
    run: Run
    words: LastWords
    at: float = 0.0


class Supervisor:
    def __init__(
        self,
        *,
        host: str,
        executor: str,
        log_bytes: int,
        grace: float = GRACE,
        is_loading: Callable[[], bool] = lambda: False,
    ) -> None:
        self.host = host
        self.is_loading = is_loading
        self.executor = executor
        self.log_bytes = log_bytes
        self.grace = grace
        self.stop_all = False
        self.known: dict[UUID, Run] = {}
        self._stops: dict[UUID, Stop] = {}
        self._gone: dict[UUID, float] = {}
        self._usual: dict[UUID, float | None] = {}
        self._starts: dict[UUID, int] = {}
        self._claims_seen = 0.0
        self._untidy: list[Untidy] = []

    # --- once a second ----------------------------------------------------------------------

    def look(self) -> None:
        runs = self._runs()
        self._forget_all_but({run.pk for run in runs})
        memory = self._memory(runs)
        samples: list[Sample] = []
        for run in runs:
            try:
                sample = self._look_at(run, memory)
            except DatabaseError:
                raise
            except Exception:
                logger.exception("run %s could not be looked at", run.pk)
                continue
            if sample is not None:
                samples.append(sample)
        save_figures(samples)
        self.known = {run.pk: run for run in runs if run.status in HERE}

    @property
    def starting(self) -> list[Run]:
        return [run for run in self.known.values() if run.status == Status.STARTING]

    def watch(self, run: Run) -> None:
        """One that was just started here."""
        self.known[run.pk] = run

    def look_for_claims(self) -> None:
        """Some times a second while runs start: reads no table. One that ends sooner is written
        down as started and ended at once."""
        now = time.monotonic()
        if now - self._claims_seen < CLAIMS_REST:
            return
        self._claims_seen = now
        for run in self.starting:
            self._has_claimed(run, run_folder(run))

    def tidy(self) -> None:
        """What of ended runs can wait until those that follow have started."""
        now = time.monotonic()
        due = [each for each in self._untidy if each.at <= now]
        self._untidy = [each for each in self._untidy if each.at > now]
        for each in due:
            if not tidy(each.run, each.words):
                self._untidy.append(each._replace(at=now + TIDY_AGAIN))

    def _runs(self) -> list[Run]:
        return list(
            Run.objects.filter(
                host=self.host, executor=self.executor, status__in=[Status.STARTING, Status.RUNNING]
            ).select_related("task")
        )

    def _forget_all_but(self, known: set[UUID]) -> None:
        memories: tuple[dict[UUID, Stop] | dict[UUID, float] | dict[UUID, float | None], ...]
        memories = (self._stops, self._gone, self._usual)
        for memory in memories:
            for run_id in memory.keys() - known:
                del memory[run_id]

    def _memory(self, runs: list[Run]) -> dict[int, int]:
        limited = {
            run.pid: run.start_ticks
            for run in runs
            if run.pid and run.task and run.task.memory_limit_mb
        }
        return memory_of_runs(limited) if limited else {}

    def _look_at(self, run: Run, memory: dict[int, int]) -> Sample | None:
        folder = run_folder(run)
        if run.status == Status.STARTING and not self._has_claimed(run, folder):
            self._not_yet(run, folder)
            return None
        if not is_running(run.pid, run.start_ticks, run.boot_id):
            self._is_gone(run, folder)
            return None
        progress = read_json(folder / "progress.json") or {}
        self._check_wishes(run, folder)
        self._check_limits(run, folder, progress, memory)
        cut_log(folder, self.log_bytes)
        return Sample(run, progress, self._usual_of(run))

    # --- starting ---------------------------------------------------------------------------

    def _has_claimed(self, run: Run, folder: Path) -> bool:
        """The process itself says that it started, by its claim."""
        return note_claim(run, folder) and begin(run)

    def _not_yet(self, run: Run, folder: Path) -> None:
        if run.cancel_requested_at is not None or self.stop_all:
            if revoke(folder, run.claim_token):
                self._end_unstarted(run, Status.CANCELLED, self._wish(run))
            return
        since = run.heartbeat_at or run.queued_at
        waited = (timezone.now() - since).total_seconds()
        grace = LOADING_GRACE if self.is_loading() else START_GRACE
        if waited > grace and revoke(folder, run.claim_token):
            self._try_again(run)

    def _try_again(self, run: Run) -> None:
        """Nothing started under this claim, and nothing can any more."""
        self._starts[run.pk] = self._starts.get(run.pk, 0) + 1
        if self._starts[run.pk] >= MAX_STARTS:
            self._end_unstarted(run, Status.FAILED, "launcher", said={"code": "launcher_silent"})
        elif give_back(run):
            logger.warning("run %s of %s did not start; queued again", run.pk, run.task_key)

    def _end_unstarted(self, run: Run, status: str, reason: str, **detail: Any) -> None:
        ended = finish_run(
            run_id=run.pk,
            source=Status.STARTING,
            status=status,
            reason=reason,
            token=run.claim_token,
            detail=detail,
        )
        if ended:
            run.status = status

    # --- running ----------------------------------------------------------------------------

    def _wish(self, run: Run) -> str:
        return "cancelled" if run.cancel_requested_at is not None else "scheduler_stop"

    def _check_wishes(self, run: Run, folder: Path) -> None:
        if run.cancel_requested_at is not None or self.stop_all:
            self._stop(run, folder, self._wish(run), by=run.cancel_requested_by)
        elif stop_reason(folder):
            # Its former supervisor had begun to stop it.
            self._stop(run, folder, stop_reason(folder))

    def _check_limits(self, run: Run, folder: Path, progress: Json, memory: dict[int, int]) -> None:
        task, now = run.task, time.time()
        if task is None:
            return
        started = run.started_at.timestamp() if run.started_at else now
        active = float(progress.get("active_at") or started)
        used = memory.get(run.pid or 0, 0)
        if task.timeout and now - started > task.timeout:
            self._stop(run, folder, "timeout", limit=task.timeout)
        elif task.no_progress_timeout and now - active > task.no_progress_timeout:
            self._stop(run, folder, "no_progress", limit=task.no_progress_timeout)
        elif task.memory_limit_mb and used > task.memory_limit_mb * 1024:
            self._stop(run, folder, "memory", limit=task.memory_limit_mb, used=-(-used // 1024))

    def _stop(self, run: Run, folder: Path, reason: str, **detail: str | int) -> None:
        note_stop(folder, reason, **detail)
        if run.pk not in self._stops and run.pid is not None:
            logger.info("run %s of %s is being stopped: %s", run.pk, run.task_key, reason)
            self._stops[run.pk] = Stop(
                run.pid, str(run.pk), self.grace, reason, run.start_ticks, dict(detail)
            )
        if run.pk in self._stops:
            self._stops[run.pk].press()

    def _usual_of(self, run: Run) -> float | None:
        if run.pk not in self._usual:
            usual = baseline_of(run)
            self._usual[run.pk] = usual.items if usual else None
        return self._usual[run.pk]

    # --- ending -----------------------------------------------------------------------------

    def ended(self, news: Ended) -> None:
        """The launcher's word, which comes at once; look() finds the same within a second."""
        run = self.known.get(UUID(news.run_id)) or _stored(news.run_id)
        if run is None or run.claim_token != news.token or run.is_ended:
            return
        folder = run_folder(run)
        claimed = run.status == Status.RUNNING or note_claim(run, folder)
        if claimed and run.pid != news.record.get("pid"):
            return  # a second process under this claim, which was turned away
        if not claimed:
            if revoke(folder, run.claim_token):
                message = str(news.record.get("message") or _last_line(folder))
                self._end_unstarted(run, Status.FAILED, "launcher", message=message)
            return
        self._is_gone(run, folder)

    def _is_gone(self, run: Run, folder: Path) -> None:
        if run.pid is not None and run.boot_id == boot_id():
            exited = read_exit(run, folder) or {}
            ended_well = exited.get("code") == 0 and not stop_reason(folder)
            if not clear_group(run.pid, run.start_ticks, str(run.pk), ended_well=ended_well):
                return
            since = self._gone.setdefault(run.pk, time.monotonic())
            if not exited and time.monotonic() - since < EXIT_GRACE:
                return
        words = settle(run, self._stops.get(run.pk))
        if words is not None:
            self._untidy.append(Untidy(run, words))


def _stored(run_id: str) -> Run | None:
    return Run.objects.select_related("task").filter(pk=run_id).first()


def _last_line(folder: Path) -> str:
    try:
        lines = (folder / "run.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return storable_text(lines[-1][:300]) if lines else ""
