"""Pages by cursor: they stay right while rows come and go, and cost the same however deep."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db.models import Field as ModelField
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field

from tasks.api.fields import text
from tasks.services.errors import InvalidInput

MAX_LIMIT = 200

M = TypeVar("M", bound=Model)
T = TypeVar("T")

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, text(500)]


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = Field(
        None, description="Send it back as `cursor` for the next page; null on the last one."
    )


def paginate(
    rows: QuerySet[M], *, order: str, limit: int, cursor: str | None
) -> tuple[list[M], str | None]:
    """`order` is a field that is never null, with `-` in front for descending."""
    rows = rows.order_by(order, "-pk" if order.startswith("-") else "pk")
    if cursor:
        rows = rows.filter(_beyond(rows.model, order, cursor))
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], _encode(order, last)


def _beyond(model: type[Model], order: str, cursor: str) -> Q:
    field, side = order.removeprefix("-"), "lt" if order.startswith("-") else "gt"
    try:
        value, pk = _decode(model, order, cursor)
    except (ValueError, TypeError, binascii.Error, RecursionError, ValidationError):
        message = _("This cursor does not belong to this list.")
        raise InvalidInput({"cursor": [message]}) from None
    return Q(**{f"{field}__{side}": value}) | Q(**{field: value, f"pk__{side}": pk})


def _encode(order: str, last: Model) -> str:
    value = getattr(last, order.removeprefix("-"))
    plain = value.isoformat() if isinstance(value, datetime) else value
    raw = json.dumps([order, plain, str(last.pk)])
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _decode(model: type[Model], order: str, cursor: str) -> tuple[Any, Any]:
    padded = cursor + "=" * (-len(cursor) % 4)
    made_for, value, pk = json.loads(base64.urlsafe_b64decode(padded.encode()))
    texts = (made_for, value, pk)
    if made_for != order or not all(isinstance(each, str) and "\0" not in each for each in texts):
        raise ValueError("made for another list")
    field = cast("ModelField[Any, Any]", model._meta.get_field(order.removeprefix("-")))
    moment = field.to_python(value)
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError("without an offset")
    key = model._meta.pk.to_python(pk)
    if isinstance(key, int) and not 0 <= key < 2**63:
        raise ValueError("beyond any key")
    return moment, key
