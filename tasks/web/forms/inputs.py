"""One way to draw a field, whether it comes from a form, a spider or the settings list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Choices = list[tuple[str, Any]]


@dataclass(slots=True)
class Input:
    name: str
    label: Any
    kind: str = "text"
    value: Any = ""
    help: Any = ""
    required: bool = False
    choices: Choices = field(default_factory=list)
    unit: Any = ""
    errors: list[str] = field(default_factory=list)
    low: Any = None
    high: Any = None
    step: Any = None
    max_length: int | None = None
    rows: int = 3
    stored: bool = False
    mono: bool = False

    @property
    def id(self) -> str:
        return f"id_{self.name}"

    @property
    def described_by(self) -> str:
        parts = [f"{self.id}_error"] if self.errors else []
        return " ".join([*parts, f"{self.id}_help"] if self.help else parts)

    @property
    def is_full(self) -> bool:
        return self.kind in {"lines", "json", "textarea"}

    @property
    def options(self) -> list[tuple[str, Any, bool]]:
        many = self.kind == "choices"
        chosen = [str(each) for each in self.value or ()] if many else [str(self.value)]
        return [(str(key), word, str(key) in chosen) for key, word in self.choices]


_KINDS: list[tuple[type[forms.Field], str]] = [
    (forms.BooleanField, "bool"),
    (forms.MultipleChoiceField, "choices"),
    (forms.ChoiceField, "choice"),
    (forms.IntegerField, "number"),  # and FloatField, its subclass
    (forms.DateTimeField, "moment"),
    (forms.DateField, "date"),
    (forms.TimeField, "clock"),
    (forms.ModelChoiceField, "choice"),
]


def _kind_of(bound: forms.Field) -> str:
    if isinstance(bound.widget, forms.Textarea):
        return "textarea"
    if isinstance(bound.widget, forms.PasswordInput):
        return "secret"
    if isinstance(bound.widget, forms.RadioSelect):
        return "radios"
    return next((kind for cls, kind in _KINDS if isinstance(bound, cls)), "text")


def from_bound(bound: BoundField, unit: Any = "") -> Input:
    declared = bound.field
    return Input(
        name=bound.html_name,
        label=bound.label,
        kind=_kind_of(declared),
        value=_shown(bound.value()),
        help=declared.help_text,
        required=declared.required,
        choices=list(getattr(declared, "choices", [])),
        unit=unit,
        errors=[*map(_plainly, bound.errors.as_data())],
        low=getattr(declared, "min_value", None),
        high=getattr(declared, "max_value", None),
        max_length=getattr(declared, "max_length", None),
    )


# Django's own words are about values and validity.
_LIMITS = {
    "min_value": gettext_lazy("Enter %s or more."),
    "max_value": gettext_lazy("Enter %s or less."),
    "max_length": gettext_lazy("Enter at most %s characters."),
}


def _plainly(error: ValidationError) -> str:
    text = " ".join(error.messages)
    if text == str(forms.Field.default_error_messages["required"]):
        return _("Fill this in.")
    if error.code in _LIMITS and error.params:
        limit = number_format(error.params["limit_value"], force_grouping=True)
        return str(_LIMITS[error.code] % limit)
    return text


def _shown(value: Any) -> Any:
    return "" if value is None else value
