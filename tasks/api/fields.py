"""Types that the schemas share: strict, bounded, and free of NUL."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

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


def _not_a_number(value: Any) -> Any:
    """Pydantic also takes seconds since 1970, which nobody means here."""
    if isinstance(value, str) and "-" in value[1:] and ":" in value:
        return value
    raise ValueError("Write a date and time with its offset, such as 2030-04-02T09:30:00+02:00.")


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_not_a_number),
    Field(strict=False, examples=["2030-04-02T09:30:00+02:00"]),
]
