from __future__ import annotations

from pathlib import Path

import pytest
from django.utils.timezone import now

from tasks.checks import kinds_can_run
from tasks.handlers import HANDLERS, choices, handler_of
from tasks.handlers.base import Job, JobFailed
from tasks.handlers.comparison import compare, digest
from tasks.handlers.steps import problem_of_step
from tasks.models import SpiderInfo, Task
from tasks.services.errors import InvalidInput
from tasks.services.tasks import create_task

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db


def errors_of(**fields):
    with pytest.raises(InvalidInput) as caught:
        create_task(task_id="job", **fields)
    assert not Task.objects.exclude(task_id="shop").exists()
    return caught.value.errors


@pytest.fixture
def shop():
    return Task.objects.create(task_id="shop", name="Shop", spider="vivbliss")


def test_every_kind_of_task_has_a_handler_and_a_choice_in_forms():
    assert set(HANDLERS) == set(Task.Kind.values)
    assert all(handler_of(kind).kind == kind for kind in HANDLERS)
    assert ("export", "Export") in choices()


def test_a_chain_needs_paths_of_classes_and_names_of_arguments():
    chain = [{"class": "shop.steps.Load"}, {"class": "../etc", "kwargs": {"a b": 1}}]
    [first, second] = errors_of(kind="pipeline", arguments={"chain": chain})["arguments.chain"]
    assert first.startswith("Step 2: “../etc” is not the path of a class")
    assert "“a b” can't be the name of an argument" in second
    task = create_task(task_id="fine", kind="pipeline", arguments={"chain": chain[:1]})
    assert task.arguments == {"chain": chain[:1]}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("os.path.join", "not a class of this project"),
        ("subprocess.Popen", "not a class of this project"),
        ("django.core.mail.EmailMessage", "not a class of this project"),
        ("tasks.models.Task", "not a class of this project"),
        ("spiders.no_module.Load", ""),
        ("spiders.seo.NoSuchClass", "there is no spiders.seo.NoSuchClass in this project"),
        ("spiders.items.Product", ""),
        ("calender.steps.Load", ""),
    ],
)
def test_a_step_that_can_be_no_class_of_the_project_is_refused_when_it_is_saved(path, said):
    assert said in problem_of_step(path, ROOT) % {"number": 1, "name": path}


def test_another_project_may_call_its_packages_as_it_likes(tmp_path):
    for name in ("tasks", "calendar"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "steps.py").write_text("class Load: ...\n")
        assert problem_of_step(f"{name}.steps.Load", tmp_path) == ""
        assert problem_of_step(f"{name}.steps.Lod", tmp_path) != ""


@pytest.mark.parametrize(
    ("kind", "arguments", "field"),
    [
        ("pipeline", {}, "chain"),
        ("pipeline", {"chain": []}, "chain"),
        ("pipeline", {"chain": [{"class": "a.B", "extra": 1}]}, "chain"),
        ("pipeline", {"chain": "a.B"}, "chain"),
        ("export", {}, "task"),
        ("export", {"task": "nobody"}, "task"),
        ("export", {"task": "../shop"}, "task"),
        ("export", {"task": "shop", "format": "pickle"}, "format"),
        ("analysis", {"task": "shop", "back": 0}, "back"),
        ("analysis", {"task": "nobody"}, "task"),
        ("cleanup", {"days": 0}, "days"),
        ("cleanup", {"folder": "/"}, "folder"),
    ],
)
def test_wrong_arguments_of_a_job_are_refused_by_name(shop, kind, arguments, field):
    assert f"arguments.{field}" in errors_of(kind=kind, arguments=arguments)


def test_text_from_a_form_becomes_what_the_job_declares(shop):
    task = create_task(
        task_id="compare",
        kind="analysis",
        arguments={"task": "shop", "back": "3", "watch": "price\nname"},
    )
    assert task.arguments == {"task": "shop", "back": 3, "watch": ["price", "name"]}


def test_a_search_runs_the_spider_of_that_name_by_its_declared_arguments():
    schema = {"properties": {"query": {"type": "string"}}, "required": ["query"]}
    SpiderInfo.objects.create(name="search", schema=schema, seen_at=now())
    assert "arguments.query" in errors_of(kind="search", arguments={})
    assert create_task(task_id="oak", kind="search", arguments={"query": "oak"}).spider == "search"


def test_jobs_without_a_spider_keep_none(shop):
    task = create_task(task_id="out", kind="export", spider="vivbliss", arguments={"task": "shop"})
    assert task.spider == ""


def test_a_folder_that_is_not_there_stops_the_start(settings):
    assert kinds_can_run() == []
    settings.SCRAPY_PROJECT_PATH = "/nowhere/at/all"
    settings.SEARCH_SOURCES_DIR = "/nowhere/either"
    assert {message.id for message in kinds_can_run()} == {"tasks.E101", "tasks.E102"}


def test_a_crawl_is_never_performed_as_a_job(tmp_path):
    job = Job(arguments={}, folder=tmp_path, emit=print, services=None)
    with pytest.raises(JobFailed):
        handler_of("spider").perform(job)


def test_a_comparison_of_nothing_with_nothing_finds_two_empty_runs():
    nothing = digest([], key="url", watch=[])
    assert list(compare(nothing, nothing, watch=[])) == [
        {"finding": "count", "before": 0, "now": 0}
    ]


def test_values_that_are_no_numbers_change_without_percent():
    before = digest([{"url": "a", "stock": "in"}, {"name": "no key"}], key="url", watch=["stock"])
    after = digest([{"url": "a", "stock": None}], key="url", watch=["stock"])
    changed = [each for each in compare(before, after, watch=["stock"]) if "key" in each]
    assert [(each["before"], each["now"]) for each in changed] == [("in", None)]
    assert "percent" not in changed[0]
