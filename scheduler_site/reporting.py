"""Where logs and errors go besides the console."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from scheduler_site.environment import refuse

# What every record has; the rest was given with `extra`.
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_PLAIN = (str, int, float, bool, type(None))


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "msg": record.getMessage(),
            "pid": record.process,
        }
        given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line |= {name: value for name, value in given.items() if isinstance(value, _PLAIN)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def report_errors(dsn: str) -> None:
    """Errors with their places in the code, and nothing of what people or spiders entered."""
    if not dsn:
        return
    import sentry_sdk  # noqa: PLC0415 - costs memory where it isn't used
    from sentry_sdk.utils import BadDsn  # noqa: PLC0415

    try:
        sentry_sdk.init(
            dsn=dsn,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=20,
        )
    except BadDsn:
        raise refuse("SENTRY_DSN", "the address that Sentry gives for a project") from None
