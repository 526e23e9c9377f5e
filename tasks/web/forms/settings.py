"""Fields for the Scrapy settings that staff may set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from tasks.models import Preset
from tasks.spider_settings import PRESET, SPIDER_SETTINGS, SettingSpec
from tasks.web.forms.inputs import Choices, Input

PREFIX = "set_"


def setting_inputs(
    values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None
) -> list[Input]:
    return [
        _input(name, spec, values.get(name), list((errors or {}).get(f"settings.{name}", [])))
        for name, spec in SPIDER_SETTINGS.items()
    ]


def _input(name: str, spec: SettingSpec, value: Any, errors: list[str]) -> Input:
    numeric = spec.type in {"int", "float"}
    return Input(
        name=PREFIX + name,
        label=spec.label,
        kind="number" if numeric else "choice" if spec.type != "text" else "text",
        value=_shown(value),
        help=spec.help,
        choices=_choices(name, spec, _shown(value)),
        unit=spec.unit,
        errors=errors,
        low=_plain(spec.low) if numeric else None,
        high=_plain(spec.high) if numeric else None,
        step="1" if spec.type == "int" else "any",
        max_length=int(spec.high) if spec.type == "text" else None,
    )


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _shown(value: Any) -> Any:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else value


def _choices(name: str, spec: SettingSpec, value: Any) -> Choices:
    unset: Choices = [("", _("As usual"))]
    if spec.type == "bool":
        switch: Choices = [("on", _("On"))]
        return unset + switch + ([] if spec.only_on else [("off", _("Off"))])
    return unset + [(each, each) for each in _names(name, spec, value)]


def _names(name: str, spec: SettingSpec, value: Any) -> Iterable[str]:
    if name != PRESET:
        return spec.choices
    # One that is gone stays chosen until somebody chooses another.
    known = list(Preset.objects.values_list("name", flat=True))
    return [*known, *({str(value)} - {"", *known})]


def read_settings(data: Mapping[str, Any]) -> dict[str, str]:
    """The settings that were given; the empty ones stay as the project has them."""
    given = {name: str(data.get(PREFIX + name, "")).strip() for name in SPIDER_SETTINGS}
    return {name: text for name, text in given.items() if text}
