from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.channels import channel_of
from tasks.executors import EXECUTORS
from tasks.models import Alert, SpiderInfo, Task
from tasks.web import jobs

MINUTE = 60
# Fields that people give in minutes and the services take in seconds.
IN_MINUTES = ("timeout", "no_progress_timeout", "retry_delay", "catch_up_window", "http_cache_ttl")
IF_EMPTY = {
    "no_progress_timeout": 0, "memory_limit_mb": 0, "max_retries": 0, "priority": 0,
    "retry_delay": MINUTE, "http_cache_ttl": 3600, "usual_share": 50,
}  # fmt: skip
OVERLAPS = [
    (Task.Overlap.SKIP, gettext_lazy("Skip the new run")),
    (Task.Overlap.QUEUE, gettext_lazy("Wait, then run")),
    (Task.Overlap.ALLOW, gettext_lazy("Run both at the same time")),
    (Task.Overlap.CANCEL_RUNNING, gettext_lazy("Stop the old run first")),
]
CATCH_UPS = [
    (Task.CatchUp.LATEST, gettext_lazy("Run once as soon as possible")),
    (Task.CatchUp.NONE, gettext_lazy("Wait for the next planned time")),
    (Task.CatchUp.ALL, gettext_lazy("Run every one that was missed")),
]
PLACES = {
    "local": gettext_lazy("The scheduler's computer"),
    "scrapyd": gettext_lazy("Scrapyd"),
    "celery": gettext_lazy("Celery workers"),
}
RUNS_ON = [("", gettext_lazy("As usual")), *((name, PLACES[name]) for name in EXECUTORS)]
ALERTS = [
    (Alert.Kind.FAILED, gettext_lazy("fails or takes too long")),
    (Alert.Kind.SUSPICIOUS, gettext_lazy("needs a look, such as far fewer items than usual")),
    (Alert.Kind.MISSED, gettext_lazy("was missed")),
    (Alert.Kind.RECOVERED, gettext_lazy("is good again after an alert")),
]
# Ticked until somebody chooses: then an address is all there is to write.
USUAL_ALERTS = [Alert.Kind.FAILED, Alert.Kind.SUSPICIOUS]
RESULT_FIELDS = ("min_items", "usual_share", "max_errors", "allow_empty")
KEEP_FIELDS = ("keep_days", "keep_runs", "keep_megabytes")


def _number(label: Any, *, low: int = 0, high: int, required: bool = False, **kwargs: Any) -> Any:
    return forms.IntegerField(
        label=label, min_value=low, max_value=high, required=required, **kwargs
    )


def _minutes_field(label: Any, *, low: float = 0, high: int, **kwargs: Any) -> Any:
    kwargs = {"required": False, **kwargs}
    return forms.FloatField(label=label, min_value=low, max_value=high, **kwargs)


