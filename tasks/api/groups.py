"""The least group that may use each operation. The services decide; tests/web/test_rights.py holds
them to this table."""

from __future__ import annotations

# Whoever is logged in, also without any group.
ANYONE = ""
VIEWER, OPERATOR, EDITOR, ADMINISTRATOR = "Viewer", "Operator", "Editor", "Administrator"

LEAST = {
    ("GET", "/tasks"): VIEWER,
    ("POST", "/tasks"): EDITOR,
    ("GET", "/tasks/{task_id}"): VIEWER,
    ("GET", "/tasks/{task_id}/stats"): VIEWER,
    ("PATCH", "/tasks/{task_id}"): EDITOR,
    ("DELETE", "/tasks/{task_id}"): EDITOR,
    ("POST", "/tasks/{task_id}/pause"): OPERATOR,
    ("POST", "/tasks/{task_id}/resume"): OPERATOR,
    ("POST", "/tasks/{task_id}/run"): OPERATOR,
    ("POST", "/tasks/{task_id}/backfill"): OPERATOR,
    ("GET", "/tasks/{task_id}/data-links"): EDITOR,
    ("POST", "/tasks/{task_id}/data-links"): EDITOR,
    ("DELETE", "/data-links/{link_id}"): EDITOR,
    ("GET", "/task-file"): VIEWER,
    ("POST", "/task-file"): EDITOR,
    ("GET", "/runs"): VIEWER,
    ("GET", "/runs/{run_id}"): VIEWER,
    ("GET", "/runs/{run_id}/logs"): VIEWER,
    ("GET", "/runs/{run_id}/items"): VIEWER,
    ("GET", "/runs/{run_id}/file"): VIEWER,
    ("POST", "/runs/{run_id}/cancel"): OPERATOR,
    ("POST", "/runs/{run_id}/retry"): OPERATOR,
    ("GET", "/hold"): VIEWER,
    ("POST", "/hold"): ADMINISTRATOR,
    ("DELETE", "/hold"): ADMINISTRATOR,
    ("GET", "/blackouts"): VIEWER,
    ("POST", "/blackouts"): ADMINISTRATOR,
    ("PATCH", "/blackouts/{number}"): ADMINISTRATOR,
    ("DELETE", "/blackouts/{number}"): ADMINISTRATOR,
    ("POST", "/spread"): EDITOR,
    ("GET", "/load"): VIEWER,
    ("GET", "/never-runs"): VIEWER,
    ("GET", "/health"): ANYONE,
    ("GET", "/metrics"): VIEWER,
    ("GET", "/status"): VIEWER,
    ("GET", "/preview"): ANYONE,
    ("POST", "/preview"): ANYONE,
    ("GET", "/spiders"): VIEWER,
    ("GET", "/spiders/{name}"): VIEWER,
    # On a schedule: an editor.
    ("POST", "/crawl"): OPERATOR,
    ("GET", "/jobs"): VIEWER,
    ("GET", "/jobs/{job_id}"): VIEWER,
    ("PATCH", "/jobs/{job_id}"): EDITOR,
    ("DELETE", "/jobs/{job_id}"): EDITOR,
    ("GET", "/jobs/{job_id}/status"): VIEWER,
    ("GET", "/jobs/{job_id}/logs"): VIEWER,
    ("POST", "/jobs/{job_id}/pause"): OPERATOR,
    ("POST", "/jobs/{job_id}/resume"): OPERATOR,
    ("POST", "/search"): EDITOR,
    ("POST", "/export"): EDITOR,
}
