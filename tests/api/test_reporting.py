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
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from scheduler_site.reporting import JsonFormatter
from tasks.api.metrics import exposition
from tasks.models import Run, SchedulerProcess, Task
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


@pytest.fixture
def samples(shop: Task) -> dict[str, set[str]]:
    """What /metrics gives where there is something to tell: each figure with its labels."""
    now = timezone.now()
    SchedulerProcess.objects.create(name="here", host="here", pid=1, started_at=now, seen_at=now)
    Run.objects.create(
        task=shop, task_key="shop", task_name="Shop", trigger="schedule", status="failed",
        reason="blocked", scheduled_for=now, started_at=now, finished_at=now,
    )  # fmt: skip
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition().decode()):
        assert family.documentation
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_the_dashboard_asks_only_for_figures_and_labels_that_there_are(
    samples: dict[str, set[str]],
) -> None:
    text = (ROOT / "deploy" / "grafana-dashboard.json").read_text(encoding="utf-8")
    dashboard = json.loads(text)
    panels = dashboard["panels"]
    assert dashboard["schemaVersion"] >= 36  # older ones Grafana would have to migrate
    assert dashboard["uid"]
    assert len(panels) == len({panel["id"] for panel in panels})
    assert {each["name"] for each in dashboard["templating"]["list"]} == {"datasource"}
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            _asks_for_what_there_is(target, samples)


def _asks_for_what_there_is(target: dict[str, str], samples: dict[str, set[str]]) -> None:
    expression = target["expr"]
    names = re.findall(r"spider_scheduler_\w+", expression)
    assert names
    assert set(names) <= set(samples)
    known = {label for name in names for label in samples[name]}
    grouped = {
        label.strip()
        for labels in re.findall(r"by \(([^)]*)\)", expression)
        for label in labels.split(",")
    }
    chosen = set(re.findall(r"[{,]\s*(\w+)\s*[=!]", expression))
    shown = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target.get("legendFormat", "")))
    assert grouped | chosen <= known, expression
    assert shown <= grouped, expression