class TaskForm(forms.Form):
    """Everything of a task but its arguments, settings and schedules."""

    name = forms.CharField(
        label=gettext_lazy("Task name"),
        max_length=200,
        help_text=gettext_lazy("A name your colleagues will recognise."),
        error_messages={"required": gettext_lazy("Give the task a name.")},
    )
    spider = forms.ChoiceField(
        label=gettext_lazy("Spider"),
        error_messages={"required": gettext_lazy("Choose a spider.")},
    )
    description = forms.CharField(
        label=gettext_lazy("Notes"),
        required=False,
        max_length=5000,
        widget=forms.Textarea,
        help_text=gettext_lazy("What colleagues should know about this task."),
    )
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Words to find it by, with a comma between."),
    )
    timeout = _minutes_field(
        gettext_lazy("Stop a run after"),
        low=0.1,
        high=10080,
        required=True,
        initial=60,
        help_text=gettext_lazy("What it has found by then is kept."),
    )
    no_progress_timeout = _minutes_field(
        gettext_lazy("Stop when nothing happens for"),
        high=10080,
        help_text=gettext_lazy("No page read and no item found for so long. Empty means never."),
    )
    overlap_policy = forms.ChoiceField(
        label=gettext_lazy("If the run before it is still going"),
        choices=OVERLAPS,
        help_text=gettext_lazy("What becomes of a run whose time has come."),
    )
    max_instances = _number(
        gettext_lazy("At most at the same time"),
        low=1,
        high=100,
        initial=3,
        required=True,
        help_text=gettext_lazy("Where runs may go on at the same time."),
    )
    catch_up = forms.ChoiceField(
        label=gettext_lazy("If a run was missed"),
        choices=CATCH_UPS,
        help_text=gettext_lazy("A run is missed when the scheduler was not running."),
    )
    catch_up_window = _minutes_field(
        gettext_lazy("Catch up within"),
        high=525_600,
        help_text=gettext_lazy("Later than this, a missed run is left out. Empty means as usual."),
    )
    max_retries = _number(
        gettext_lazy("If a run fails, try again"),
        high=10,
        initial=0,
        help_text=gettext_lazy("Only when trying again may help, such as a website that is down."),
    )
    retry_delay = _minutes_field(
        gettext_lazy("Time between tries"),
        low=0.1,
        high=1440,
        initial=1,
        help_text=gettext_lazy("So long a failed run waits until it is tried again."),
    )
    alert_to = forms.CharField(
        label=gettext_lazy("Send alerts to"), required=False, max_length=6000
    )
    alert_on = forms.MultipleChoiceField(
        label=gettext_lazy("Send an alert when a run"),
        choices=ALERTS,
        required=False,
        initial=USUAL_ALERTS,
        help_text=gettext_lazy(
            "A run that is tried again sends one only after its last try, a test run never does."
        ),
    )
    allow_empty = forms.BooleanField(
        label=gettext_lazy("Finding nothing is fine"),
        required=False,
        help_text=gettext_lazy("Then a run without items needs no look."),
    )
    min_items = _number(
        gettext_lazy("Fewest items"),
        high=100_000_000,
        help_text=gettext_lazy("Fewer than this needs a look."),
    )
    usual_share = _number(
        gettext_lazy("Needs a look below"),
        high=100,
        initial=50,
        help_text=gettext_lazy(
            "Compared with the good runs before it that were given the same. 0 means never."
        ),
    )
    max_errors = _number(
        gettext_lazy("Errors allowed"),
        high=1_000_000,
        help_text=gettext_lazy("With more of them the run has failed. Empty means any number."),
    )
    memory_limit_mb = _number(
        gettext_lazy("Memory limit"),
        high=1_000_000,
        help_text=gettext_lazy("Empty means no limit."),
    )
    priority = _number(
        gettext_lazy("Priority"),
        low=-100,
        high=100,
        initial=0,
        help_text=gettext_lazy("Higher goes first when runs wait for a place."),
    )
    executor = forms.ChoiceField(
        label=gettext_lazy("Runs on"),
        choices=RUNS_ON,
        required=False,
        help_text=gettext_lazy("The computers that do the work."),
    )
    http_cache = forms.BooleanField(
        label=gettext_lazy("Keep pages for later runs"),
        required=False,
        help_text=gettext_lazy("A page that was read a short while ago is not asked for again."),
    )
    http_cache_ttl = _minutes_field(
        gettext_lazy("Keep pages for"),
        low=1,
        high=525_600,
        initial=60,
        help_text=gettext_lazy("Older pages are read anew."),
    )
    keep_days = _number(gettext_lazy("Keep runs for"), low=1, high=36_500)
    keep_runs = _number(
        gettext_lazy("Most runs to keep"),
        low=1,
        high=10_000_000,
        help_text=gettext_lazy("Older ones are removed. Empty means any number."),
    )
    keep_megabytes = _number(
        gettext_lazy("Most disk space to use"),
        low=1,
        high=10_000_000,
        help_text=gettext_lazy("For items and logs. Empty means no limit."),
    )
    enabled = forms.BooleanField(
        label=gettext_lazy("On: runs at the planned times"), required=False, initial=True
    )

    def __init__(self, *args: Any, task: Task | None = None, **kwargs: Any) -> None:
        self.task = task
        super().__init__(*args, **kwargs)
        self.fields["keep_days"].help_text = _("Empty means %(days)s days.") % {
            "days": settings.RETENTION_DAYS
        }
        self.fields["alert_to"].help_text = _alert_help()
        spider = cast("forms.ChoiceField", self.fields["spider"])
        spider.choices = spider_choices(jobs.picked_by(task) if task else "")
        if task:
            self.initial = {**initial_of(task), **self.initial}

    def values(self) -> dict[str, Any]:
        """The fields as the services take them, without those that are not valid."""
        data = dict(self.cleaned_data)
        for name in IN_MINUTES:
            if data.get(name) is not None:
                data[name] = round(data[name] * MINUTE)
        for name, empty in IF_EMPTY.items():
            if name in data and data[name] is None:
                data[name] = empty
        if "alert_to" in data:
            data["alert_to"] = addresses_in(data["alert_to"])
            data["alert_on"] = data.get("alert_on", []) if data["alert_to"] else []
        if "tags" in data:
            data["tags"] = [tag.strip() for tag in data["tags"].split(",") if tag.strip()]
        return data


def _alert_help() -> str:
    words = _("E-mail addresses, with a comma between.")
    if channel_of("email").is_set_up():
        return words
    missing = _("Your administrator hasn't set up e-mail yet: alerts are only written to the log.")
    return f"{words} {missing}"


def addresses_in(text: str) -> list[str]:
    """However people paste them: commas, semicolons or blanks between."""
    return re.split(r"[,; ]+", text.strip(",; ")) if text.strip(",; ") else []


def spider_choices(current: str) -> list[tuple[str, str]]:
    rows = SpiderInfo.objects.filter(error="").order_by("title", "name")
    choices = [*((info.name, str(info)) for info in rows), *jobs.choices()]
    if current and current not in dict(choices):
        choices.insert(0, (current, _("%(name)s (missing)") % {"name": current}))
    return [("", _("Choose a spider")), *choices]


def initial_of(task: Task) -> dict[str, Any]:
    names = set(TaskForm.base_fields) - {"tags"}
    initial: dict[str, Any] = {name: getattr(task, name) for name in names}
    for name in IN_MINUTES:
        initial[name] = _minutes(initial[name])
    for name in ("no_progress_timeout", "memory_limit_mb"):
        initial[name] = initial[name] or None
    initial["spider"] = jobs.picked_by(task)
    initial["alert_to"] = ", ".join(task.alert_to)
    initial["alert_on"] = task.alert_on or USUAL_ALERTS
    initial["tags"] = ", ".join(tag.name for tag in task.tags.all())
    return initial


def _minutes(seconds: int | None) -> int | float | None:
    if seconds is None:
        return None
    return seconds // MINUTE if seconds % MINUTE == 0 else seconds / MINUTE
