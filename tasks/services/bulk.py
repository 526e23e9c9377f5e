"""One statement for any number of rows: the rows travel as one JSON value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

# Column types as PostgreSQL names them; SQLite takes the values as they are stored.
Columns = Mapping[str, str]


def rows_source(columns: Columns, alias: str = "f") -> str:
    """A table expression of the rows in one parameter (see `rows_value`)."""
    if connection.vendor == "postgresql":
        typed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        return f"jsonb_to_recordset(%s::jsonb) AS {alias}({typed})"
    # By place: a name in every row would have to be written and read again.
    values = ", ".join(
        f"""json_extract(value, '$[{place}]') AS "{name}" """ for place, name in enumerate(columns)
    )
    return f"(SELECT {values} FROM json_each(%s)) AS {alias}"  # noqa: S608 - our own names


def rows_value(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    """The values of each row in the order of the columns."""
    listed: list[Any] = list(rows)
    if connection.vendor == "postgresql":
        names = list(columns)
        listed = [dict(zip(names, row, strict=True)) for row in listed]
    return json.dumps(listed, default=_stored_here())


def _stored_here() -> Callable[[Any], str]:
    """How this database keeps moments and ids that travel as text."""
    is_sqlite = connection.vendor == "sqlite"

    @lru_cache(maxsize=1024)
    def stored(value: Any) -> str:
        if isinstance(value, datetime):
            return str(connection.ops.adapt_datetimefield_value(value) if is_sqlite else value)
        return value.hex if isinstance(value, UUID) else str(value)

    return stored
