"""Who leads: one row on the database's time. The unique key of the ledger is what guarantees;
the lease saves the others the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from tasks.models import SchedulerLease
from tasks.scheduling.clocks import steady

TTL = timedelta(seconds=10)
RENEW_EVERY = 3.0
# The leader stops this long before its lease ends, by its own clock.
MARGIN = 1.0


class NotLeading(RuntimeError):
    """Another scheduler took over."""


@dataclass
class Lease:
    holder: str
    clock: Callable[[], float] = steady
    epoch: int | None = None
    # When somebody last led before us: what may have been missed since.
    led_until: datetime | None = None
    _deadline: float = field(default=0.0)
    _renewed: float = field(default=0.0)

    @property
    def is_held(self) -> bool:
        return self.epoch is not None and self.clock() < self._deadline

    def keep(self) -> bool:
        """Renews or takes the lease when it is time to; whether we lead now."""
        if self.is_held and self.clock() - self._renewed < RENEW_EVERY:
            return True
        if self.epoch is not None and self._renew():
            return True
        self.epoch = None
        return self._acquire()

    def check(self) -> None:
        """Inside a firing's transaction: a newer epoch must not be overtaken by an old one."""
        rows = SchedulerLease.objects.select_for_update().filter(id=1)
        found = rows.values_list("holder", "epoch").first()
        if not self.is_held or found != (self.holder, self.epoch):
            self.epoch = None
            raise NotLeading(f"{self.holder} no longer leads")

    def release(self) -> None:
        if self.epoch is None:
            return
        self._mine().update(holder="", expires_at=Now())
        self.epoch = None

    def _mine(self) -> QuerySet[SchedulerLease]:
        epoch = -1 if self.epoch is None else self.epoch
        return SchedulerLease.objects.filter(id=1, holder=self.holder, epoch=epoch)

    def _renew(self) -> bool:
        asked = self.clock()
        if not self._mine().update(expires_at=Now() + TTL):
            return False
        self._hold_from(asked)
        return True

    def _hold_from(self, asked: float) -> None:
        self._renewed = asked
        self._deadline = asked + TTL.total_seconds() - MARGIN

    def _acquire(self) -> bool:
        free = Q(expires_at__isnull=True) | Q(expires_at__lte=Now())
        # The database's clock was set back since: nobody's lease is as long as that.
        free |= Q(expires_at__gt=Now() + 2 * TTL)
        row = SchedulerLease.objects.filter(id=1)
        # A look first: an UPDATE that finds nothing still takes SQLite's write lock.
        before = row.annotate(is_free=free).values_list("is_free", "expires_at", "holder").first()
        if before is not None and not before[0]:
            return False
        asked = self.clock()
        with transaction.atomic():
            SchedulerLease.objects.get_or_create(id=1)
            taken = row.filter(free).update(
                holder=self.holder, epoch=F("epoch") + 1, expires_at=Now() + TTL
            )
            if not taken:
                return False
            self.epoch = row.values_list("epoch", flat=True).get()
        self._hold_from(asked)
        self.led_until = _last_led(*before[1:]) if before else None
        return True


def _last_led(expires_at: datetime | None, holder: str) -> datetime | None:
    """A leader that was killed renewed up to RENEW_EVERY before its TTL began to run out."""
    if expires_at is None or not holder:
        return expires_at
    return expires_at - TTL


def wait_for_no_lock_long() -> None:
    """Who holds it may hang, and is cut off then: see tasks.apps."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
