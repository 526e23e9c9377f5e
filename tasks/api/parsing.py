from __future__ import annotations

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from ninja.errors import ValidationError
from ninja.parser import Parser


class StrictParser(Parser):
    """JSON as the standard has it: Python's own reader also takes NaN and Infinity."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, parse_constant=_refuse)

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Of two values for one thing, Ninja would silently take the last."""
        twice = [name for name, values in data.lists() if len(values) > 1]
        wrong = [name for name in twice if name not in list_fields]
        if wrong:
            said = {"type": "repeated", "msg": _("Give this only once.")}
            raise ValidationError([{"loc": ("query", name), **said} for name in wrong])
        return super().parse_querydict(data, list_fields, request)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
