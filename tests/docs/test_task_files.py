"""What docs/ says about task files and the Python API is tried here."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft202012Validator

from tasks.exchange.reading import read_records, read_tree
from tasks.exchange.schema import file_schema
from tasks.execution.catalogue import refresh_catalogue
from tasks.management.verbs import VERBS
from tasks.management.verbs.shapes import run_shape, spider_shape
from tasks.models import Run, Schedule, SpiderInfo, Task
from tasks.services import (
    create_task,
    export_tasks,
    get_scheduler_status,
    get_task_info,
    import_tasks,
)
from tasks.services.health import get_health
from tests.environment import ROOT

DOCS = ROOT / "docs"
ADDING = ("`add-cron`", "`add-interval`", "`add-once`", "`set-schedule`", "`disable`", "`enable`")
EXAMPLES = sorted((DOCS / "examples").iterdir())
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+)(?:#([^)]+))?\)")


def blocks(name: str, language: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    return [body for kind, body in BLOCK.findall(text) if kind == language]


@pytest.fixture
def spiders(db):
    if not SpiderInfo.objects.exists():
        refresh_catalogue()


def test_the_schema_in_the_docs_is_the_one_that_imports_check(tmp_path):
    call_command("tasks", "config", "schema", str(tmp_path / "schema.json"))
    written = (DOCS / "task-file.schema.json").read_text(encoding="utf-8")
    assert written == (tmp_path / "schema.json").read_text(encoding="utf-8")
    Draft202012Validator.check_schema(json.loads(written))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_follow_the_schema_also_for_other_readers(path):
    """Editors read YAML in their own way: what they see must be right too."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    Draft202012Validator(file_schema()).validate(data)
    assert read_records(path.read_bytes())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_can_be_imported_as_they_stand(spiders, path):
    plan = import_tasks(path=path)
    assert plan.created
    assert plan.warnings == []
    assert len(import_tasks(path=path).unchanged) == len(plan.created)


def test_the_full_example_is_written_as_export_writes_it(spiders):
    path = DOCS / "examples" / "tasks_full.yml"
    import_tasks(path=path)
    assert read_tree(export_tasks()).plain() == read_tree(path.read_text("utf-8")).plain()


@pytest.mark.parametrize("name", ["task-files.md", "migrating.md"])
def test_yaml_in_the_guides_can_be_read(name):
    found = [body for body in blocks(name, "yaml") if not body.startswith("# yaml-language")]
    assert found
    for body in found:
        assert read_records(body)


@pytest.mark.django_db
def test_the_python_examples_do_what_they_say(spiders):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=flags)
    names: dict[str, object] = {}
    found = blocks("python.md", "pycon")
    said: list[str] = []
    for number, body in enumerate(found):
        test = parser.get_doctest(body, names, f"python.md block {number}", "python.md", 0)
        runner.run(test, out=said.append, clear_globs=False)
        names.update(test.globs)
    assert len(found) >= 8
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


@pytest.mark.django_db
def test_fixtures_can_be_written_by_hand_and_dumped(tmp_path):
    path = tmp_path / "tasks.json"
    path.write_text(blocks("task-files.md", "json")[0], encoding="utf-8")
    call_command("loaddata", str(path), verbosity=0)
    assert Schedule.objects.get_by_natural_key("shoes", "mornings").cron == "30 6 * * 1-5"
    create_task(
        task_id="lamps", kind="cleanup", schedules=[{"kind": "interval", "hours": 2}]
    )  # counts from the very moment it was made
    before = export_tasks()
    models = ("tasks.tag", "tasks.task", "tasks.schedule")
    natural = {"use_natural_primary_keys": True, "use_natural_foreign_keys": True}
    call_command("dumpdata", *models, output=str(path), verbosity=0, **natural)
    assert '"pk"' not in path.read_text(encoding="utf-8")
    Schedule.objects.all().delete()
    Task.objects.all().delete()
    call_command("loaddata", str(path), verbosity=0)
    assert export_tasks() == before


@pytest.mark.django_db
def test_follow_ups_load_from_a_fixture_too(tmp_path):
    create_task(task_id="a", name="A", kind="cleanup")
    create_task(
        task_id="b", name="B", kind="cleanup", schedules=[{"kind": "after", "after_task": "a"}]
    )
    path = tmp_path / "tasks.json"
    natural = {"use_natural_primary_keys": True, "use_natural_foreign_keys": True}
    call_command("dumpdata", "tasks.task", "tasks.schedule", output=str(path), **natural)
    Schedule.objects.all().delete()
    Task.objects.all().delete()
    call_command("loaddata", str(path), verbosity=0)
    assert Schedule.objects.get().after_task.task_id == "a"


def test_the_command_line_page_names_every_verb():
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert [verb.name for verb in VERBS if f"`{verb.name}" not in text] == []
    shapes = text.partition("## `--json`")[2].replace("`add-…`", " ".join(ADDING))
    assert [verb.name for verb in VERBS if f"{verb.name}`" not in shapes] == []


def named(start: str) -> list[str]:
    """The names that the page gives after `start`, up to the end of that piece of code."""
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    code = text.partition(start)[2].partition("`")[0]
    return re.findall(r"[a-z_]+(?=[\",\n]|$)", re.sub(r"\{STATUS: n\}", "", code))


@pytest.mark.django_db
def test_the_json_of_the_command_line_has_the_names_that_its_page_lists():
    task = create_task(task_id="a", kind="cleanup")
    assert named("**Task info:** `") == list(get_task_info(task_id=task.task_id))
    assert named("**Run:** `") == list(run_shape(Run(task_key="a")))
    assert named("| `status` | `{") == list(get_scheduler_status())
    assert named("| `spiders` | an array of `{") == list(spider_shape(SpiderInfo()))
    assert named("| `health` | `{") == [*get_health(), "ok"]


@pytest.mark.parametrize(
    "name",
    [
        "task-files.md", "command-line.md", "python.md", "migrating.md", "api.md", "operations.md",
    ],
)  # fmt: skip
def test_links_lead_somewhere(name):
    for target, anchor in LINK.findall((DOCS / name).read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        path = DOCS / target
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), f"{target}#{anchor}"


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
