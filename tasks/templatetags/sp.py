from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.utils.formats import number_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from tasks.web import charts, marks, names, remedies, when
from tasks.web.frame import Frame
from tasks.web.frame import frame as build_frame
from tasks.web.tour import Tour, tour_of

register = template.Library()


register.simple_tag(marks.icon)
register.simple_tag(marks.pill)
register.simple_tag(marks.badge)
register.simple_tag(remedies.best_remedy)
register.filter(names.full_name)


@register.simple_tag(takes_context=True)
def frame(context: template.Context) -> Frame:
    return build_frame(context["request"])


@register.filter
def duration_words(length: timedelta) -> str:
    return when.coarse(length.total_seconds())


@register.simple_tag(takes_context=True)
def tour(context: template.Context) -> Tour | None:
    request = context.get("request")
    return tour_of(request) if request is not None else None


@register.simple_tag(takes_context=True)
def drawn(context: template.Context, name: str) -> SafeString:
    """A part that stands on the page more than once and is drawn once."""
    return context.template.engine.get_template(name).render(context)  # type: ignore[union-attr]


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
            (f"id_{bound.html_name}_error" + (str(i) if i else ""), marks.icon("alert"), text)
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
def under(cells: Sequence[Any], columns: Sequence[str]) -> list[tuple[str, Any]]:
    """Each cell of a row with the name of its column; the first column is the row's name."""
    return list(zip(columns[1:], cells, strict=False))


@register.filter
def moment_value(value: object) -> str:
    """What a browser's date and time inputs take: without a zone."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M")
    return value.strftime("%H:%M") if isinstance(value, time) else str(value or "")
