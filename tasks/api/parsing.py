from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja.errors import ValidationError
from ninja.parser import Parser

from tasks.services.errors import InvalidInput

ONCE = gettext_noop("Give this only once.")


class StrictParser(Parser):
    """JSON as the standard has it: Python's own reader also takes NaN and Infinity, and of two
    members of one name the last (RFC 8259, section 4, wants them unique)."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, parse_constant=_refuse, object_pairs_hook=_unique)

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Of two values for one thing, Ninja would silently take the last."""
        twice = [name for name, values in data.lists() if len(values) > 1]
        wrong = [name for name in twice if name not in list_fields]
        if wrong:
            said = {"type": "repeated", "msg": _(ONCE)}
            raise ValidationError([{"loc": ("query", name), **said} for name in wrong])
        return super().parse_querydict(data, list_fields, request)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _value in pairs)
        raise InvalidInput({n[:100]: [_(ONCE)] for n, count in times.items() if count > 1})
    return found
