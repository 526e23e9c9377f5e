"""One statement for any number of rows: the rows travel as one JSON value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
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
    values = ", ".join(f"""json_extract(value, '$.{name}') AS "{name}" """ for name in columns)
    return f"(SELECT {values} FROM json_each(%s)) AS {alias}"  # noqa: S608 - our own names


def rows_value(rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps(list(rows), default=_stored_here())


def _stored_here() -> Callable[[Any], str]:
    """How this database keeps moments and ids that travel as text."""
    is_sqlite = connection.vendor == "sqlite"

    @lru_cache(maxsize=1024)
    def stored(value: Any) -> str:
        if isinstance(value, datetime):
            return str(connection.ops.adapt_datetimefield_value(value) if is_sqlite else value)
        return value.hex if isinstance(value, UUID) else str(value)

    return stored
