from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tasks.models.run import Run
from tasks.models.task import Task


class Alert(models.Model):
    """The outbox: one message for one recipient about one run, written as the run ends."""

    class Kind(models.TextChoices):
        FAILED = "failed", _("fails or takes too long")
        SUSPICIOUS = "suspicious", _("needs a look, such as far fewer items than usual")
        MISSED = "missed", _("was missed")
        RECOVERED = "recovered", _("is good again after an alert")

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")  # or was tried in vain and is tried again
        SENT = "sent", _("Sent")
        GAVE_UP = "gave_up", _("Gave up")  # visible on the run and at home

    run = models.ForeignKey(Run, models.CASCADE, related_name="alerts", db_index=False)
    task = models.ForeignKey(Task, models.SET_NULL, null=True, related_name="+", db_index=False)
    channel = models.CharField(max_length=20)
    recipient = models.CharField(max_length=254)
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # While somebody sends it this is when another may try, should the sender be gone by then.
    next_try_at = models.DateTimeField()
    # Why the last try was in vain, as a code with its values.
    last_error = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["created_at", "pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["run", "channel", "recipient", "kind"], name="alert_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="alert_outbox", condition=models.Q(status="pending")
            ),
            models.Index(fields=["task", "-created_at"], name="alert_of_task"),
            models.Index(fields=["-created_at", "status"], name="alert_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.recipient}"
