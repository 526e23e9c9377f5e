from __future__ import annotations

import pytest

from tasks.models import AuditEntry, Task
from tests.api.conftest import Api

FILE = "pipelines: {fresh: {chain: [{class: shop.steps.Load}]}}"


@pytest.fixture
def editor(maja):
    return Api(maja)


def test_tasks_leave_and_come_back(editor, shop):
    answer = editor("get", "/task-file")
    assert answer["Content-Type"].startswith("application/json")
    text = answer.content.decode()
    plan = editor("post", "/task-file", {"text": text}).json()
    assert (plan["unchanged"], plan["created"]) == (1, 0)
    assert editor("get", "/task-file?format=yaml").content.startswith(b"version: 1\n")


def test_an_import_can_be_looked_at_first(anna):
    administrator = Api(anna)
    plan = administrator("post", "/task-file", {"text": FILE, "dry_run": True}).json()
    assert (plan["dry_run"], plan["changes"][0]["action"]) == (True, "created")
    assert not Task.objects.exists()
    administrator("post", "/task-file", {"text": FILE})
    assert AuditEntry.objects.get(action="create", task_key="fresh").via == "api"


def test_an_editor_imports_no_code(editor):
    answer = editor("post", "/task-file", {"text": FILE})
    message = "line 1: Only an administrator says which classes a pipeline runs."
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        {"pipelines.fresh.kind": [message]},
    )


def test_a_mistake_is_named_by_line_and_field(editor):
    answer = editor("post", "/task-file", {"text": "pipelines:\n  x:\n    chain: 5\n"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"pipelines.x.chain": ["line 3: This must be a list."]}


def test_looking_is_not_enough_to_import(viktor, shop):
    viewer = Api(viktor)
    assert viewer("get", "/task-file").status_code == 200
    assert viewer("post", "/task-file", {"text": FILE}).status_code == 403
    reader = Api(viktor, "read")
    assert reader("post", "/task-file", {"text": FILE}).status_code == 403
