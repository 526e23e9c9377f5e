from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.models import AuditEntry, Run, Schedule, Tag, Task
from tasks.services import (
    create_task,
    create_tasks,
    import_tasks,
    run_task_now,
    undo,
    update_task,
)
from tasks.services.actors import person
from tasks.services.creating import NewTask, SomeRefused
from tasks.services.errors import Conflict, Forbidden, InvalidInput

from .conftest import ARGUMENTS

pytestmark = pytest.mark.django_db
CHAIN = {"chain": [{"class": "shop.steps.Load"}]}


def new(number, **fields):
    return NewTask(
        task_id=f"shop-{number}",
        fields={
            "name": f"Shop {number}", "spider": "shop", "arguments": ARGUMENTS,
            "tags": ["prices", f"group {number % 3}"], **fields,
        },
        schedules=[{"kind": "cron", "cron": f"{number % 60} 6 * * *"}],
    )  # fmt: skip


def statements(work):
    with CaptureQueriesContext(connection) as caught:
        work()
    return len(caught)


def test_a_hundred_tasks_take_hardly_more_statements_than_one(shop_spider):
    one = statements(lambda: create_tasks(new=[new(0)]))
    # SQLite takes some twenty of our rows in one statement.
    assert statements(lambda: create_tasks(new=[new(n) for n in range(1, 101)])) <= one + 20
    assert Task.objects.count() == Schedule.objects.count() == AuditEntry.objects.count() == 101
    assert Tag.objects.count() == 4


def test_many_are_made_as_each_alone_would_be(shop_spider, maja):
    (many,) = create_tasks(new=[new(1)], actor=person(maja, "api"))
    each = new(2)
    alone = create_task(
        task_id="shop-2", actor=person(maja, "api"), schedules=each.schedules, **each.fields
    )
    first, second = AuditEntry.objects.order_by("pk")
    assert {name for name in first.changes if first.changes[name] != second.changes[name]} == {
        "name", "tags", "schedules",
    }  # fmt: skip
    assert (first.actor, first.via, first.action, first.task) == (maja, "api", "create", many)
    assert alone.schedules.get().timing_hash
    assert many.schedules.get().timing_hash


def test_one_that_is_wrong_keeps_all_from_being_made_and_is_named_by_its_place(shop_spider):
    wrong = [new(0), new(1, spider="nosuch"), new(2, priority=1000), new(0)]
    with pytest.raises(SomeRefused) as refusal:
        create_tasks(new=wrong)
    assert set(refusal.value.refusals) == {0, 1, 3}
    assert "spider" in refusal.value.refusals[1].errors
    taken = f"There is already a task “{wrong[0].task_id}”."
    assert refusal.value.refusals[3].errors == {"task_id": [taken]}
    with pytest.raises(SomeRefused) as refusal:
        create_tasks(new=[new(0), new(2, priority=1000)])
    assert {place: set(each.errors) for place, each in refusal.value.refusals.items()} == {
        1: {"__all__"}
    }
    assert not Task.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_id_that_somebody_else_takes_meanwhile_is_a_conflict(shop_spider, monkeypatch):
    from tasks.services import creating

    create_tasks(new=[new(0)])
    looks = iter([set()])
    monkeypatch.setattr(creating, "_taken", lambda ids: next(looks, set(ids)))
    with pytest.raises(Conflict, match="already a task"):
        create_task(task_id="shop-0", **new(0).fields)
    assert Task.objects.count() == 1


def test_names_alone_give_ids_that_are_free(shop_spider):
    fields = {"spider": "shop", "arguments": ARGUMENTS}
    named = [NewTask(fields={"name": name, **fields}) for name in ("Shoes", "Shoes", "Hats")]
    assert [task.task_id for task in create_tasks(new=named)] == ["shoes", "shoes-2", "hats"]
    assert create_task(name="Shoes", **fields).task_id == "shoes-3"


def test_a_task_that_follows_itself_is_refused(shop_spider):
    when = [{"kind": "after", "after_task": "shop-1"}]
    with pytest.raises(InvalidInput, match="start each other for ever"):
        create_task(task_id="shop-1", schedules=when, **new(1).fields)


# --- what a pipeline runs is an administrator's to say ------------------------------------------


@pytest.fixture
def pipeline(db):
    return create_task(task_id="load", name="Load", kind="pipeline", arguments=CHAIN)


OTHER = {"chain": [{"class": "shop.steps.Wipe"}]}


@pytest.mark.parametrize(
    "door",
    [
        lambda actor: create_task(name="New", kind="pipeline", arguments=CHAIN, actor=actor),
        lambda actor: update_task(task_id="load", arguments=OTHER, actor=actor),
        lambda actor: update_task(
            task_id="crawl", kind="pipeline", spider="", arguments=CHAIN, actor=actor
        ),
        lambda actor: run_task_now(task_id="load", arguments=OTHER, actor=actor),
    ],
)
def test_an_editor_names_no_code(people, pipeline, shop_spider, door):
    create_task(task_id="crawl", name="Crawl", spider="shop", arguments=ARGUMENTS)
    before = AuditEntry.objects.count()
    with pytest.raises(Forbidden, match="Only an administrator"):
        door(person(people.maja, "api"))
    assert AuditEntry.objects.count() == before
    assert Task.objects.get(task_id="load").arguments == CHAIN
    door(person(people.anna, "api"))


def test_the_group_of_administrators_may(people, pipeline):
    people.anna.is_superuser = False
    people.anna.save()
    update_task(task_id="load", arguments=OTHER, actor=person(people.anna, "admin"))


def test_an_editor_may_rename_and_run_a_pipeline(people, pipeline):
    editor = person(people.maja, "api")
    update_task(task_id="load", name="Loads", arguments=CHAIN, actor=editor)
    run_task_now(task_id="load", arguments=CHAIN, actor=editor)
    assert Run.objects.get().task_name == "Loads"


def test_undoing_a_change_is_no_way_around(people, pipeline):
    update_task(task_id="load", arguments=OTHER)
    with pytest.raises(Forbidden):
        undo.undo_last_change(task_id="load", actor=person(people.maja, "admin"))


def test_a_file_is_no_way_around_and_its_line_is_named(people):
    text = "pipelines:\n  x:\n    chain: [{class: shop.steps.Load}]\n"
    with pytest.raises(InvalidInput) as refusal:
        import_tasks(text=text, actor=person(people.maja, "file"))
    (problem,) = refusal.value.problems
    assert (problem.line, "Only an administrator" in problem.message) == (2, True)
    assert import_tasks(text=text, actor=person(people.anna, "file")).created
