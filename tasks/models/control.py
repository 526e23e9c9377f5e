from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tasks.models.schedule import default_timezone
from tasks.models.task import Task


class SchedulerLease(models.Model):
    """One row: who leads. The epoch grows with each new leader; firings check it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    holder = models.CharField(max_length=255, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="lease_is_one_row", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return f"{self.holder} ({self.epoch})"


class SchedulerProcess(models.Model):
    """The heartbeat of one `runscheduler`; what pages and health believe."""

    name = models.CharField(max_length=255, unique=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    is_leader = models.BooleanField(default=False)
    running = models.PositiveIntegerField(default=0)
    # How many schedules the leader's job store has a next time for.
    jobs = models.PositiveIntegerField(default=0, db_default=0)
    # How runs start here: "fork", or "fresh" with the reason why not.
    launcher = models.CharField(max_length=20, blank=True)
    # Trouble as codes with their figures (tasks/outcomes/sentences.py), newest last.
    notes = models.JSONField(default=list, blank=True)
    disk_free = models.BigIntegerField(null=True)
    disk_total = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class HoldQuerySet(models.QuerySet["Hold"]):
    def in_force(self, now: datetime) -> HoldQuerySet:
        return self.filter(starts_at__lte=now, released_at__isnull=True).filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=now)
        )


class Hold(models.Model):
    """Everything stands still: no schedule starts a run until it ends or is released."""

    note = models.CharField(_("why"), max_length=500)
    author = models.CharField(_("by"), max_length=150)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                name="hold_ends_after_start",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.note


class Blackout(models.Model):
    """A time in which schedules start nothing: once (a holiday) or every week (nights)."""

    name = models.CharField(_("name"), max_length=200)
    # Null means every task.
    task = models.ForeignKey(
        Task,
        models.CASCADE,
        verbose_name=_("task"),
        null=True,
        blank=True,
        related_name="blackouts",
    )
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    # Weekly: on these days (mon … sun), from start_time; past midnight if end_time is earlier.
    weekdays = models.JSONField(_("weekdays"), default=list, blank=True)
    start_time = models.TimeField(_("from"), null=True, blank=True)
    end_time = models.TimeField(_("until"), null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default=default_timezone)
    enabled = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("blackout")
        verbose_name_plural = _("blackouts")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="blackout_once_or_weekly",
                condition=Q(
                    starts_at__isnull=False,
                    ends_at__isnull=False,
                    ends_at__gt=F("starts_at"),
                    start_time__isnull=True,
                    end_time__isnull=True,
                )
                | Q(
                    starts_at__isnull=True,
                    ends_at__isnull=True,
                    start_time__isnull=False,
                    end_time__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name
