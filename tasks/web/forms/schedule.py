from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.dates import WEEKDAYS as DAY_NAMES
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks import zones
from tasks.models import Schedule, Task
from tasks.web import when
from tasks.web.forms import patterns
from tasks.web.forms.patterns import UNITS, WEEKDAYS
from tasks.web.zones import zone_choices

if TYPE_CHECKING:
    from tasks.web.plan import Preview

NINE = time(9, 0)
KINDS = [
    ("every", gettext_lazy("Every …")),
    ("daily", gettext_lazy("Every day")),
    ("weekdays", gettext_lazy("Weekdays")),
    ("weekly", gettext_lazy("Weekly")),
    ("monthly", gettext_lazy("Monthly")),
    ("once", gettext_lazy("Once")),
    ("after", gettext_lazy("After another task")),
    ("startup", gettext_lazy("At start-up")),
    ("cron", gettext_lazy("Advanced (cron)")),
]
KEEP = ("keep", gettext_lazy("As it is"))
UNIT_WORDS = [
    ("seconds", gettext_lazy("seconds")),
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
    ("weeks", gettext_lazy("weeks")),
]
# The fields of each panel, in the order in which they are asked for.
PANELS: dict[str, tuple[str, ...]] = {
    "every": ("every_n", "every_unit"),
    "daily": ("daily_time",),
    "weekdays": ("weekdays_time",),
    "weekly": ("weekly_days", "weekly_time"),
    "monthly": ("monthly_dom", "monthly_time"),
    "once": ("once_date", "once_time"),
    "after": ("after_task", "after_on", "after_minutes"),
    "startup": (),
    "cron": ("cron",),
    "keep": (),
}
COMMON = ("key", "kind", "timezone", "enabled", "start_at", "end_at", "jitter_minutes")
# Where an error of the schedule itself is shown, by the service's field name.
FIELD_OF = {
    "cron": {"daily": "daily_time", "weekly": "weekly_days", "monthly": "monthly_dom"},
    "run_at": {"once": "once_date"},
    "interval": {"every": "every_n"},
}


def _clock() -> forms.TimeField:
    return forms.TimeField(required=False, initial=NINE, input_formats=["%H:%M", "%H:%M:%S"])


class WallClockField(forms.DateTimeField):
    """A moment on a wall clock: which zone's stands in another field."""

    def __init__(self) -> None:
        shapes = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        super().__init__(required=False, input_formats=shapes)

    def prepare_value(self, value: Any) -> Any:
        return value  # not moved to the server's zone

    def to_python(self, value: Any) -> datetime | None:
        parsed = super().to_python(value)
        return timezone.make_naive(parsed) if parsed and timezone.is_aware(parsed) else parsed


class Day(NamedTuple):
    value: str
    name: str
    short: str
    chosen: bool


