"""A preset is one of those that the project's code has: said when it is chosen, by every door."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from tasks.models import Preset, SpiderInfo, Task
from tasks.services import create_task, import_tasks, update_task
from tasks.services.errors import InvalidInput
from tests.api.conftest import Api

from .conftest import ARGUMENTS

pytestmark = pytest.mark.django_db
UNKNOWN = "There is no preset “gone”. There are: to_s3."
GONE = {"PRESET": "gone"}
NEW = {"task_id": "new", "name": "New", "spider": "shop", "arguments": ARGUMENTS}


@pytest.fixture
def known(shop_spider):
    return Preset.objects.create(name="to_s3")


def test_a_known_one_is_taken_and_an_unknown_one_refused(known):
    assert create_task(**NEW, settings={"PRESET": "to_s3"}).settings == {"PRESET": "to_s3"}
    for change in (lambda: create_task(**{**NEW, "task_id": "x"}, settings=GONE),
                   lambda: update_task(task_id="new", settings=GONE)):  # fmt: skip
        with pytest.raises(InvalidInput) as refusal:
            change()
        assert refusal.value.errors == {"settings.PRESET": [UNKNOWN]}


def test_one_that_went_away_stays_until_another_is_chosen(known):
    create_task(**NEW, settings={"PRESET": "to_s3"})
    known.delete()
    update_task(task_id="new", name="Newer", settings={"PRESET": "to_s3", "DEPTH_LIMIT": 1})
    with pytest.raises(InvalidInput, match="There are: none"):
        update_task(task_id="new", settings=GONE)


def test_before_any_listing_nobody_can_say(known):
    known.delete()
    SpiderInfo.objects.all().delete()
    create_task(task_id="c", name="C", kind="cleanup", settings=GONE)


def test_a_file_names_the_line(known):
    text = json.dumps({"tasks": [{**NEW, "settings": GONE, "schedules": []}]}, indent=1)
    with pytest.raises(InvalidInput) as refusal:
        import_tasks(text=text)
    (problem,) = refusal.value.problems
    assert (problem.field, problem.message) == ("tasks.0.settings.PRESET", UNKNOWN)
    assert text.splitlines()[problem.line - 1].strip() == '"PRESET": "gone"'


def test_rest_and_the_command_line_refuse_it(known, maja):
    answer = Api(maja).post("/tasks", {**NEW, "settings": GONE})
    assert (answer.status_code, answer.json()["errors"]) == (422, {"settings.PRESET": [UNKNOWN]})
    words = ["--arg", f"start_urls={ARGUMENTS['start_urls'][0]}", "--setting", "PRESET=gone"]
    with pytest.raises(CommandError, match="There is no preset “gone”"):
        call_command("tasks", "add-cron", "new", "shop", "0 6 * * *", *words)
    assert not Task.objects.exists()


def test_the_form_offers_them_and_keeps_one_that_is_gone(known, client, maja):
    task = create_task(**NEW, settings={"PRESET": "to_s3"})
    Preset.objects.all().update(name="to_disk")
    client.force_login(maja)
    page = client.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()
    assert '<option value="to_disk">' in page
    assert '<option value="to_s3" selected>' in page
