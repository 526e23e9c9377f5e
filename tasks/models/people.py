from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tasks.models.task import Task


class Profile(models.Model):
    """How one person sees the pages."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="profile")
    # Empty means SCHEDULER_TIMEZONE.
    timezone = models.CharField(_("time zone"), max_length=64, blank=True)
    tour_done = models.BooleanField(default=False)

    def __str__(self) -> str:
        return str(self.user)


class AuditEntry(models.Model):
    """Who changed what: fields as {name: [before, after]}, secrets never by value."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    actor_name = models.CharField(_("who"), max_length=150)
    via = models.CharField(_("through"), max_length=20)
    action = models.CharField(_("what"), max_length=40)
    task = models.ForeignKey(Task, models.SET_NULL, null=True, related_name="audit")
    task_key = models.CharField(max_length=100, blank=True)
    changes = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["task", "-at"], name="audit_of_task")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.task_key}"


class ApiToken(models.Model):
    """Shown once, stored as a hash. Its rights are its person's, narrowed by its scopes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(_("may"), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotencyKey(models.Model):
    """The answer that a repeated POST with the same key gets again."""

    # The token's or the session's person, and the path: keys of others never meet.
    owner = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_per_owner")
        ]

    def __str__(self) -> str:
        return self.key


class RateCount(models.Model):
    """Requests of one caller that web processes have taken for themselves in the newest minute."""

    caller = models.CharField(max_length=100, unique=True)
    minute = models.BigIntegerField()
    taken = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.caller


class DataLink(models.Model):
    """A revocable, read-only address of a task's latest good items."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="data_links")
    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("data address")
        verbose_name_plural = _("data addresses")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or f"{self.task}"
