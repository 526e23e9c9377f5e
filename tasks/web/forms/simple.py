"""Forms for people, holds and blackouts, and for what each person sets for themselves."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.utils.dates import WEEKDAYS as DAY_NAMES
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.models import Blackout, Task
from tasks.services.errors import InvalidInput
from tasks.services.people import ROLES, role_of
from tasks.web.forms.inputs import Input, from_bound
from tasks.web.forms.patterns import WEEKDAYS
from tasks.web.forms.schedule import WallClockField
from tasks.web.zones import zone_choices

ROLE_WORDS = [
    ("Viewer", gettext_lazy("Viewer: sees tasks, runs and items")),
    ("Operator", gettext_lazy("Operator: also starts and stops runs, switches tasks on and off")),
    ("Editor", gettext_lazy("Editor: also makes and changes tasks")),
    ("Administrator", gettext_lazy("Administrator: also manages people, holds and blackouts")),
]


class SimpleForm(forms.Form):
    def inputs(self) -> list[Input]:
        return [from_bound(bound) for bound in self.visible_fields()]

    def show(self, error: InvalidInput) -> None:
        """What a service refused, beside the field that caused it."""
        for name, texts in error.errors.items():
            for text in texts:
                self.add_error(name if name in self.fields else None, text)


class PersonForm(SimpleForm):
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        help_text=gettext_lazy("For logging in: letters, digits and @ . + - _"),
    )
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=150, required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=150, required=False)
    email = forms.EmailField(label=gettext_lazy("E-mail address"), required=False)
    role = forms.ChoiceField(
        label=gettext_lazy("What the person may do"),
        choices=ROLE_WORDS,
        initial=ROLES[0],
        widget=forms.RadioSelect,
    )
    password = forms.CharField(
        label=gettext_lazy("New password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput,
        max_length=128,
    )
    is_active = forms.BooleanField(label=gettext_lazy("May log in"), required=False, initial=True)

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        if user is not None:
            names = ("username", "first_name", "last_name", "email", "is_active")
            own = {name: getattr(user, name) for name in names}
            kwargs["initial"] = {**own, "role": role_of(user) or ROLES[0]}
        super().__init__(*args, **kwargs)
        password = self.fields["password"]
        password.required = user is None
        password.help_text = (
            _("Leave it empty to keep the one there is.")
            if user
            else _("At least 8 characters. The person can change it after logging in.")
        )


class PasswordForm(PasswordChangeForm):
    error_messages = {
        "password_incorrect": gettext_lazy("The old password is not right. Type it again."),
        "password_mismatch": gettext_lazy("The two new passwords differ. Type them again."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = _(
            "At least 8 characters, not only digits, and nothing that is easily guessed."
        )
        self.fields["new_password2"].help_text = _("The same once more.")

    def inputs(self) -> list[Input]:
        return [from_bound(bound) for bound in self.visible_fields()]


class MeForm(SimpleForm):
    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Times on the pages are shown in it."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = _("As the scheduler (%(zone)s)") % {"zone": settings.SCHEDULER_TIMEZONE}
        self.fields["timezone"].choices = [("", usual), *zone_choices()]  # type: ignore[attr-defined]


class HoldForm(SimpleForm):
    note = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        help_text=gettext_lazy("Everybody sees this on the home page."),
        error_messages={"required": gettext_lazy("Say why, so that colleagues know.")},
    )
    ends_at = WallClockField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends_at"].label = _("Until")
        self.fields["ends_at"].help_text = _("Empty means until somebody ends it.")


def _moment(label: Any) -> WallClockField:
    field = WallClockField()
    field.label = label
    return field


def _clock(label: Any) -> forms.TimeField:
    return forms.TimeField(label=label, required=False, input_formats=["%H:%M", "%H:%M:%S"])


def _initial(blackout: Blackout) -> dict[str, Any]:
    zone = ZoneInfo(blackout.timezone)
    values = {name: getattr(blackout, name) for name in BlackoutForm.base_fields}
    for name in ("starts_at", "ends_at"):
        values[name] = values[name].astimezone(zone) if values[name] else None
    return values


class BackfillForm(SimpleForm):
    start = _moment(gettext_lazy("From"))
    end = _moment(gettext_lazy("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = True


class BlackoutForm(SimpleForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("What the time is, such as “Nights” or “Inventory”."),
    )
    task = forms.ModelChoiceField(
        label=gettext_lazy("Only for this task"),
        required=False,
        queryset=Task.objects.all(),
        empty_label=gettext_lazy("Every task"),
    )
    starts_at = _moment(gettext_lazy("Once: from"))
    ends_at = _moment(gettext_lazy("Once: until"))
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Every week: on these days"), required=False
    )
    start_time = _clock(gettext_lazy("Every week: from"))
    end_time = _clock(gettext_lazy("Every week: until"))
    timezone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=zone_choices)
    enabled = forms.BooleanField(label=gettext_lazy("On"), required=False, initial=True)

    def __init__(self, *args: Any, blackout: Blackout | None = None, **kwargs: Any) -> None:
        if blackout is not None:
            kwargs["initial"] = _initial(blackout)
        else:
            kwargs["initial"] = {"timezone": str(settings.SCHEDULER_TIMEZONE)}
        super().__init__(*args, **kwargs)
        days = [(name, str(DAY_NAMES[i])) for i, name in enumerate(WEEKDAYS)]
        self.fields["weekdays"].choices = days  # type: ignore[attr-defined]
