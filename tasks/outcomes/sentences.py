"""What other processes leave behind as a code with its figures, in the language of the reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Said = Mapping[str, Any]

TEXTS: dict[str, StrPromise] = {
    # The launcher of runs
    "fork_platform": _("Each run starts in a fresh process: forking is not safe on %(platform)s."),
    "fork_reactor": _(
        "Each run starts in a fresh process: a module of the project installs the reactor when it "
        "is imported."
    ),
    "fork_threads": _(
        "Each run starts in a fresh process: a module of the project starts threads when it is "
        "imported (%(n)s)."
    ),
    "fork_connections": _(
        "Each run starts in a fresh process: a module of the project opens connections when it is "
        "imported."
    ),
    "launcher_ends": _(
        "No run can start: the process that starts them ends while it loads the spider project "
        "(exit code %(exit)s)."
    ),
    "launcher_silent": _("the process that starts runs gave no answer"),
    "project_broken": _("The spider project does not load: %(error)s"),
    "module_broken": _("The file of spiders %(module)s does not load: %(error)s"),
    # The catalogue of spiders
    "catalogue_slow": _("The spiders took over %(seconds)s s to load."),
    "catalogue_broken": _("The spiders could not be listed: %(error)s"),
    "start_requests": _(
        "This spider relies on start_requests(), which Scrapy no longer calls: it would end "
        "without reading a page. Rename it to “async def start(self)”."
    ),
    # The clock
    "clock_forward": _("The clock of the scheduler's computer jumped %(n)s s forward."),
    "clock_back": _("The clock of the scheduler's computer jumped %(n)s s back."),
    "clock_suspend": _("The scheduler's computer slept for %(n)s s."),
    "no_database": _("The scheduler could not reach the database and tried again."),
    "wakeup_failed": _("The scheduler had trouble and tried again. Its log says more."),
    # Jobs
    "kind_not_run": _("Tasks of this kind are not run here."),
    "no_good_run": _("The task “%(task)s” has no run with items yet."),
    "few_good_runs": _("The task “%(task)s” needs %(needed)s runs with items; it has %(has)s."),
    "step_foreign": _("%(path)s is not a class of this project."),
    "step_missing": _("%(module)s has no class %(name)s of its own."),
    "step_idle": _("%(path)s has none of the methods %(methods)s."),
    # Alerts
    "mail_refused": _("The mail server refused it: %(error)s."),
    "mail_silent": _("The mail server did not answer."),
    "mail_unreachable": _("The mail server could not be reached: %(error)s."),
    "alert_broken": _("The message could not be written. The scheduler's log says more."),
    "alert_interrupted": _("The scheduler ended while it was being sent."),
    # The disk
    "no_space": _("There is no space left on the disk."),
    "items_limit": _("The items file has reached its limit."),
}


def sentence(said: Said | str) -> str:
    """Text of its own (a person's, a program's) stays what it is."""
    if not isinstance(said, Mapping):
        return str(TEXTS.get(said, said))
    text = TEXTS.get(str(said.get("code")))
    if text is None:
        return str(said.get("message", said.get("code", "")))
    known = {key: value for key, value in said.items() if value is not None}
    return str(text) % defaultdict(lambda: "–", known)
