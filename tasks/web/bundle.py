"""Send to developer: what somebody needs who has never seen this run, with secrets taken out."""

from __future__ import annotations

import io
import json
import platform
import zipfile
from pathlib import Path
from typing import Any

from tasks.execution.folder import run_folder
from tasks.execution.items import read_items
from tasks.execution.logfile import MAX_READ, LogFile
from tasks.execution.logs import search_log
from tasks.execution.report import report_of
from tasks.models import Run
from tasks.runtime.files import PAGE_FACTS, PAGE_TEXT, read_json
from tasks.runtime.redact import redact, redacted
from tasks.secrets import SecretUnreadable, unseal
from tasks.web import failing


def secrets_of(run: Run) -> list[Any]:
    found = []
    for token in run.secrets.values():
        try:
            found.append(unseal(token))
        except SecretUnreadable:
            continue
    return found


def build(run: Run) -> bytes:
    folder, secrets = run_folder(run), secrets_of(run)
    report = report_of(run, read_json(folder / "outcome.json"), read_json(folder / "exit.json"))
    data = {
        "report.json": report,
        "items-first.json": read_items(folder, limit=20).items,
        PAGE_FACTS: failing.facts_of(run),
    }
    texts = {
        "READ-ME.txt": _introduction(run),
        "log-end.txt": _log_end(folder),
        "log-errors.txt": _errors(folder),
        PAGE_TEXT: b"".join(failing.parts_of(run)).decode("utf-8", "replace"),
    }
    parts = {name: _json(redacted(each, secrets)) for name, each in data.items() if each}
    parts |= {name: redact(text, secrets) for name, text in texts.items() if text}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return target.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _introduction(run: Run) -> str:
    return (
        f"Run {run.pk} of the task {run.task_key}, spider {run.spider}.\n"
        f"Status: {run.status} {run.reason}\n"
        f"Python {platform.python_version()} on {platform.system()}.\n"
        "Secrets, passwords, cookies and e-mail addresses were taken out.\n"
    )


def _log_end(folder: Path) -> str:
    log = LogFile(folder)
    chunk = log.read(max(0, log.size() - MAX_READ))
    return chunk.data.decode("utf-8", "replace")


def _errors(folder: Path) -> str:
    found = search_log(folder, errors_only=True, ended=True)
    return "\n".join(f"{line.at or ''} {line.level} {line.text}" for line in found.lines)
