"""What the description does not say of itself, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# By tag; one that is not here is shown as it is.
TAGS = {
    "tasks": _("Tasks"),
    "files": _("Task files"),
    "runs": _("Runs"),
    "latest good data": _("Addresses of the latest items"),
    "standing": _("Holds, blackouts and load"),
    "system": _("The scheduler itself"),
    "spiders": _("Spiders"),
    "gateway": _("Crawls for other programs"),
}
PLACES = {
    "path": pgettext_lazy("where a parameter is", "path"),
    "query": pgettext_lazy("where a parameter is", "query"),
    "header": pgettext_lazy("where a parameter is", "header"),
    "cookie": pgettext_lazy("where a parameter is", "cookie"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    short: object
    long: object


REFUSALS = {
    "400": Refusal(
        _("not readable"),
        _(
            "The body is not JSON. Crawls, jobs, searches and exports also say it of wrong input,"
            " where the others say 422."
        ),
    ),
    "401": Refusal(
        _("not logged in"),
        _("There is no token and no login, or the token is wrong, revoked or too old."),
    ),
    "403": Refusal(
        _("not allowed"),
        _("The person's group or the token's scopes do not reach, or X-CSRFToken is missing."),
    ),
    "404": Refusal(_("not there"), _("There is nothing of this id, or at this address.")),
    "409": Refusal(
        _("in the way"),
        _("Something is in the way, such as a run that still goes on: then run_id names it."),
    ),
    "412": Refusal(
        _("changed meanwhile"), _("Somebody else changed the task since: load it again.")
    ),
    "413": Refusal(_("too large"), _("The body is larger than this installation takes.")),
    "422": Refusal(_("wrong input"), _("A field is missing or wrong: errors says which and why.")),
    "429": Refusal(
        _("too many"),
        _("Too many requests in a minute, or too many open logs. Retry-After says when to go on."),
    ),
    "503": Refusal(
        _("not at the moment"), _("The database does not answer. Try again in a moment.")
    ),
}
