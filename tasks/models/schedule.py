from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tasks.models.task import Task


def default_timezone() -> str:
    return str(settings.SCHEDULER_TIMEZONE)


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def get_by_natural_key(self, task_id: str, key: str) -> Schedule:
        return self.get(task__task_id=task_id, key=key)

    def on(self) -> ScheduleQuerySet:
        return self.filter(enabled=True, task__enabled=True)


class Schedule(models.Model):
    """When a task runs. A task has any number of them."""

    class Kind(models.TextChoices):
        CRON = "cron", _("Pattern")
        INTERVAL = "interval", _("Every …")
        ONCE = "once", _("Once")
        AFTER = "after", _("After another task")
        STARTUP = "startup", _("When the scheduler starts")

    class After(models.TextChoices):
        SUCCESS = "success", _("finishes well")
        FAILURE = "failure", _("fails")
        EITHER = "either", _("ends either way")

    task = models.ForeignKey(Task, models.CASCADE, verbose_name=_("task"), related_name="schedules")
    key = models.SlugField(_("key"), max_length=100)
    kind = models.CharField(_("repeat"), max_length=8, choices=Kind)

    cron = models.CharField(_("pattern"), max_length=255, blank=True)
    # An interval is the sum of its units; days and weeks follow the wall clock.
    weeks = models.PositiveIntegerField(_("weeks"), default=0)
    days = models.PositiveIntegerField(_("days"), default=0)
    hours = models.PositiveIntegerField(_("hours"), default=0)
    minutes = models.PositiveIntegerField(_("minutes"), default=0)
    seconds = models.PositiveIntegerField(_("seconds"), default=0)
    # Where an interval without start_at counts from: the moment it was first saved.
    anchor = models.DateTimeField(default=now, editable=False)
    run_at = models.DateTimeField(_("moment"), null=True, blank=True)
    after_task = models.ForeignKey(
        Task,
        models.PROTECT,
        verbose_name=_("after task"),
        null=True,
        blank=True,
        related_name="followers",
    )
    after_on = models.CharField(
        _("when it"), max_length=7, choices=After, default=After.SUCCESS, blank=True
    )
    delay = models.PositiveIntegerField(_("seconds after it"), default=0)

    timezone = models.CharField(_("time zone"), max_length=64, default=default_timezone)
    start_at = models.DateTimeField(_("not before"), null=True, blank=True)
    end_at = models.DateTimeField(_("not after"), null=True, blank=True)
    # Spreads starts by a fixed delay of at most this many seconds.
    jitter = models.PositiveIntegerField(_("spread starts over"), default=0)
    enabled = models.BooleanField(_("on"), default=True)

    # --- the ledger's own: every firing at or before watermark has its run
    watermark = models.DateTimeField(null=True, blank=True, editable=False)
    # The fields under which watermark was set; another hash means that the schedule was edited.
    timing_hash = models.CharField(max_length=64, blank=True, editable=False)
    # The database knows the time too: fixtures written by hand carry no dates.
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["task_id", "key"]
        constraints = [
            models.UniqueConstraint(fields=["task", "key"], name="schedule_key_per_task"),
            models.CheckConstraint(
                name="schedule_cron_given", condition=~Q(kind="cron") | ~Q(cron="")
            ),
            models.CheckConstraint(
                name="schedule_interval_given",
                condition=~Q(kind="interval")
                | Q(weeks__gt=0)
                | Q(days__gt=0)
                | Q(hours__gt=0)
                | Q(minutes__gt=0)
                | Q(seconds__gt=0),
            ),
            models.CheckConstraint(
                name="schedule_moment_given", condition=~Q(kind="once") | Q(run_at__isnull=False)
            ),
            models.CheckConstraint(
                name="schedule_upstream_given",
                condition=~Q(kind="after") | Q(after_task__isnull=False),
            ),
            models.CheckConstraint(
                name="schedule_not_after_itself",
                condition=Q(after_task__isnull=True) | ~Q(after_task=F("task")),
            ),
            models.CheckConstraint(
                name="schedule_end_after_start",
                condition=Q(start_at__isnull=True)
                | Q(end_at__isnull=True)
                | Q(end_at__gt=F("start_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id}/{self.key}"

    def natural_key(self) -> tuple[str, str]:
        return (self.task.task_id, self.key)

    natural_key.dependencies = ["tasks.task"]  # type: ignore[attr-defined]  # Django's protocol
