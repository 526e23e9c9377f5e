from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from tasks.models.schedule import Schedule

HOUR = 3600


class TagManager(models.Manager["Tag"]):
    def get_by_natural_key(self, name: str) -> Tag:
        return self.get(name=name)


class Tag(models.Model):
    name = models.CharField(_("name"), max_length=50, unique=True)

    objects = TagManager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.name,)


class TaskQuerySet(models.QuerySet["Task"]):
    def get_by_natural_key(self, task_id: str) -> Task:
        return self.get(task_id=task_id)

    def on(self) -> TaskQuerySet:
        return self.filter(enabled=True)


class Task(models.Model):
    """What to run. When it runs stands in its schedules, what happened in its runs."""

    class Kind(models.TextChoices):
        SPIDER = "spider", _("Spider")
        PIPELINE = "pipeline", _("Pipeline")  # a chain of classes with keyword arguments
        SEARCH = "search", _("Search")  # a query on a list of sources
        ANALYSIS = "analysis", _("Analysis")  # compares the items of recent runs
        EXPORT = "export", _("Export")  # writes the last good items of another task
        CLEANUP = "cleanup", _("Clean-up")  # removes old runs and files

    class Overlap(models.TextChoices):
        SKIP = "skip", _("Skip the new run")
        QUEUE = "queue", _("Wait, then run")  # at most one waits
        ALLOW = "allow", _("Run side by side")  # at most max_instances
        CANCEL_RUNNING = "cancel_running", _("Stop the old run")

    class CatchUp(models.TextChoices):
        LATEST = "latest", _("Run once as soon as possible")
        NONE = "none", _("Leave it out")
        ALL = "all", _("Run each of them")

    task_id = models.SlugField(_("task id"), max_length=100, unique=True)
    name = models.CharField(_("task name"), max_length=200)
    description = models.TextField(_("description"), blank=True, max_length=5000)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.SPIDER)
    spider = models.CharField(_("spider"), max_length=200, blank=True)
    arguments = models.JSONField(_("arguments"), default=dict, blank=True)
    # Encrypted values of the arguments that their spider declares as secret, by name.
    secrets = models.JSONField(default=dict, blank=True, editable=False)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    enabled = models.BooleanField(_("on"), default=True)
    tags = models.ManyToManyField(Tag, verbose_name=_("tags"), blank=True, related_name="tasks")
    owner = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        related_name="tasks",
    )

    # --- limits: seconds, except where the name says otherwise
    timeout = models.PositiveIntegerField(_("stop a run after"), default=HOUR)
    no_progress_timeout = models.PositiveIntegerField(_("stop when nothing happens for"), default=0)
    memory_limit_mb = models.PositiveIntegerField(_("memory limit"), default=0)
    max_retries = models.PositiveSmallIntegerField(_("tries again"), default=0)
    retry_delay = models.PositiveIntegerField(_("time between tries"), default=60)
    overlap_policy = models.CharField(
        _("if the run before it is still going"),
        max_length=14,
        choices=Overlap,
        default=Overlap.SKIP,
    )
    max_instances = models.PositiveSmallIntegerField(_("at most side by side"), default=3)
    catch_up = models.CharField(
        _("if a run was missed"), max_length=6, choices=CatchUp, default=CatchUp.LATEST
    )
    # Null means SCHEDULER_MISFIRE_GRACE_TIME.
    catch_up_window = models.PositiveIntegerField(_("catch up within"), null=True, blank=True)
    executor = models.CharField(_("runs on"), max_length=20, blank=True)
    priority = models.SmallIntegerField(_("priority"), default=0)

    # --- what a good run looks like
    allow_empty = models.BooleanField(_("no items is fine"), default=False)
    min_items = models.PositiveIntegerField(_("fewest items"), null=True, blank=True)
    # Percent of the usual number of items below which a run needs a look.
    usual_share = models.PositiveSmallIntegerField(_("share of the usual items"), default=50)
    max_errors = models.PositiveIntegerField(_("errors allowed"), null=True, blank=True)

    # --- alerts: whom, and of what (kinds of Alert); empty means nobody
    alert_to = models.JSONField(_("send alerts to"), default=list, blank=True)
    alert_on = models.JSONField(_("send an alert when a run"), default=list, blank=True)

    # --- HTTP cache and retention
    http_cache = models.BooleanField(_("keep pages for later runs"), default=False)
    http_cache_ttl = models.PositiveIntegerField(_("keep pages for"), default=HOUR)
    keep_days = models.PositiveIntegerField(_("keep runs for"), null=True, blank=True)
    keep_runs = models.PositiveIntegerField(_("keep at most"), null=True, blank=True)
    keep_megabytes = models.PositiveIntegerField(_("keep at most (MB)"), null=True, blank=True)

    # --- pause note
    disabled_note = models.CharField(_("why it is off"), max_length=500, blank=True)
    disabled_by = models.CharField(max_length=150, blank=True, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)

    # --- crawl gateway: whom it acted for, and what makes two requests the same
    user_id = models.CharField(max_length=200, blank=True, editable=False, db_index=True)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False, db_index=True)

    # Counts saves, so that two people don't overwrite each other (also the API's ETag).
    version = models.PositiveIntegerField(default=1, editable=False)
    # The database knows the time too: fixtures written by hand carry no dates.
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    objects = TaskQuerySet.as_manager()

    if TYPE_CHECKING:
        schedules: models.Manager[Schedule]

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["name", "task_id"]
        permissions = [
            ("operate_task", _("Can run, stop and switch tasks on and off")),
            ("use_pipelines", _("Can say which classes of the project a task runs")),
        ]
        constraints = [
            models.CheckConstraint(
                name="task_priority_bounds", condition=Q(priority__gte=-100, priority__lte=100)
            ),
            models.CheckConstraint(
                name="task_max_instances_positive", condition=Q(max_instances__gte=1)
            ),
            models.CheckConstraint(
                name="task_usual_share_percent", condition=Q(usual_share__lte=100)
            ),
            models.CheckConstraint(name="task_name_not_empty", condition=~Q(name="")),
            models.CheckConstraint(
                name="task_spider_named", condition=~Q(kind="spider") | ~Q(spider="")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.task_id,)
