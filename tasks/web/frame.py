"""The frame around every page: where one can go, and whether the scheduler lives."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from tasks.web.attention import attention_count
from tasks.web.scheduler import SchedulerState, scheduler_state


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    icon: str
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class LinkGroup:
    label: str
    links: list[Link]


@dataclass(frozen=True, slots=True)
class Frame:
    groups: list[LinkGroup]
    scheduler: SchedulerState
    attention: int


@dataclass(frozen=True, slots=True)
class Known:
    scheduler: SchedulerState
    troubled: int


def tell(request: HttpRequest, known: Known) -> None:
    """What the page has read itself isn't read again for its frame."""
    request._known_to_frame = known  # type: ignore[attr-defined]


def _known(request: HttpRequest) -> Known:
    told: Known | None = getattr(request, "_known_to_frame", None)
    return told or Known(scheduler_state(), attention_count())


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    permission: str
    icon: str


def _link(request: HttpRequest, label: str, place: Place, count: int = 0) -> Link | None:
    if place.permission and not request.user.has_perm(place.permission):
        return None
    try:
        url = reverse(place.name)
    except NoReverseMatch:
        return None
    home = place.name == "admin:index"
    current = request.path == url if home else request.path.startswith(url)
    return Link(label, place.icon, url, current, count)


def _links(request: HttpRequest, places: list[tuple[str, Place]]) -> list[Link]:
    found = (_link(request, label, place) for label, place in places)
    return [link for link in found if link]


def frame(request: HttpRequest) -> Frame:
    known, home = _known(request), Place("admin:index", "", "home")
    main = _links(
        request,
        [
            (_("Tasks"), Place("admin:tasks_task_changelist", "tasks.view_task", "calendar")),
            (_("Run history"), Place("admin:tasks_run_changelist", "tasks.view_run", "history")),
            (_("Spiders"), Place("admin:spiders", "tasks.view_spiderinfo", "spider")),
        ],
    )
    first = _link(request, _("Home"), home, known.troubled)
    administration = _links(
        request,
        [
            (_("People"), Place("admin:auth_user_changelist", "auth.view_user", "user")),
            (_("Holds"), Place("admin:tasks_hold_changelist", "tasks.change_hold", "pause")),
            (
                _("Blackouts"),
                Place("admin:tasks_blackout_changelist", "tasks.change_blackout", "calendar"),
            ),
            (
                _("Changes"),
                Place("admin:tasks_auditentry_changelist", "tasks.view_auditentry", "undo"),
            ),
        ],
    )
    groups = [LinkGroup("", [*([first] if first else []), *main])]
    if administration:
        groups.append(LinkGroup(_("Administration"), administration))
    return Frame(groups, known.scheduler, known.troubled)
