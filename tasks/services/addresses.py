from __future__ import annotations

import re

from django.conf import settings
from django.utils.translation import gettext as _

from tasks.runtime.addresses import Rules, problem_of_url

MAX_URL = 2000
# A comma may stand inside an address: it separates only where another address begins.
BETWEEN = re.compile(r"\s+|,(?=\s*https?://)")


def addresses_in(text: str) -> list[str]:
    return [part for part in BETWEEN.split(text) if part]


def address_rules() -> Rules:
    """What this installation lets spiders and webhooks reach; the demo shop by its own switch."""
    return Rules.of(settings.ALLOWED_NETWORKS, [demo_url()] if settings.DEMO else [])


def demo_url() -> str:
    return f"{settings.SITE_URL}/demo/" if settings.DEMO else ""


def problem_of_address(url: str) -> str | None:
    """Why a web address is refused, in plain words; None when it is fine."""
    if len(url) > MAX_URL:
        return _("This address is longer than %d characters.") % MAX_URL
    problem = problem_of_url(url, address_rules())
    if problem is None:
        return None
    sentences = {
        "scheme": _("“%s” does not begin with http:// or https://."),
        "credentials": _("“%s” contains a user name or password. Leave them out."),
        "private": _(
            "“%s” is inside a private network. An administrator can allow it (ALLOWED_NETWORKS)."
        ),
    }
    return sentences.get(problem, _("“%s” is not a web address.")) % url[:200]
