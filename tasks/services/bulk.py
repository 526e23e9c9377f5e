"""One statement for any number of rows: the rows travel as one JSON value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
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


def rows_value(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps([{name: _stored(row.get(name)) for name in columns} for row in rows])


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value) if _is_sqlite() else str(value)
    if isinstance(value, UUID):
        return value.hex
    return value


def _is_sqlite() -> bool:
    return connection.vendor == "sqlite"
