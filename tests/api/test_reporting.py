from __future__ import annotations

import gzip
import json
import logging
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import brotli
import pytest

from scheduler_site.reporting import JsonFormatter
from tasks.api.metrics import StateCollector
from tests.environment import ROOT

UNPACK = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}
RAISE = """
import django; django.setup()
import logging, sentry_sdk
def crawl(password):
    raise ValueError("the spider fell over")
try:
    crawl("tulip")
except ValueError:
    logging.getLogger("tasks").exception("A run could not be settled")
sentry_sdk.flush(10)
"""


def start(code: str, data_dir: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATA_DIR": str(data_dir), **env}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_logs_are_one_json_object_per_line_where_asked(data_dir: Path) -> None:
    done = start(RAISE, data_dir, LOG_FORMAT="json")
    line = json.loads(done.stderr.splitlines()[0])
    assert (line["level"], line["logger"]) == ("ERROR", "tasks")
    assert line["msg"] == "A run could not be settled"
    assert "ValueError: the spider fell over" in line["exception"]


def test_what_is_given_with_a_record_stands_in_its_line() -> None:
    record = logging.makeLogRecord({"name": "x", "msg": "run %s", "args": ("a\nb",), "run_id": "7"})
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert (json.loads(line)["run_id"], json.loads(line)["msg"]) == ("7", "run a\nb")


def test_errors_reach_sentry_without_what_was_entered(data_dir: Path) -> None:
    received: list[str] = []

    class Sentry(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(UNPACK[self.headers["Content-Encoding"]](body).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Sentry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        start(RAISE, data_dir, SENTRY_DSN=f"http://key@127.0.0.1:{server.server_port}/1")
        server.shutdown()
    report = "".join(received)
    assert "the spider fell over" in report
    assert '"vars"' not in report


@pytest.mark.parametrize("name", ["SENTRY_DSN", "LOG_FORMAT"])
def test_a_wrong_value_stops_the_start_with_its_name(data_dir: Path, name: str) -> None:
    done = start(RAISE, data_dir, **{name: "nonsense"})
    assert done.returncode != 0
    assert f"{name} is not valid" in done.stderr


@pytest.mark.django_db
def test_the_dashboard_asks_only_for_figures_that_there_are() -> None:
    text = (ROOT / "deploy" / "grafana-dashboard.json").read_text(encoding="utf-8")
    panels = json.loads(text)["panels"]
    asked = {
        name
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"spider_scheduler_\w+", target["expr"])
    }
    given = {metric.name for metric in StateCollector().collect()}
    assert asked - given <= {"spider_scheduler_scheduler_heartbeat_age_seconds"}
    assert len(panels) == len({panel["id"] for panel in panels})
