"""What happened, the likely cause, what to do next: for people who don't program."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from tasks.outcomes.absences import absence_words
from tasks.outcomes.durations import duration
from tasks.outcomes.sentences import sentence

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    Words = StrPromise | str

ADMINISTRATOR = _("Send this page to your administrator. The log below says what they need.")
RUN_AGAIN = _("Press Run again.")
WAIT = _("Wait an hour and press Run again. Short troubles often end by themselves.")
CATCH_UP = _(
    "To catch up by itself next time, open the task and choose “Run once as soon as possible”"
    " under “If a run was missed”."
)
OPEN_PAGE = _("Open the page in your own browser and see what it shows.")

_NAMES = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Explanation:
    title: str
    happened: str
    cause: str = ""
    next_steps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Entry:
    title: Words
    happened: Words
    cause: Words = ""
    next_steps: tuple[Words, ...] = ()
    bare: Words = ""
    """Said where something that `happened` names is not known."""
    single: tuple[str, Words] | None = None
    """The figure that is said in another way where it is one."""


TABLE: dict[str, _Entry] = {
    "spider_error": _Entry(
        _("The spider has a mistake"),
        _("The spider stopped at an error in its own code: %(message)s"),
        _("The website changed what the spider expects, or the spider has a mistake."),
        (ADMINISTRATOR,),
    ),
    "job_failed": _Entry(
        _("The job could not be done"),
        _("%(message)s"),
        _("What the task is set to work on is missing or was changed."),
        (_("Edit the task and check what it works on."), RUN_AGAIN),
    ),
    "some_errors": _Entry(
        _("Some pages gave errors"),
        _("%(errors)s pages could not be understood. Items of the other pages are saved."),
        _("Some pages differ from what the spider expects."),
        (_("Compare the items with the website."), ADMINISTRATOR),
        single=(
            "errors",
            _("One page could not be understood. Items of the other pages are saved."),
        ),
    ),
    "broken_items": _Entry(
        _("Some items were lost"),
        _("%(items)s items were lost; the spider could not work on them: %(message)s"),
        _("The website writes something unexpected, or the spider has a mistake."),
        (_("Compare the items with the website."), ADMINISTRATOR),
        single=("items", _("One item was lost; the spider could not work on it: %(message)s")),
    ),
    "closing_failed": _Entry(
        _("The last step failed"),
        _("What the spider does at its end failed: %(message)s. The items are saved here."),
        _("Where the spider passes its items on was not available, or the spider has a mistake."),
        (RUN_AGAIN, ADMINISTRATOR),
    ),
    "too_many_errors": _Entry(
        _("Too many errors"),
        _("There were %(errors)s errors; this task allows %(allowed)s."),
        _("The website changed, or it was in trouble."),
        (WAIT, ADMINISTRATOR),
        single=("errors", _("There was one error; this task allows %(allowed)s.")),
    ),
    "spider_missing": _Entry(
        _("The spider is missing"),
        _("The spider of this task could not be found."),
        _("It was renamed or removed."),
        (_("Edit the task and choose another spider."), ADMINISTRATOR),
    ),
    "spider_import": _Entry(
        _("The spider does not load"),
        _("The spider's file has an error: %(message)s"),
        _("The file was changed, or something that it needs is not installed."),
        (ADMINISTRATOR,),
    ),
    "preset_missing": _Entry(
        _("The preset is missing"),
        _("The preset of this task could not be found."),
        _("It was renamed or removed."),
        (_("Edit the task and choose another preset."), ADMINISTRATOR),
    ),
    "bad_arguments": _Entry(
        _("The spider did not accept its arguments"),
        _("The spider refused what the task gives it: %(message)s"),
        _("An argument is missing or has a wrong form."),
        (_("Edit the task and check the arguments."), RUN_AGAIN),
    ),
    "start_requests": _Entry(
        _("The spider is out of date"),
        _("The spider read no page: its way to start is no longer used."),
        _("It still relies on start_requests(), which Scrapy no longer calls."),
        (_("Ask your administrator to rename it to “async def start(self)” in the spider."),),
    ),
    "no_items": _Entry(
        _("No items collected"),
        _("The spider read %(pages)s pages and found no items."),
        _("The website changed its pages, or there was nothing to find."),
        (
            OPEN_PAGE,
            _("If no items is fine for this task, say so under “What a good run looks like”."),
            ADMINISTRATOR,
        ),
        single=("pages", _("The spider read one page and found no items.")),
    ),
    "few_items": _Entry(
        _("Fewer items than usual"),
        _("Found %(items)s items; about %(usual)s is usual."),
        _("The website shows less today, or it changed a part of its pages."),
        (
            _("Compare the items with the website."),
            RUN_AGAIN,
            _("If so few are right from now on, say so under “What a good run looks like”."),
        ),
        single=("items", _("Found one item; about %(usual)s is usual.")),
    ),
    "layout_changed": _Entry(
        _("No items, unlike before"),
        _("The spider read %(pages)s pages and found no items; about %(usual)s is usual."),
        _("The website has most likely changed its layout, so that the spider finds nothing."),
        (
            OPEN_PAGE,
            _("If it looks different than before, the spider has to be adapted."),
            _("Press “Send to developer” and pass the file on."),
        ),
        single=(
            "pages",
            _("The spider read one page and found no items; about %(usual)s is usual."),
        ),
    ),
    "slow": _Entry(
        _("Much slower than usual"),
        _("Took %(minutes)s minutes; about %(usual)s is usual."),
        _("The website answers slowly, or it holds the spider back."),
        (_("Give the task a longer pause between pages."), OPEN_PAGE),
    ),
    "many_failed_pages": _Entry(
        _("Many pages failed"),
        _("%(pages)s of %(of)s answers were errors (mostly answer %(code)s)."),
        _("The website was in trouble, or it holds the spider back."),
        (_("Give the task a longer pause between pages."), WAIT),
    ),
    "many_unanswered": _Entry(
        _("Many pages gave no answer"),
        _("%(pages)s of %(of)s pages gave no answer."),
        _("The website was in trouble, or it holds the spider back."),
        (_("Give the task a longer pause between pages."), WAIT),
    ),
    "closed_early": _Entry(
        _("The spider ended early"),
        _("The spider ended by itself and gave this reason: %(message)s"),
        _("The spider is made to end in some cases."),
        (ADMINISTRATOR,),
    ),
    "blocked": _Entry(
        _("The website refused the spider"),
        _("The website refused the spider (answer %(code)s). No items were saved."),
        _("It has started to block automatic visits, or it asks visitors to log in."),
        (
            _("Open the page in your browser. If it asks you to log in, the spider can't read it."),
            _("Give the task a longer pause between pages."),
            WAIT,
        ),
    ),
    "captcha": _Entry(
        _("The website asks whether a person is there"),
        _("Instead of its pages the website showed a question that only a person can answer."),
        _("It takes the spider for an unwanted visitor, often because pages were read quickly."),
        (
            _("Give the task a longer pause between pages."),
            WAIT,
            _("Ask the website's owner for permission, or for another way to get the data."),
        ),
    ),
    "login_needed": _Entry(
        _("The website asks for a login"),
        _("Instead of its pages the website showed a login."),
        _("These pages are for members, or the login of the spider is no longer accepted."),
        (
            OPEN_PAGE,
            _("If the task has a name or a password as argument, check them."),
            ADMINISTRATOR,
        ),
    ),
    "redirect_loop": _Entry(
        _("The website sends visitors in a circle"),
        _("The website sent the spider on %(hops)s times and never to a page."),
        _("The address is outdated, or the website wants cookies that the task has turned off."),
        (OPEN_PAGE, _("Edit the task and correct the address.")),
    ),
    "certificate": _Entry(
        _("No safe connection"),
        _("No safe connection to the website could be made: %(message)s"),
        _("The website's certificate is wrong or too old, or it has no https."),
        (OPEN_PAGE, _("Edit the task and try the address with http:// instead."), WAIT),
    ),
    "site_error": _Entry(
        _("The website was in trouble"),
        _("The website answered with an error of its own (answer %(code)s)."),
        _("The website is broken or overloaded at the moment."),
        (WAIT,),
    ),
    "not_found": _Entry(
        _("The page is gone"),
        _("The page could not be found (answer %(code)s)."),
        _("The address has changed, or it has a typing mistake."),
        (OPEN_PAGE, _("Edit the task and correct the address.")),
    ),
    "dns": _Entry(
        _("The website could not be found"),
        _("There is no website under this name."),
        _("The address has a typing mistake, or the network is down."),
        (OPEN_PAGE, _("Edit the task and correct the address.")),
    ),
    "unreachable": _Entry(
        _("The website could not be reached"),
        _("No connection to the website could be made."),
        _("The website is down, or the network is."),
        (OPEN_PAGE, WAIT),
    ),
    "timeout_site": _Entry(
        _("The website did not answer"),
        _("The website did not answer in time."),
        _("It is overloaded, or it leaves automatic visits waiting."),
        (OPEN_PAGE, WAIT),
    ),
    "robots": _Entry(
        _("The website asks not to be read"),
        _("The website's robots.txt asks spiders to leave these pages out."),
        _("The owner does not want automatic visits there."),
        (_("Ask the website's owner for permission, or for another way to get the data."),),
    ),
    "address_refused": _Entry(
        _("The address is not allowed"),
        _("The spider was not allowed to read %(address)s."),
        _("The address is inside a private network, or it is not a web address."),
        (
            _("Edit the task and correct the address."),
            _("If the address is meant, ask your administrator to allow its network."),
        ),
    ),
    "items_lost": _Entry(
        _("Items could not be saved"),
        _("The spider found %(items)s items, but only %(stored)s were saved. %(message)s"),
        _("The disk was full, or the items file reached its limit."),
        (ADMINISTRATOR,),
    ),
    "log_lost": _Entry(
        _("The log has gaps"),
        _("%(lines)s lines of the log could not be saved. The items are here."),
        _("The disk was full for a while."),
        (ADMINISTRATOR,),
        single=("lines", _("One line of the log could not be saved. The items are here.")),
    ),
    "feed_failed": _Entry(
        _("The items did not arrive"),
        _("The items are saved here, but could not be sent to where they should go: %(message)s"),
        _("The storage was not reachable, or it refused the access."),
        (ADMINISTRATOR, RUN_AGAIN),
        bare=_("The items are saved here, but could not be sent to where they should go."),
    ),
    "timeout": _Entry(
        _("Took too long"),
        _("Stopped after %(limit)s, the time limit of this task."),
        _("The website is slow or has more pages than usual."),
        (_("Give the task a longer time limit, or fewer pages."),),
    ),
    "no_progress": _Entry(
        _("Nothing happened any more"),
        _("Stopped because no page and no item came for %(limit)s."),
        _("The website stopped answering, or the spider hangs."),
        (WAIT, ADMINISTRATOR),
    ),
    "memory": _Entry(
        _("Used too much memory"),
        _("Stopped because the spider used more memory than is allowed."),
        _("It keeps too much at once, or it has a mistake."),
        (_("Let it read fewer pages."), ADMINISTRATOR),
    ),
    "cpu_limit": _Entry(
        _("Used too much computing time"),
        _("Stopped because the spider used more computing time than is allowed."),
        _("It works on something endless, or it has a mistake."),
        (ADMINISTRATOR,),
    ),
    "killed": _Entry(
        _("Ended from outside"),
        _("The run was ended from outside (signal %(signal)s). Items up to then are saved."),
        _("The computer ran out of memory, was shut down, or somebody ended the program."),
        (RUN_AGAIN,),
    ),
    "crashed": _Entry(
        _("The spider's program crashed"),
        _("The run ended abruptly. Items up to then are saved."),
        _("A part that the spider uses has a mistake."),
        (RUN_AGAIN, ADMINISTRATOR),
    ),
    "lost": _Entry(
        _("Lost contact"),
        _("The run ended without saying how. Items up to then are saved."),
        _("The computer was restarted, or both the run and the scheduler were ended."),
        (RUN_AGAIN,),
    ),
    "launcher": _Entry(
        _("The run could not be started"),
        _("The program of the spider could not be started: %(message)s"),
        _("The computer is out of memory or processes."),
        (WAIT, ADMINISTRATOR),
    ),
    "secret_unreadable": _Entry(
        _("A secret can't be read"),
        _("A secret argument of this task can't be read any more."),
        _("The key that protects secrets was changed."),
        (_("Edit the task and type the secret again."),),
    ),
    "disk_full": _Entry(
        _("The disk is full"),
        _("The run could not be prepared: %(message)s"),
        _("There is no space left on the disk."),
        (ADMINISTRATOR,),
    ),
    "cancelled": _Entry(_("Stopped"), _("Stopped by %(by)s. Items up to then are saved.")),
    "scheduler_stop": _Entry(
        _("Stopped"), _("Stopped together with the scheduler. Items up to then are saved.")
    ),
    "overlap": _Entry(
        _("Skipped"),
        _("The run before it was still going."),
        "",
        (_("If this happens often, plan more time between runs."),),
    ),
    "hold": _Entry(_("Skipped"), _("All tasks were on hold: %(message)s")),
    "blackout": _Entry(_("Skipped"), _("It fell into a time in which nothing runs: %(message)s")),
    "scheduler_down": _Entry(
        _("Missed"),
        _("The scheduler was not running: it was off from %(off_from)s to %(off_to)s."),
        _("The computer that runs the scheduler was switched off or restarting."),
        (RUN_AGAIN, CATCH_UP),
        bare=_("The scheduler was not running at this time."),
    ),
    "database_down": _Entry(
        _("Missed"),
        _("The database could not be reached from %(off_from)s to %(off_to)s."),
        _("The database was stopped, restarting, or its disk was full."),
        (RUN_AGAIN, CATCH_UP, ADMINISTRATOR),
        bare=_("The database could not be reached at this time."),
    ),
    "clock_jump": _Entry(
        _("Missed"),
        _("The clock of the scheduler's computer jumped from %(off_from)s to %(off_to)s."),
        _("The clock was set by hand, or the computer was asleep."),
        (RUN_AGAIN, CATCH_UP),
        bare=_("The clock of the scheduler's computer jumped over this time."),
    ),
}
UNKNOWN = _Entry(_("Ended"), _("The run has ended."))


def explain(
    reason: str,
    detail: Mapping[str, Any] | None = None,
    *,
    zone: tzinfo | None = None,
    **extra: Any,
) -> Explanation:
    """`detail` is the run's, `zone` the reader's; `extra` what a page knows besides (who stopped
    it)."""
    entry = TABLE.get(reason, UNKNOWN)
    return Explanation(
        title=str(entry.title),
        happened=what_happened(reason, detail, zone=zone, **extra),
        cause=str(entry.cause),
        next_steps=[str(step) for step in entry.next_steps],
    )


def what_happened(
    reason: str,
    detail: Mapping[str, Any] | None = None,
    *,
    zone: tzinfo | None = None,
    **extra: Any,
) -> str:
    """The one sentence for lists, without putting the rest into words."""
    known = {**(detail or {}), **{key: value for key, value in extra.items() if value}}
    if said := known.get("said"):
        known["message"] = sentence(said)
    values = _Values({**known, **_limit(known), **absence_words(known, zone)})
    entry = TABLE.get(reason, UNKNOWN)
    return (str(_shape(entry, known, values)) % values).strip()


def _limit(known: Mapping[str, Any]) -> dict[str, str]:
    """Of those that a text names, each is a time."""
    limit = known.get("limit")
    return {"limit": duration(limit)} if isinstance(limit, int | float) else {}


def _shape(entry: _Entry, known: Mapping[str, Any], values: Mapping[str, str]) -> Words:
    if entry.single and known.get(entry.single[0]) == 1:
        return entry.single[1]
    # Most have one shape: a page of runs looks for none, each look being a translation.
    if not entry.bare:
        return entry.happened
    lacks = any(name not in values for name in _NAMES.findall(str(entry.happened)))
    return entry.bare if lacks else entry.happened


def _figure(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number_format(value, force_grouping=True) if is_number else str(value)


class _Values(defaultdict[str, str]):
    """A detail that is missing leaves a dash, never an error page."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        said = {k: _figure(v) for k, v in known.items() if v is not None and v != ""}
        super().__init__(lambda: "–", said)
        if "usual" not in self and "expected" in self:
            self["usual"] = self["expected"]
