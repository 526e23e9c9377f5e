from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any, cast

from django import forms, template
from django.forms.boundfield import BoundField
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from tasks.web import charts
from tasks.web.frame import Frame
from tasks.web.frame import frame as build_frame
from tasks.web.states import Look

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    return format_html(
        '<svg class="sp-icon {}" aria-hidden="true" focusable="false">'
        '<use href="#i-{}"></use></svg>',
        css,
        name,
    )


@register.simple_tag
def pill(look: Look, css: str = "") -> SafeString:
    return format_html(
        '<span class="sp-pill sp-pill--{} {}">{}{}</span>',
        look.key,
        css,
        icon(look.icon),
        look.word,
    )


@register.simple_tag
def badge(look: Look, css: str = "") -> SafeString:
    return format_html(
        '<span class="sp-badge sp-badge--{} {}">{}</span>', look.key, css, icon(look.icon)
    )


@register.simple_tag(takes_context=True)
def frame(context: template.Context) -> Frame:
    """Once per page, however often the navigation is drawn."""
    request = context["request"]
    if not hasattr(request, "sp_frame"):
        request.sp_frame = build_frame(request)
    return cast("Frame", request.sp_frame)


@register.simple_tag
def bar_shapes() -> SafeString:
    return charts.shapes()


def _value(bound: BoundField) -> str:
    value = bound.value()
    if isinstance(value, (time, datetime)):
        return value.strftime("%H:%M" if isinstance(value, time) else "%Y-%m-%dT%H:%M")
    return "" if value is None else str(value)


@register.simple_tag
def control(form: forms.BaseForm, name: str, *, help: bool = False) -> SafeString:  # noqa: A002
    """The attributes that tie an input to its field, its value and its messages."""
    bound = form[name]
    pairs = [("name", bound.html_name), ("id", f"id_{bound.html_name}")]
    if not isinstance(bound.field, (forms.ChoiceField, forms.ModelChoiceField)):
        pairs.append(("value", _value(bound)))
    described = [f"id_{bound.html_name}_error"] if bound.errors else []
    described += [f"id_{bound.html_name}_help"] if help else []
    if bound.errors:
        pairs.append(("aria-invalid", "true"))
    if described:
        pairs.append(("aria-describedby", " ".join(described)))
    return format_html_join(" ", '{}="{}"', pairs)


@register.simple_tag
def options(form: forms.BaseForm, name: str) -> SafeString:
    bound = form[name]
    chosen = _value(bound)
    choices: Iterable[tuple[Any, Any]] = getattr(bound.field, "choices", ())
    rows = ((str(key), str(key) == chosen, word) for key, word in choices)
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((key, mark_safe(" selected") if on else "", word) for key, on, word in rows),
    )


@register.simple_tag
def errors(form: forms.BaseForm, name: str) -> SafeString:
    bound = form[name]
    return format_html_join(
        "",
        '<p class="sp-error" id="{}">{}{}</p>',
        (
            (f"id_{bound.html_name}_error" + (str(i) if i else ""), icon("alert"), text)
            for i, text in enumerate(bound.errors)
        ),
    )


@register.filter
def date_value(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")


@register.simple_tag
def legend() -> SafeString:
    return charts.legend()


@register.simple_tag
def number(value: float) -> str:
    return number_format(value, force_grouping=True)


@register.filter
def moment_value(value: object) -> str:
    """What a browser's date and time inputs take: without a zone."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M")
    return value.strftime("%H:%M") if isinstance(value, time) else str(value or "")