class ScheduleForm(forms.Form):
    """One schedule of a task, as the builder asks for it."""

    key = forms.SlugField(max_length=100, required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=[*KINDS, KEEP], initial="daily")
    every_n = forms.IntegerField(required=False, initial=1, min_value=1, max_value=1_000_000)
    every_unit = forms.ChoiceField(required=False, choices=UNIT_WORDS, initial="hours")
    daily_time, weekdays_time, weekly_time, monthly_time, once_time = (_clock() for _i in range(5))
    weekly_days = forms.MultipleChoiceField(required=False, choices=[(d, d) for d in WEEKDAYS])
    monthly_dom = forms.IntegerField(required=False, initial=1, min_value=1, max_value=31)
    once_date = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    after_task = forms.ModelChoiceField(
        required=False,
        empty_label=gettext_lazy("Choose a task"),
        queryset=Task.objects.all(),
        to_field_name="task_id",
    )
    after_on = forms.ChoiceField(
        required=False, choices=Schedule.After.choices, initial=Schedule.After.SUCCESS
    )
    after_minutes = forms.IntegerField(required=False, initial=0, min_value=0, max_value=525_600)
    cron = forms.CharField(required=False, max_length=255)
    timezone = forms.ChoiceField(choices=zone_choices)
    enabled = forms.BooleanField(required=False, initial=True)
    start_at, end_at = WallClockField(), WallClockField()
    jitter_minutes = forms.IntegerField(required=False, initial=0, min_value=0, max_value=1440)
    DELETE = forms.BooleanField(required=False)

    if TYPE_CHECKING:
        preview: Preview

    def __init__(self, *args: Any, stored: Schedule | None = None, **kwargs: Any) -> None:
        self.stored = stored
        super().__init__(*args, **kwargs)
        self.fields["timezone"].initial = str(settings.SCHEDULER_TIMEZONE)
        if stored:
            self.initial = initial_of(stored)
            choices = zone_choices(stored.timezone)
            self.fields["timezone"].choices = choices  # type: ignore[attr-defined]

    @property
    def kinds(self) -> list[tuple[str, Any]]:
        mixed = self.initial.get("kind") == "keep"
        return [KEEP, *KINDS] if mixed else KINDS

    @property
    def days(self) -> list[Day]:
        chosen = self["weekly_days"].value() or ()
        return [
            Day(name, str(DAY_NAMES[i]), str(WEEKDAYS_ABBR[i]), name in chosen)
            for i, name in enumerate(WEEKDAYS)
        ]

    @property
    def more_open(self) -> bool:
        """The folded part holds something that differs from the usual."""
        odd = any(self[name].value() for name in ("start_at", "end_at", "DELETE"))
        return odd or str(self["jitter_minutes"].value() or 0) != "0" or not self["enabled"].value()

    @property
    def chosen(self) -> str:
        value = self["kind"].value()
        return value if value in PANELS else "daily"

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        shown = {*COMMON, *PANELS[data.get("kind", "keep")]}
        for name in set(self.errors) - shown:  # panels that nobody sees raise no errors
            del self.errors[name]
        self._ask_for_the_missing(data)
        return data

    def _ask_for_the_missing(self, data: dict[str, Any]) -> None:
        words = {
            "every_n": _("Write how many."),
            "weekly_days": _("No day is chosen. Choose at least one day of the week."),
            "monthly_dom": _("Choose a day of the month, 1 to 31."),
            "once_date": _("Choose the day."),
            "after_task": _("Choose the task to wait for."),
            "cron": _("Write a cron pattern. Example: 30 6 * * 1-5."),
        }
        for name in PANELS.get(data.get("kind", "keep"), ()):
            if name not in self.errors and not data.get(name):
                default = self.fields[name].initial
                if name in words:
                    self.add_error(name, words[name])
                elif name.endswith("_time"):
                    self.add_error(name, _("Choose a time."))
                else:
                    data[name] = default

    def values(self) -> dict[str, Any]:
        """The fields of a schedule, as the services take them."""
        data = self.cleaned_data
        zone = ZoneInfo(data["timezone"])
        return {
            **({"key": data["key"]} if data["key"] else {}),
            "timezone": data["timezone"],
            "enabled": data["enabled"],
            "start_at": _aware(data["start_at"], zone),
            "end_at": _aware(data["end_at"], zone),
            "jitter": (data["jitter_minutes"] or 0) * 60,
            **self._timing(data, zone),
        }

    def _timing(self, data: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
        match data["kind"]:
            case "every":
                amounts = dict.fromkeys(UNITS, 0) | {data["every_unit"]: data["every_n"]}
                return {"kind": Schedule.Kind.INTERVAL, **amounts}
            case "once":
                moment = datetime.combine(data["once_date"], data["once_time"])
                return {"kind": Schedule.Kind.ONCE, "run_at": _aware(moment, zone)}
            case "after":
                return {
                    "kind": Schedule.Kind.AFTER,
                    "after_task": data["after_task"].task_id,
                    "after_on": data["after_on"],
                    "delay": (data["after_minutes"] or 0) * 60,
                }
            case "startup":
                return {"kind": Schedule.Kind.STARTUP}
            case "keep":
                return self._kept()
            case _:
                return {"kind": Schedule.Kind.CRON, "cron": cron_of(data)}

    def _kept(self) -> dict[str, Any]:
        if self.stored is None:
            return {"kind": Schedule.Kind.INTERVAL, **dict.fromkeys(UNITS, 0)}
        amounts = {unit: getattr(self.stored, unit) for unit in UNITS}
        return {"kind": self.stored.kind, **amounts}

    def add_service_error(self, field: str, message: str) -> None:
        """Put what a service refused beside the input that caused it."""
        kind = self.cleaned_data.get("kind", "cron")
        name = FIELD_OF.get(field, {}).get(kind, field)
        if name not in self.fields:
            name = PANELS[kind][0] if PANELS[kind] else "kind"
        self.add_error(name, message)


def _aware(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return zones.moment_on(moment, zone).astimezone(zone) if moment else None


def cron_of(data: dict[str, Any]) -> str:
    match data["kind"]:
        case "daily":
            return patterns.daily(data["daily_time"])
        case "weekdays":
            return patterns.weekdays(data["weekdays_time"])
        case "weekly":
            return patterns.weekly(data["weekly_days"], data["weekly_time"])
        case "monthly":
            return patterns.monthly(data["monthly_dom"], data["monthly_time"])
        case _:
            return " ".join(str(data["cron"]).split())


def initial_of(schedule: Schedule) -> dict[str, Any]:
    zone = when.zone_of(schedule.timezone)
    return {
        "key": schedule.key,
        "timezone": schedule.timezone,
        "enabled": schedule.enabled,
        "start_at": _wall(schedule.start_at, zone),
        "end_at": _wall(schedule.end_at, zone),
        "jitter_minutes": schedule.jitter // 60,
        **_initial_timing(schedule, zone),
    }


def _wall(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if moment else ""


def _initial_timing(schedule: Schedule, zone: ZoneInfo) -> dict[str, Any]:
    match schedule.kind:
        case Schedule.Kind.INTERVAL:
            choice = patterns.interval_choice({unit: getattr(schedule, unit) for unit in UNITS})
            if choice is None:
                return {"kind": "keep"}
            return {"kind": "every", "every_n": choice[0], "every_unit": choice[1]}
        case Schedule.Kind.ONCE if schedule.run_at:
            moment = schedule.run_at.astimezone(zone)
            return {"kind": "once", "once_date": moment.date(), "once_time": moment.time()}
        case Schedule.Kind.AFTER if schedule.after_task:
            return {
                "kind": "after",
                "after_task": schedule.after_task.task_id,
                "after_on": schedule.after_on,
                "after_minutes": schedule.delay // 60,
            }
        case Schedule.Kind.STARTUP:
            return {"kind": "startup"}
        case _:
            return _initial_cron(schedule.cron)


def _initial_cron(expression: str) -> dict[str, Any]:
    pattern = patterns.read(expression)
    if pattern is None:
        return {"kind": "cron", "cron": expression}
    return {
        "kind": pattern.kind,
        f"{pattern.kind}_time": pattern.at,
        "weekly_days": list(pattern.days),
        "monthly_dom": pattern.day_of_month or 1,
        "cron": expression,
    }
