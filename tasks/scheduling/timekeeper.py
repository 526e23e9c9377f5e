"""One wakeup of a scheduler: heartbeat, lease, reconcile, fire."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.utils import timezone

from tasks.outcomes import sentence
from tasks.scheduling import registry
from tasks.scheduling.agenda import Agenda
from tasks.scheduling.clocks import Jump, Lookout
from tasks.scheduling.lease import Lease, NotLeading, wait_for_no_lock_long
from tasks.scheduling.presence import Presence
from tasks.scheduling.reconcile import Reconciler
from tasks.services.events import queue_startup_runs
from tasks.services.firing import Fired, fire
from tasks.services.planning import Absence

logger = logging.getLogger(__name__)

# Changes of others are noticed this soon.
TICK = 1.0
# One that follows looks this often whether the leader left: another fires within two seconds of a
# clean stop, of which reading thousands of schedules takes its share.
LOOK = 0.25
# A start after so long without any scheduler is a start, not a failover.
AWAY = timedelta(seconds=60)


@dataclass
class Timekeeper:
    agenda: Agenda
    lease: Lease
    presence: Presence = field(default_factory=Presence)
    lookout: Lookout = field(default_factory=Lookout)
    on_fired: Callable[[Fired], None] = lambda fired: None
    clock: Callable[[], datetime] = timezone.now
    absence: Absence = field(default_factory=Absence)
    was_leading: bool = False
    last_tick: datetime | None = None

    def __post_init__(self) -> None:
        self.reconciler = Reconciler(self.agenda)

    def tick(self) -> float:
        """Does what is due; returns how many seconds may pass until the next wakeup."""
        self._look_out()
        leading = self.lease.keep()
        if leading != self.was_leading:
            self._change_role(leading=leading)
        self.presence.jobs = len(self.reconciler.expected)
        self.presence.beat(is_leader=leading)
        if not leading:
            self.absence = Absence()
            return LOOK
        try:
            self._lead()
        except NotLeading:
            return 0.0
        self.last_tick = self.clock()
        self.absence = Absence(since=self.last_tick)
        return self._until_next()

    def fire_due(self) -> Fired:
        """Fires what is due now, in batches."""
        total = Fired()
        while due := self.agenda.due(self.clock()):
            fired = self._fire(due)
            total.runs += fired.runs
            if fired.stale:
                self.reconciler.resync()
                break
        return total

    def lose_database(self) -> None:
        """What is missed from now on is missed because of that."""
        since = self.last_tick or self.absence.since or self.presence.started_at
        self.absence = Absence(reason="database_down", since=since)

    def stop(self) -> None:
        self.lease.release()
        self.presence.leave()

    def _lead(self) -> None:
        self.reconciler.poll()
        if self.reconciler.is_incomplete():
            self.reconciler.resync()
        self.fire_due()

    def _fire(self, due: list[int]) -> Fired:
        absence = Absence(reason=self.absence.reason, since=self.absence.since, until=self.clock())
        fired = fire(
            known=registry.known,
            schedule_ids=due,
            now=self.clock(),
            absence=absence,
            inside=self._fence,
            store=self.agenda.advance if self.agenda.transactional else lambda due: None,
        )
        if not self.agenda.transactional:
            self.agenda.advance(fired.due)
        self.reconciler.note_fired(fired.due)
        self._report(fired)
        return fired

    def _fence(self) -> None:
        wait_for_no_lock_long()
        self.lease.check()

    def _report(self, fired: Fired) -> None:
        if fired.runs:
            self.on_fired(fired)
        for run in fired.runs:
            logger.info(
                "fired schedule=%s run=%s slot=%s status=%s reason=%s",
                run.schedule_id, run.id, run.at.isoformat(), run.status, run.reason or "-",
            )  # fmt: skip

    def _until_next(self) -> float:
        first = self.agenda.first()
        if first is None:
            return TICK
        return min(max((first - self.clock()).total_seconds(), 0.0), TICK)

    def _change_role(self, *, leading: bool) -> None:
        self.was_leading = leading
        self.reconciler.forget()
        logger.info("%s %s", self.presence.name, "leads now" if leading else "no longer leads")
        self.presence.beat(is_leader=leading, force=True)
        if leading:
            self._take_over()

    def _take_over(self) -> None:
        led_until, now = self.lease.led_until, self.clock()
        # A database that was away for both is the reason, not the other scheduler.
        self.absence = replace(self.absence, since=led_until or self.absence.since)
        if led_until is None or now - led_until >= AWAY:
            fired = queue_startup_runs(now=now, inside=self._fence)
            self._report(fired)

    def _look_out(self) -> None:
        jump = self.lookout.look()
        if jump is not None:
            self._note(jump)

    def _note(self, jump: Jump) -> None:
        code, seconds = f"clock_{jump.kind}", round(abs(jump.seconds))
        logger.warning("%s", sentence({"code": code, "n": seconds}))
        self.presence.note(code, n=seconds)
        if jump.kind != "back":
            self.absence = Absence(reason="clock_jump", since=self.last_tick)
