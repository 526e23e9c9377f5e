"""Types that the schemas share: strict, bounded, and free of NUL."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from tasks.services.errors import InvalidInput
from tasks.services.schedules import moment_of

NO_NUL = r"^[^\x00]*$"
MAX_INTEGER = 2_147_483_647


class Strict(BaseModel):
    """A request's body: unknown fields are refused, and nothing is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """A response's body."""


def left_out(**options: Any) -> Any:
    """The default of a field that may be missing but is not null; dump with exclude_unset."""
    return Field(default=None, **options)


def text(most: int, least: int = 0) -> Any:
    return Field(min_length=least, max_length=most, pattern=NO_NUL)


Line = Annotated[str, text(200, 1)]
Text = Annotated[str, text(5000)]
Slug = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[-a-zA-Z0-9_]+$")]
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Moment = Annotated[
    str,
    text(40, 1),
    Field(
        description="ISO 8601; without an offset it is on the wall clock of the time zone.",
        examples=["2030-04-02T09:30:00+02:00"],
    ),
]
ZoneName = Annotated[str, text(64, 1), Field(examples=["Europe/Stockholm"])]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=NO_NUL)]
Arguments = Annotated[dict[Name, JsonValue], Field(max_length=100)]
Settings = Annotated[
    dict[Name, bool | int | float | Annotated[str, text(1000)]], Field(max_length=50)
]
Timestamp = datetime


def _as_written(value: object) -> datetime:
    """Pydantic alone would also take seconds since 1970, which nobody means here."""
    try:
        moment = moment_of(str(value), settings.SCHEDULER_TIMEZONE, "")
    except InvalidInput as error:
        raise PydanticCustomError("moment", "{words}", {"words": str(error)}) from None
    if moment is None or not isinstance(value, str):
        raise PydanticCustomError("moment", "{words}", {"words": _("This is needed.")})
    return moment


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_as_written),
    Field(
        strict=False,
        description="ISO 8601; without an offset it is on the clock of SCHEDULER_TIMEZONE.",
        examples=["2030-04-02T09:30:00+02:00"],
    ),
]
