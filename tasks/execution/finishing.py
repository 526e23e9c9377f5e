"""Ends a run from the files in its folder: verdict, figures, report, and the log packed away."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from tasks.execution.claims import begin
from tasks.execution.folder import run_folder
from tasks.execution.orders import LOG_BYTES
from tasks.execution.packing import is_to_be_packed, pack_log
from tasks.execution.report import write_report
from tasks.execution.retention import remove_unwanted
from tasks.execution.stopping import Stop
from tasks.handlers import handler_of
from tasks.models import Run
from tasks.outcomes import Expectations, Facts, Verdict, decide, facts_of
from tasks.runtime.files import Json, count_of, is_no_room, read_json, release_room
from tasks.runtime.logcut import cut_log
from tasks.runtime.order import forget
from tasks.services.baseline import baseline_of
from tasks.services.settling import finish_run

logger = logging.getLogger(__name__)
Status = Run.Status
LEFT = 200


class LastWords(NamedTuple):
    """What the run's process, and who waited for it, said of its end."""

    outcome: Json | None
    exited: Json | None


def settle(run: Run, stopped: Stop | None = None) -> LastWords | None:
    """None: another process settled it first. A full disk may have kept the note of a stop.

    Its folder is left for tidy(), which can wait.
    """
    folder = run_folder(run)
    outcome, exited = read_json(folder / "outcome.json"), read_exit(run, folder)
    told: Json = {"reason": stopped.reason, "detail": stopped.detail} if stopped else {}
    stop = read_json(folder / "stop.json") or told
    facts = facts_of(
        outcome,
        exited,
        stop_reason=str(stop.get("reason") or ""),
        items_on_disk=count_lines(folder / "items.jsonl"),
        seconds=_seconds(run, _ended_at(exited, outcome)),
    )
    verdict = decide(facts, expectations_of(run))
    ended = _ended_at(exited, outcome)
    figures = _figures(facts, folder)
    detail = {**verdict.detail, **(stop.get("detail") or {})}
    if not _finish(run, verdict, detail=detail, finished_at=ended, **figures, **_exit(exited)):
        return None
    logger.info("run %s of %s ended: %s %s", run.pk, run.task_key, verdict.status, verdict.reason)
    return LastWords(outcome, exited)


def read_exit(run: Run, folder: Path) -> Json | None:
    """How this run's own process ended, not one that was turned away."""
    exited = read_json(folder / "exit.json")
    return exited if exited is not None and exited.get("pid") == run.pid else None


def _finish(run: Run, verdict: Verdict, **fields: Any) -> bool:
    fields["finished_at"] = fields["finished_at"] or timezone.now()
    with transaction.atomic():
        # Of many short runs nobody saw the start before the end.
        if run.status == Status.STARTING and not begin(run):
            return False
        finished = finish_run(
            run_id=run.pk,
            source=Status.RUNNING,
            status=verdict.status,
            reason=verdict.reason,
            token=run.claim_token,
            run=run,
            **fields,
        )
    if finished:
        for name, value in {**fields, "status": verdict.status, "reason": verdict.reason}.items():
            setattr(run, name, value)
    return finished


def tidy(run: Run, words: LastWords) -> bool:
    """Nothing here may undo the outcome: a full disk leaves the files as they are, for later."""
    if run.status == Status.CANCELLED and remove_unwanted(run.pk):
        return True
    folder = run_folder(run)
    try:
        forget(folder)
        release_room(folder)
        write_report(run, folder, words.outcome, words.exited)
        cut_log(folder, LOG_BYTES, has_ended=True)
        pack_log(folder)
    except OSError as error:
        logger.warning("run %s: its folder could not be tidied: %s", run.pk, error)
        return not is_no_room(error)
    return True


def tidy_left(host: str) -> None:
    """What a supervisor that was killed had no time to tidy, or a full disk no room for."""
    ended = Run.objects.ended().filter(host=host).newest_first()[:LEFT]
    for run in ended:
        folder = run_folder(run)
        if folder.is_dir() and not _is_tidy(folder):
            tidy(run, LastWords(read_json(folder / "outcome.json"), read_exit(run, folder)))


def _is_tidy(folder: Path) -> bool:
    return (folder / "report.json").exists() and not is_to_be_packed(folder / "run.log")


def expectations_of(run: Run) -> Expectations:
    task = run.task
    if task is None or not handler_of(run.kind).has_usual_items:
        return Expectations(allow_empty=True)
    usual = baseline_of(run)
    return Expectations(
        allow_empty=task.allow_empty,
        # A test run ends early on purpose.
        min_items=task.min_items if run.trigger != Run.Trigger.TEST else None,
        max_errors=task.max_errors,
        usual_items=usual.items if usual else None,
        usual_seconds=usual.seconds if usual else None,
        usual_share=task.usual_share,
    )


def _seconds(run: Run, ended: datetime | None) -> float:
    return ((ended or timezone.now()) - run.started_at).total_seconds() if run.started_at else 0.0


def count_lines(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return None


def _figures(facts: Facts, folder: Path) -> Json:
    counted = {"items": facts.items, "pages": facts.pages, "errors": facts.errors}
    if not facts.has_outcome:
        # Killed: what it had told by then stands, and what it had stored.
        seen = read_json(folder / "progress.json") or {}
        counted = {name: count_of(seen.get(name)) for name in counted}
        counted["items"] = max(counted["items"], facts.items_on_disk or 0)
    return {**counted, "stats": dict(facts.stats), "heartbeat_at": timezone.now()}


def _ended_at(exited: Json | None, outcome: Json | None) -> datetime | None:
    moment = (exited or {}).get("at")
    if isinstance(moment, (int, float)):
        return datetime.fromtimestamp(moment, UTC)
    finish = ((outcome or {}).get("stats") or {}).get("finish_time")
    try:
        return datetime.fromisoformat(finish) if finish else None
    except (TypeError, ValueError):
        return None


def _exit(exited: Json | None) -> Json:
    if not exited:
        return {}
    code, number = exited.get("code"), exited.get("signal")
    return {"exit_code": code if code is not None else (-number if number else None)}
