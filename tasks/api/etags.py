from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tasks.api.problems import PreconditionFailed
from tasks.services.errors import InvalidInput

_TAG = re.compile(r'"([0-9]{1,9})"')


def set_etag(response: HttpResponse, version: int) -> None:
    response["ETag"] = f'"{version}"'


def expected_version(request: HttpRequest) -> int | None:
    """The version that If-Match asks for; None without the header or with `*`."""
    given = request.headers.get("If-Match", "").strip()
    if given in {"", "*"}:
        return None
    found = _TAG.fullmatch(given)
    if found is None:
        message = _("Send the ETag as it came, or “*”.")
        raise InvalidInput({"If-Match": [message]})
    return int(found[1])


def changed() -> PreconditionFailed:
    return PreconditionFailed(
        _("Somebody else changed this task meanwhile. Load it again to see the changes.")
    )
