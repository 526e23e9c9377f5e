from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tasks.models import AuditEntry, Task
from tasks.services import create_task
from tasks.web.changes import lines_of_file

CHAIN = {"chain": [{"class": "shop.steps.Load", "kwargs": {}}]}
FILE = """
pipelines:
  fresh: {chain: [{class: shop.steps.Load}]}
  known: {chain: [{class: shop.steps.Save}]}
"""


@pytest.fixture
def known(db):
    return create_task(task_id="known", name="known", kind="pipeline", arguments=CHAIN)


def upload(client, text: str | bytes, name: str = "tasks.yml", **data: str):
    body = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile(name, body)
    return client.post(reverse("admin:task_files"), {"file": file, **data})


def test_a_file_is_shown_first_and_imported_when_confirmed(client, anna, known):
    client.force_login(anna)
    page = upload(client, FILE, replace="1")
    content = page.content.decode()
    assert "1 created, 1 changed, 0 left as they are, 0 removed." in content
    assert "Arguments: chain: " in content
    assert "When the scheduler starts" in content
    assert not Task.objects.filter(task_id="fresh").exists()
    form = {"text": page.context["text"], "name": page.context["name"], "_confirmed": "1"}
    done = client.post(reverse("admin:task_files"), form, follow=True)
    assert "Imported: 1 created, 1 changed, 0 removed." in done.content.decode()
    entry = AuditEntry.objects.first()
    assert (entry.actor, entry.via) == (anna, "admin")


def test_a_file_with_a_mistake_names_the_line(client, maja, known):
    client.force_login(maja)
    content = upload(client, "pipelines:\n  x:\n    chain: 5\n").content.decode()
    assert "Nothing was imported. Mend the file first." in content
    assert "Line 3:" in content
    assert "pipelines.x.chain" in content
    assert "_confirmed" not in content


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"\xff\xfe", "not UTF-8"), (b"", "empty"), (b"a" * 2_000_001, "larger than 2 MB")],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(client, maja, body, words):
    client.force_login(maja)
    page = upload(client, body)
    assert page.status_code == 200
    assert words in page.content.decode()


def test_what_a_file_says_is_escaped(client, maja):
    client.force_login(maja)
    content = upload(client, "pipelines:\n  a<script>x: {chain: [{class: a.B}]}\n").content.decode()
    assert "<script>x" not in content


def test_without_a_file_nothing_happens(client, maja):
    client.force_login(maja)
    page = client.post(reverse("admin:task_files"), {})
    assert "No file is chosen." in page.content.decode()


def test_tasks_are_taken_away_in_both_forms(client, viktor, known):
    client.force_login(viktor)
    answer = client.get(reverse("admin:task_files_export", args=["json"]))
    assert json.loads(answer.content)["tasks"][0]["task_id"] == "known"
    assert answer["Content-Disposition"] == 'attachment; filename="tasks.json"'
    answer = client.get(reverse("admin:task_files_export", args=["yml"]))
    assert answer.content.startswith(b"version: 1\n")
    assert client.get(reverse("admin:task_files_export", args=["exe"])).status_code == 404


def test_those_who_only_look_cannot_import(client, viktor, olof):
    for user in (viktor, olof):
        client.force_login(user)
        assert "Bring tasks in" not in client.get(reverse("admin:task_files")).content.decode()
        assert upload(client, FILE).status_code == 403
    assert not Task.objects.exists()


def test_what_an_import_changes_is_said_as_on_the_page_of_changes():
    fields = {
        "name": ["A", "B"], "arguments.pages": [1, None],
        "schedules.daily.cron": ["0 6 * * *", "0 7 * * *"],
        "schedules.daily.start_at": [None, "2026-01-01"],
        "schedules.old.key": ["old", None], "schedules.old.kind": ["cron", None],
        "schedules.old.cron": ["0 6 * * *", None], "schedules.old.enabled": [False, None],
        "schedules.new.key": [None, "new"], "schedules.new.kind": [None, "interval"],
        "schedules.new.hours": [None, 2], "schedules.new.start_at": [None, None],
    }  # fmt: skip
    lines = [(each.label, each.before, each.after) for each in lines_of_file(fields)]
    assert lines == [
        ("Task name", "A", "B"),
        ("Arguments: pages", "1", "–"),
        ("Time “daily”, Pattern", "0 6 * * *", "0 7 * * *"),
        ("Time “daily”, Not before", "–", "2026-01-01"),
        ("Time “old”", "Every day at 06:00, UTC, Off", "–"),
        ("Time “new”", "–", "Every 2 hours"),
    ]
