from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tasks.web import states
from tasks.web.states import Look, summary

SLOTS, PITCH, WIDTH = 30, 8, 5
NOTHING = mark_safe("")

Shape = tuple[tuple[float, float, float, float], ...]

# x offset, y, width, height of each part inside a slot that is 5 wide and 24 high.
RECTS: dict[str, Shape] = {
    "ok": ((0, 2, 5, 20),),
    "check": ((0, 9, 5, 13),),
    "failed": ((0, 2, 5, 8.5), (0, 13.5, 5, 8.5)),
    "timeout": ((0, 2, 5, 3), (0, 7.5, 5, 14.5)),
    "stopped": ((0, 12, 5, 10),),
    "missed": ((0.75, 2.75, 3.5, 18.5),),
    "skipped": ((0, 18, 5, 4),),
    "running": ((0, 2, 5, 20),),
    "waiting": ((1, 8, 3, 8),),
}


@dataclass(frozen=True, slots=True)
class Slot:
    look: Look
    title: str


def _drawn(look: Look) -> SafeString:
    css = "failed" if look.shape == "timeout" else look.shape
    parts = format_html_join(
        "",
        '<rect class="b-{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>',
        ((css, *rect) for rect in RECTS[look.shape]),
    )
    if look.shape == "check":
        parts += mark_safe('<circle class="b-check" cx="2.5" cy="4.5" r="2.5"/>')
    return parts


@cache
def shapes() -> SafeString:
    """Each shape once per page; the bars only point to them."""
    drawn = {look.shape: _drawn(look) for look in states.ORDER}
    return format_html_join("", '<g id="b-{}">{}</g>', drawn.items())


def status_bar(slots: Sequence[Slot]) -> SafeString:
    """The last runs, oldest first: newest right, empty places are dots."""
    shown = slots[-SLOTS:]
    start = SLOTS - len(shown)
    end = start * PITCH - PITCH + 2.5
    dots = format_html('<path class="b-dots" d="M2.5 12H{}"/>', end) if start else NOTHING
    return format_html(
        '<svg class="sp-bar" viewBox="0 0 {} 24" role="img" aria-label="{}">{}{}</svg>',
        (SLOTS - 1) * PITCH + WIDTH,
        summary(slot.look for slot in shown),
        dots,
        _uses(shown, start),
    )


def _uses(slots: Sequence[Slot], start: int) -> SafeString:
    """There are thousands on a page of tasks: each word is escaped once."""
    words = {look: escape(str(look.word)) for look in {slot.look for slot in slots}}
    return SafeString(
        "".join(
            f'<use href="#b-{slot.look.shape}" x="{place * PITCH}">'
            f"<title>{escape(slot.title)}: {words[slot.look]}</title></use>"
            for place, slot in enumerate(slots, start)
        )
    )


LEGEND = (
    states.FINISHED,
    states.NEEDS_LOOK,
    states.FAILED,
    states.TOOK_TOO_LONG,
    states.STOPPED,
    states.MISSED,
    states.SKIPPED,
    states.RUNNING,
)


def legend() -> SafeString:
    items = format_html_join(
        "",
        '<li><svg viewBox="0 0 5 24" aria-hidden="true">{}</svg>{}</li>',
        ((_drawn(look), look.word) for look in LEGEND),
    )
    return format_html(
        '<ul class="sp-legend" aria-label="{}">{}</ul>', _("What the shapes mean"), items
    )


DAY_MINUTES = 1440
SHORTEST = 7


@dataclass(frozen=True, slots=True)
class Block:
    """A planned run: minutes from now and how many minutes it usually takes."""

    start: float
    length: float


def lane_track(blocks: Iterable[Block], ticks: Sequence[int]) -> SafeString:
    """One shape for all blocks, the earliest first: a busy day has thousands, which would be most
    of the page. Numbers alone: nothing to escape."""
    lines = (f'<line x1="{tick:d}" x2="{tick:d}" y1="0" y2="20"/>' for tick in ticks)
    shape = (f"M{start:.1f} 4H{end:.1f}V16H{start:.1f}z" for start, end in bands(blocks))
    return SafeString(
        '<svg class="sp-lane__track" viewBox="0 0 1440 20" preserveAspectRatio="none">'
        f'{"".join(lines)}<path d="{"".join(shape)}"/></svg>'
    )


def bands(blocks: Iterable[Block]) -> Iterator[tuple[float, float]]:
    """Where each begins and ends; blocks that touch are one. None is too short to be seen."""
    open_from = open_until = -1.0
    for each in blocks:
        end = min(each.start + max(each.length, SHORTEST), DAY_MINUTES)
        if each.start > open_until >= 0:
            yield open_from, open_until
        if each.start > open_until:
            open_from = each.start
        open_until = max(open_until, end)
    if open_until >= 0:
        yield open_from, open_until


def lane_scale(ticks: Sequence[tuple[int, str]]) -> SafeString:
    labels = format_html_join(
        "",
        '<text x="{}%" y="13" text-anchor="middle">{}</text>',
        ((round(minute / DAY_MINUTES * 100, 1), label) for minute, label in ticks),
    )
    return format_html(
        '<svg class="sp-lane__labels" height="18" width="100%">'
        '<text x="0" y="13">{}</text>{}</svg>',
        _("Now"),
        labels,
    )


HEAT_STEPS = (1, 10, 20, 35)


def heat_level(minutes: float) -> int:
    return sum(minutes >= step for step in HEAT_STEPS)
