from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tasks.models.schedule import Schedule
from tasks.models.task import Task

# What says how a task does. Skips and stops were decided by a person or a rule: they neither raise
# nor settle anything.
TELLING_STATUSES = ("succeeded", "suspicious", "failed", "missed")
# The condition of run_telling, for queries that are to use it.
TELLING = f"status IN {TELLING_STATUSES} AND NOT (\"trigger\" = 'test')"


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> RunQuerySet:
        return self.filter(status__in=ACTIVE)

    def waiting(self) -> RunQuerySet:
        return self.filter(status=Run.Status.QUEUED)

    def ended(self) -> RunQuerySet:
        return self.filter(status__in=TERMINAL)

    def newest_first(self) -> RunQuerySet:
        return self.order_by("-at", "-id")


class Run(models.Model):
    """What happened: the ledger of every firing, and the queue that dispatchers take from."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")  # waits for a free place, without limit
        STARTING = "starting", _("Starting")  # claimed by a dispatcher; no process seen yet
        RUNNING = "running", _("Running")  # its process wrote its claim
        SUCCEEDED = "succeeded", _("Finished")
        SUSPICIOUS = "suspicious", _("Needs a look")  # ended well, but its result is unusual
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Stopped")
        SKIPPED = "skipped", _("Skipped")  # decided at firing: overlap, blackout, hold
        MISSED = "missed", _("Missed")  # no scheduler was there in time

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("the schedule")
        MANUAL = "manual", _("a person")
        API = "api", _("the API")
        RETRY = "retry", _("a retry")
        CHAIN = "chain", _("the task before it")
        BACKFILL = "backfill", _("a backfill")
        TEST = "test", _("a test run")
        DISCORD = "discord", _("Discord")
        STARTUP = "startup", _("the scheduler's start")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A deleted task leaves its kept history behind under its last id and name.
    task = models.ForeignKey(
        Task,
        models.SET_NULL,
        verbose_name=_("task"),
        null=True,
        related_name="runs",
        db_index=False,  # run_task_history begins with it
    )
    task_key = models.CharField(_("task id"), max_length=100)
    task_name = models.CharField(_("task name"), max_length=200)
    schedule = models.ForeignKey(
        Schedule,
        models.SET_NULL,
        verbose_name=_("schedule"),
        null=True,
        related_name="runs",
        db_index=False,  # run_once_per_slot begins with it
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Task.Kind, default=Task.Kind.SPIDER)
    spider = models.CharField(_("spider"), max_length=200, blank=True)

    # The moment under which it is listed: its slot, or when it was asked for. Never changes.
    at = models.DateTimeField(_("when"), default=timezone.now)
    scheduled_for = models.DateTimeField(_("planned for"), null=True)
    # A missed row may stand for many slots: from scheduled_for until this one.
    scheduled_until = models.DateTimeField(null=True)
    slots = models.PositiveIntegerField(default=1)
    trigger = models.CharField(_("started by"), max_length=8, choices=Trigger)
    requested_by = models.CharField(_("asked for by"), max_length=150, blank=True)
    user_id = models.CharField(max_length=200, blank=True, db_index=True)
    fingerprint = models.CharField(max_length=64, blank=True, db_index=True)

    status = models.CharField(_("outcome"), max_length=10, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    # What the reason's sentence needs (limits, codes, a host), never secrets.
    detail = models.JSONField(default=dict, blank=True)
    attempt = models.PositiveSmallIntegerField(_("try"), default=1)
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    # The slot that a retry or a backfill stands for.
    for_slot = models.DateTimeField(null=True)
    upstream = models.ForeignKey("self", models.SET_NULL, null=True, related_name="follow_ups")

    arguments = models.JSONField(_("arguments"), default=dict, blank=True)
    secrets = models.JSONField(default=dict, blank=True)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    priority = models.SmallIntegerField(default=0)
    ignore_cache = models.BooleanField(default=False)

    queued_at = models.DateTimeField(_("queued"), default=timezone.now)
    # A retry waits until here.
    not_before = models.DateTimeField(null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)
    # Its task was deleted, with its history, while it ran: it goes too as soon as it has ended.
    is_unwanted = models.BooleanField(null=True)

    executor = models.CharField(max_length=20, blank=True)
    external_id = models.CharField(max_length=100, blank=True)
    host = models.CharField(_("host"), max_length=255, blank=True)
    claim_token = models.CharField(max_length=64, blank=True)
    pid = models.PositiveIntegerField(null=True)
    # Clock ticks since boot at which pid started: tells it from a stranger with the same number.
    start_ticks = models.BigIntegerField(null=True)
    boot_id = models.CharField(max_length=64, blank=True)
    exit_code = models.SmallIntegerField(null=True)

    items = models.PositiveBigIntegerField(_("items"), default=0)
    pages = models.PositiveBigIntegerField(_("pages"), default=0)
    errors = models.PositiveBigIntegerField(_("errors"), default=0)
    # The latest figures while it runs: requests pending, bytes, memory, current page.
    progress = models.JSONField(default=dict, blank=True)
    stats = models.JSONField(default=dict, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("run history")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "scheduled_for"], name="run_once_per_slot"
            ),
            models.UniqueConstraint(
                fields=["schedule", "upstream"], name="run_once_per_upstream"
            ),
            models.CheckConstraint(
                name="run_slot_only_of_schedules",
                condition=Q(scheduled_for__isnull=True) | Q(trigger="schedule"),
            ),
            models.CheckConstraint(
                name="run_status_known",
                condition=Q(
                    status__in=[
                        "queued", "starting", "running", "succeeded", "suspicious",
                        "failed", "cancelled", "skipped", "missed",
                    ]
                ),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["-at", "-id"], name="run_history"),
            models.Index(
                fields=["is_unwanted"], name="run_unwanted", condition=models.Q(is_unwanted=True)
            ),
            models.Index(fields=["task", "-at", "-id"], name="run_task_history"),
            models.Index(fields=["status", "-at", "-id"], name="run_status_history"),
            models.Index(fields=["status", "trigger", "-at", "-id"], name="run_kind_history"),
            models.Index(fields=["task", "status", "-at", "-id"], name="run_task_status_history"),
            models.Index(fields=["task", "trigger", "-at", "-id"], name="run_task_trigger_history"),
            models.Index(
                fields=["task", "status", "trigger", "-at", "-id"], name="run_task_kind_history"
            ),
            models.Index(
                fields=["requested_by", "-at", "-id"],
                name="run_person_history",
                condition=Q(trigger__in=["manual", "api", "backfill", "test", "discord"]),
            ),
            models.Index(
                fields=["requested_by", "task", "-at", "-id"],
                name="run_person_task_history",
                condition=Q(trigger__in=["manual", "api", "backfill", "test", "discord"]),
            ),
            models.Index(
                fields=["reason", "-at", "-id"],
                name="run_reason_history",
                condition=~Q(reason=""),
            ),
            models.Index(
                fields=["reason", "task", "-at", "-id"],
                name="run_reason_task_history",
                condition=~Q(reason=""),
            ),
            models.Index(
                fields=["task_key", "-at", "-id", "status", "trigger"],
                name="run_gone_history",
                condition=Q(task__isnull=True),
            ),
            models.Index(
                fields=["task", "-at", "-id", "status"],
                name="run_telling",
                condition=Q(status__in=TELLING_STATUSES) & ~Q(trigger="test"),
            ),
            models.Index(
                fields=["-priority", "queued_at"],
                name="run_queue",
                condition=Q(status="queued"),
            ),
            models.Index(
                fields=["status", "host"],
                name="run_active",
                condition=Q(status__in=["queued", "starting", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_name} {self.at:%Y-%m-%d %H:%M}"

    @property
    def is_ended(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_stopping(self) -> bool:
        return self.cancel_requested_at is not None and not self.is_ended

    def duration(self, *, now: datetime | None = None) -> timedelta | None:
        if self.started_at is None:
            return None
        return (self.finished_at or now or timezone.now()) - self.started_at


_S = Run.Status
_T = Run.Trigger
# What somebody asked for; the rest starts by itself.
ASKED_FOR = (_T.MANUAL, _T.API, _T.BACKFILL, _T.TEST, _T.DISCORD)
ACTIVE = (_S.QUEUED, _S.STARTING, _S.RUNNING)
TERMINAL = (_S.SUCCEEDED, _S.SUSPICIOUS, _S.FAILED, _S.CANCELLED, _S.SKIPPED, _S.MISSED)
# The only moves there are; a terminal status never changes.
TRANSITIONS: dict[str, frozenset[str]] = {
    _S.QUEUED: frozenset({_S.STARTING, _S.CANCELLED, _S.SKIPPED, _S.FAILED}),
    _S.STARTING: frozenset({_S.RUNNING, _S.QUEUED, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.SUCCEEDED, _S.SUSPICIOUS, _S.FAILED, _S.CANCELLED}),
}
