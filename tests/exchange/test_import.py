from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.models import AuditEntry, Schedule, Task
from tasks.secrets import MASK, unseal
from tasks.services import create_task, disable_task, export_tasks, import_tasks
from tasks.services.actors import Actor, person
from tasks.services.errors import Forbidden, InvalidInput
from tasks.services.exchange import ImportRefused

pytestmark = pytest.mark.django_db

FORMATS = pytest.mark.parametrize("file_format", ["json", "yaml"])


def full(*tasks: dict) -> str:
    return json.dumps({"tasks": [{"spider": "shop", "schedules": [], **task} for task in tasks]})


def jobs(*found: dict) -> str:
    return json.dumps({"jobs": [{"spider": "shop", **job} for job in found]})


def many_tasks(anna) -> None:
    create_task(
        task_id="shop-10", name="Täst: “10” #1", spider="shop", tags=["b", "a"], owner=anna,
        description="one\ntwo\n\nthree ", arguments={"start_urls": ["https://shop.example/a"]},
        settings={"DOWNLOAD_DELAY": 0.5, "CONCURRENT_REQUESTS": 2}, timeout=60, max_retries=2,
        overlap_policy="allow", max_instances=2, catch_up="none", catch_up_window=0,
        schedules=[
            {"kind": "interval", "hours": 1, "minutes": 30, "key": "often"},
            {"kind": "cron", "cron": "*/15 9-17 * * 1-5", "timezone": "Asia/Tokyo", "jitter": 5},
            {"kind": "once", "run_at": "2099-01-01 10:00", "enabled": False},
        ],
    )  # fmt: skip
    create_task(task_id="shop-2", name="no", spider="shop", schedules=[{"kind": "startup"}])
    create_task(
        task_id="after", name="12:30", spider="shop",
        schedules=[{"kind": "after", "after_task": "shop-2", "after_on": "either", "delay": 60}],
    )  # fmt: skip
    disable_task(task_id="shop-2", note="Broken since Monday")
    create_task(
        task_id="chain", name="Chain", kind="pipeline",
        arguments={"chain": [{"class": "shop.steps.Load", "kwargs": {"pages": 3, "all": True}}]},
    )  # fmt: skip


@FORMATS
def test_export_import_export_gives_the_same_bytes(shop, anna, file_format):
    many_tasks(anna)
    text = export_tasks(file_format=file_format)
    before = AuditEntry.objects.count()
    plan = import_tasks(text=text)
    assert {change.action for change in plan.changes} == {"unchanged"}
    assert AuditEntry.objects.count() == before
    assert export_tasks(file_format=file_format) == text


@FORMATS
def test_an_empty_house_becomes_what_the_file_says(shop, anna, file_format):
    many_tasks(anna)
    text = export_tasks(file_format=file_format)
    Schedule.objects.all().delete()
    Task.objects.exclude(task_id="shop").delete()
    plan = import_tasks(text=text)
    assert sorted(each.task_id for each in plan.created) == ["after", "chain", "shop-10", "shop-2"]
    assert export_tasks(file_format=file_format) == text


def test_tasks_and_keys_stand_in_their_natural_order(shop, anna):
    many_tasks(anna)
    found = json.loads(export_tasks())["tasks"]
    assert [task["task_id"] for task in found] == ["after", "chain", "shop", "shop-2", "shop-10"]
    assert [each["key"] for each in found[-1]["schedules"]] == ["cron", "often", "once"]
    assert list(found[-1])[:4] == ["task_id", "name", "description", "kind"]


def test_some_tasks_can_be_exported_alone(shop, anna):
    many_tasks(anna)
    found = json.loads(export_tasks(task_ids=["shop-2"]))["tasks"]
    assert [task["task_id"] for task in found] == ["shop-2"]
    with pytest.raises(InvalidInput):
        export_tasks(task_ids=["nosuch"])


def test_secrets_leave_as_a_reference_and_stay_when_it_comes_back(shop):
    text = export_tasks()
    assert "swordfish" not in text
    assert json.loads(text)["tasks"][0]["arguments"]["password"] == {"$secret": "stored"}
    plan = import_tasks(text=text.replace('"max_pages": 3', '"max_pages": 4'))
    assert plan.changed[0].kept_secrets == ["password"]
    shop.refresh_from_db()
    assert (shop.arguments, unseal(shop.secrets["password"])) == ({"max_pages": 4}, "swordfish")


def test_a_new_secret_is_a_change_without_its_value(shop):
    text = export_tasks().replace('{\n          "$secret": "stored"\n        }', '"herring"')
    plan = import_tasks(text=text)
    assert plan.changed[0].fields == {"arguments.password": ["••••••", "••••••"]}
    assert AuditEntry.objects.first().changes == {"secrets": [[], ["password"]]}
    shop.refresh_from_db()
    assert unseal(shop.secrets["password"]) == "herring"
    assert import_tasks(text=text).unchanged


@pytest.mark.parametrize("arguments", [{"max_pages": 5}, {"max_pages": 5, "password": MASK}])
def test_a_secret_that_a_file_masks_or_leaves_out_stays_and_the_plan_says_so(shop, arguments):
    text = full({"task_id": "shop", "name": "Shop prices", "arguments": arguments})
    plan = import_tasks(text=text)
    assert plan.as_dict()["changes"][0]["kept_secrets"] == ["password"]
    shop.refresh_from_db()
    assert (shop.arguments, unseal(shop.secrets["password"])) == ({"max_pages": 5}, "swordfish")


def test_a_mask_is_no_secret_for_a_task_that_has_none(shop_spider):
    text = full({"task_id": "new", "name": "New", "arguments": {"password": MASK}})
    with pytest.raises(ImportRefused, match="only the mask") as caught:
        import_tasks(text=text)
    assert caught.value.problems[0].field == "tasks.0.arguments.password"


def test_a_reference_without_a_stored_secret_is_warned_of(shop):
    text = export_tasks()
    shop.delete()
    plan = import_tasks(text=text)
    assert plan.created
    assert plan.warnings == [
        "“shop”: type the secret “password” again; a file never has its value."
    ]


def test_an_owner_who_is_not_here_is_warned_of(shop_spider):
    plan = import_tasks(text=full({"task_id": "x", "name": "X", "owner": "nobody"}))
    assert "no user “nobody”" in plan.warnings[0]


def test_the_plan_names_what_is_created_changed_and_left(shop):
    create_task(task_id="left", name="Left", spider="shop")
    text = full(
        {"task_id": "new", "name": "New"},
        {"task_id": "shop", "name": "Prices", "arguments": {"max_pages": 3}, "schedules": [
            {"kind": "cron", "cron": "0 7 * * *", "timezone": "Europe/Stockholm"}]},
        {"task_id": "left", "name": "Left"},
    )  # fmt: skip
    plan = import_tasks(text=text, dry_run=True)
    assert [(each.task_id, each.action) for each in plan.changes] == [
        ("new", "created"), ("shop", "changed"), ("left", "unchanged"),
    ]  # fmt: skip
    assert plan.changed[0].fields == {
        "name": ["Shop prices", "Prices"],
        "schedules.cron.cron": ["0 6 * * *", "0 7 * * *"],
    }
    assert plan.as_dict()["dry_run"] is True
    assert not Task.objects.filter(task_id="new").exists()
    assert Schedule.objects.get(task=shop).cron == "0 6 * * *"


def test_replace_removes_what_the_file_does_not_name(shop, anna):
    many_tasks(anna)
    assert import_tasks(text=full({"task_id": "shop", "name": "S"}), dry_run=True).removed == []
    plan = import_tasks(text=full({"task_id": "shop", "name": "S"}), replace=True)
    assert [each.task_id for each in plan.removed] == ["after", "chain", "shop-2", "shop-10"]
    assert [task.task_id for task in Task.objects.all()] == ["shop"]


def test_one_mistake_and_nothing_is_imported(shop):
    text = jobs(
        {"job_id": "good", "type": "cron", "hour": 2},
        {"job_id": "bad", "type": "cron", "cron_expression": "0 25 * * *"},
    )
    with pytest.raises(ImportRefused):
        import_tasks(text=text)
    assert Task.objects.count() == 1


def statements_for(count: int) -> int:
    """To give so many tasks another argument, another time and another tag."""
    names = [f"task-{number}" for number in range(count)]
    for hour in (6, 7):
        when = [{"kind": "cron", "cron": f"0 {hour} * * *"}, {"kind": "startup", "key": f"{hour}"}]
        more = {"tags": [f"t{hour}"], "arguments": {"max_pages": hour}, "schedules": when}
        with CaptureQueriesContext(connection) as queries:
            plan = import_tasks(text=full(*({"task_id": n, "name": n, **more} for n in names)))
    assert len(plan.changed) == count
    assert set(Task.objects.filter(task_id__in=names).values_list("version", flat=True)) == {2}
    assert AuditEntry.objects.filter(action="change").count() == count
    assert {each.cron for each in Schedule.objects.filter(key="cron")} == {"0 7 * * *"}
    assert Schedule.objects.filter(key="7").count() == count
    AuditEntry.objects.all().delete()
    Task.objects.all().delete()
    return len(queries)


def test_many_changed_tasks_take_no_more_statements_than_few(shop_spider):
    # SQLite cuts a long statement where it has too many values.
    assert statements_for(40) <= statements_for(3) + 2


def test_a_circle_that_several_changes_of_a_file_make_is_refused(shop_spider):
    def after(task_id: str) -> list[dict[str, str]]:
        return [{"kind": "after", "after_task": task_id}]

    for task_id in ("a", "b"):
        create_task(task_id=task_id, name=task_id, spider="shop")
    create_task(task_id="x", name="x", spider="shop", schedules=after("a"))
    create_task(task_id="y", name="y", spider="shop", schedules=after("b"))
    text = full(
        {"task_id": "a", "name": "a", "schedules": after("y")},
        {"task_id": "b", "name": "b", "schedules": after("x")},
    )
    with pytest.raises(ImportRefused, match="start each other for ever"):
        import_tasks(text=text)
    assert Schedule.objects.count() == 2


def test_who_paused_a_task_stays_though_a_file_changes_it(shop):
    disable_task(task_id="shop", note="Closed", actor=Actor(name="olof", via="admin"))
    import_tasks(text=export_tasks().replace("Shop prices", "Prices"))
    shop.refresh_from_db()
    assert (shop.name, shop.disabled_by, shop.disabled_note) == ("Prices", "olof", "Closed")
    plan = import_tasks(text=export_tasks().replace("Closed", "Moved"))
    assert plan.changed[0].fields == {"disabled_note": ["Closed", "Moved"]}
    shop.refresh_from_db()
    assert (shop.disabled_by, shop.disabled_note) == ("python", "Moved")
    assert AuditEntry.objects.first().changes == {"note": ["Closed", "Moved"]}


def test_followers_may_stand_before_what_they_follow(shop_spider):
    import_tasks(
        text=full(
            {"task_id": "b", "name": "B", "schedules": [{"kind": "after", "after_task": "a"}]},
            {"task_id": "a", "name": "A"},
        )
    )
    assert Schedule.objects.get().after_task.task_id == "a"


def test_the_short_form_says_only_what_it_says(shop):
    text = jobs({"job_id": "shop", "type": "interval", "hours": 2, "minutes": 30})
    plan = import_tasks(text=text)
    shop.refresh_from_db()
    assert (shop.name, shop.arguments) == ("Shop prices", {"max_pages": 3})
    assert shop.schedules.get().hours == 2
    assert plan.changed
    assert import_tasks(text=text).unchanged


@pytest.mark.parametrize(
    ("job", "kind", "value"),
    [
        ({"type": "cron", "hour": 2, "minute": 30, "day_of_week": "mon,wed,fri"}, "cron",
         "30 2 * * mon,wed,fri"),
        ({"type": "cron", "hour": "9-17"}, "cron", "0 9-17 * * *"),
        ({"type": "cron", "hour": 9, "day_of_week": 0}, "cron", "0 9 * * mon"),
        ({"type": "cron", "cron_expression": "5 4 * * 0"}, "cron", "5 4 * * 0"),
        ({"type": "interval", "days": 1, "hours": 2}, "interval", 26),
        ({"type": "date", "run_date": "2099-04-02 09:30:00", "timezone": "Europe/Stockholm"},
         "once", "2099-04-02T07:30:00+00:00"),
    ],
)  # fmt: skip
def test_each_type_of_job_becomes_a_schedule(shop_spider, job, kind, value):
    import_tasks(text=jobs({"job_id": "x", **job}))
    schedule = Schedule.objects.get()
    found = {
        "cron": schedule.cron,
        "interval": schedule.days * 24 + schedule.hours,
        "once": schedule.run_at and schedule.run_at.isoformat(),
    }
    assert (schedule.kind, found[kind]) == (kind, value)


def test_config_holds_the_spider_its_arguments_and_settings(shop_spider):
    text = """
jobs:
  - job_id: x
    type: cron
    hour: 2
    coalesce: false
    max_instances: 2
    misfire_grace_time: 60
    config:
      spider: shop
      max_pages: 5
      settings: {DOWNLOAD_DELAY: 1}
      arguments:
        start_urls: [https://shop.example/a]
"""
    import_tasks(text=text)
    task = Task.objects.get()
    assert (task.spider, task.settings) == ("shop", {"DOWNLOAD_DELAY": 1.0})
    assert task.arguments == {"max_pages": 5, "start_urls": ["https://shop.example/a"]}
    assert (task.catch_up, task.catch_up_window, task.overlap_policy) == ("all", 60, "allow")


PIPELINES = """
pipelines:
  nightly prices:
    schedule:
      cron: "0 2 * * *"
    chain:
      - class: shop.steps.Fetch
        kwargs: {pages: 3}
      - class: shop.steps.Save
  often:
    schedule:
      interval: {minutes: 5, hours: 1}
    chain: [{class: shop.steps.Fetch}]
  once:
    chain: [{class: shop.steps.Fetch}]
"""


def test_pipelines_become_tasks(db):
    import_tasks(text=PIPELINES)
    found = {task.task_id: task for task in Task.objects.all()}
    assert found["nightly-prices"].kind == "pipeline"
    assert found["nightly-prices"].arguments == {
        "chain": [
            {"class": "shop.steps.Fetch", "kwargs": {"pages": 3}},
            {"class": "shop.steps.Save", "kwargs": {}},
        ]
    }
    assert {task_id: task.schedules.get().kind for task_id, task in found.items()} == {
        "nightly-prices": "cron", "often": "interval", "once": "startup",
    }  # fmt: skip
    assert import_tasks(text=PIPELINES).unchanged
    assert len(import_tasks(text=PIPELINES, dry_run=True).unchanged) == 3


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("jobs: 5\n", 1, "jobs", "a list"),
        ("job: []\n", 1, "", "exactly one"),
        ("[]\n", 1, "", "must begin with"),
        ("jobs: []\ntasks: []\n", 1, "", "exactly one"),
        ("jobs:\n- job_id: x\n", 2, "jobs.0", "“type” is missing"),
        ("jobs:\n- {job_id: x, type: cron, hour: 2}\n", 2, "jobs.0.spider", "spider is missing"),
        ("jobs:\n- job_id: x\n  type: daily\n  spider: shop\n", 3, "jobs.0.type", "cron, interval"),
        ("jobs:\n- job_id: x\n  type: cron\n  spider: shop\n", 2, "jobs.0.cron_expression",
         "either cron_expression or its fields"),
        ("jobs:\n- job_id: x\n  type: cron\n  spider: shop\n  hour: 25\n", 5, "jobs.0.hour",
         "Hour must be 0 to 23"),
        ("jobs:\n- job_id: x\n  type: cron\n  spider: shop\n  hour: [2]\n", 5, "jobs.0.hour",
         "must be text"),
        ("jobs:\n- job_id: x\n  type: cron\n  spider: shop\n  cron_expression: 61 * * * *\n", 5,
         "jobs.0.cron_expression", "Minute must be 0 to 59"),
        ("jobs:\n- job_id: x\n  type: interval\n  spider: shop\n", 2, "jobs.0.hours", "how often"),
        ("jobs:\n- job_id: x\n  type: interval\n  spider: shop\n  seconds: 1\n", 5,
         "jobs.0.seconds", "more often"),
        ("jobs:\n- job_id: x\n  type: interval\n  spider: shop\n  hour: 1\n", 5, "jobs.0.hour",
         "does not belong"),
        ("jobs:\n- job_id: x\n  type: date\n  spider: shop\n", 2, "jobs.0.run_date", "missing"),
        ("jobs:\n- job_id: x\n  type: date\n  spider: shop\n  run_date: 2001-01-01\n", 5,
         "jobs.0.run_date", "passed"),
        ("jobs:\n- job_id: x\n  type: date\n  spider: shop\n  run_date: soon\n", 5,
         "jobs.0.run_date", "date and time"),
        ("jobs:\n- job_id: a b\n  type: cron\n  hour: 2\n  spider: shop\n", 2, "jobs.0.job_id",
         "letters, digits"),
        ("jobs:\n- job_id: x\n  type: cron\n  hour: 2\n  spider: shop\n  colour: red\n", 6,
         "jobs.0.colour", "no field of this name"),
        ("jobs:\n- job_id: x\n  type: cron\n  hour: 2\n  spider: nosuch\n", 5, "jobs.0.spider",
         "no spider named"),
        ("jobs:\n- job_id: x\n  type: cron\n  hour: 2\n  spider: shop\n  config: {max_pages: no}\n",
         6, "jobs.0.config.max_pages", "kind that is expected"),
        ("jobs:\n- job_id: x\n  type: cron\n  hour: 2\n  spider: shop\n  settings:\n    FEEDS: 1\n",
         7, "jobs.0.settings.FEEDS", "cannot be set"),
        ("jobs:\n- &a {job_id: x, type: cron, hour: 2, spider: shop}\n", 2, "", "aliases"),
        (("jobs:\n- {job_id: x, type: cron, hour: 2, spider: shop}\n"
         "- {job_id: x, type: cron, hour: 3, spider: shop}\n"), 3, "jobs.1.job_id", "twice"),
        ("version: 2\ntasks: []\n", 1, "version", "Only 1"),
        ("tasks:\n- task_id: x\n  name: X\n  schedules: []\n  spider: shop\n  timeout: -1\n", 6,
         "tasks.0.timeout", "0 or more"),
        (("tasks:\n- task_id: x\n  name: X\n  spider: shop\n  schedules:\n  - kind: cron\n"
         "    cron: 0 25 * * *\n"), 7, "tasks.0.schedules.0.cron", "Hour must be"),
        ("tasks:\n- task_id: x\n  name: X\n  spider: shop\n  enabled: yes\n  schedules: []\n", 5,
         "tasks.0.enabled", "true or false"),
        (("tasks:\n- task_id: x\n  name: X\n  spider: shop\n  schedules:\n  - kind: after\n"
         "    after_task: nosuch\n"), 7, "tasks.0.schedules.0.after_task", "no task"),
        ("pipelines:\n  x:\n    chain: []\n", 3, "pipelines.x.chain", "needed"),
        ("pipelines:\n  x:\n    chain:\n    - class: 'rm -rf /'\n", 4, "pipelines.x.chain.0.class",
         "dotted path"),
        ("pipelines:\n  x:\n    schedule: {cron: 0 25 * * *}\n    chain: [{class: a.B}]\n", 3,
         "pipelines.x.schedule.cron", "Hour must be"),
        (("pipelines:\n  x:\n    schedule:\n      cron: 0 2 * * *\n      interval: {hours: 1}\n"
         "    chain: [{class: a.B}]\n"), 3, "pipelines.x.schedule", "either"),
        ("pipelines:\n  x:\n    chain: [{class: a.B}]\n    schedule: {interval: {seconds: 1}}\n",
         4, "pipelines.x.schedule.interval.seconds", "more often"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_line_and_field(shop_spider, text, line, field, words):
    with pytest.raises(ImportRefused, match=words) as caught:
        import_tasks(text=text)
    problem = caught.value.problems[0]
    assert (problem.line, problem.field) == (line, field)
    assert not Task.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_file_is_read_from_a_path(shop, tmp_path):
    path = tmp_path / "tasks.yml"
    export_tasks(path=path)
    assert path.read_text().startswith("version: 1\ntasks:\n  - task_id: shop\n")
    assert import_tasks(path=path).unchanged
    with pytest.raises(InvalidInput, match=r"nosuch\.yml can't be read"):
        import_tasks(path=tmp_path / "nosuch.yml")
    with pytest.raises(InvalidInput, match="can't be written"):
        export_tasks(path=tmp_path)


def test_an_import_needs_the_rights_of_what_it_does(shop, viktor, olof, maja):
    text = full({"task_id": "new", "name": "New"})
    for user in (viktor, olof):
        with pytest.raises(Forbidden):
            import_tasks(text=text, actor=person(user, "admin"))
    assert import_tasks(text=text, actor=person(maja, "admin")).created
    assert AuditEntry.objects.first().actor == maja


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n"), min_size=1, max_size=30
)


NAMES = st.text("abcxyz_", min_size=1, max_size=8)
VALUES = TEXT | st.booleans() | st.none() | st.integers(-(10**15), 10**15) | st.floats(-1e9, 1e9)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    name=TEXT.filter(str.strip),
    kwargs=st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2), max_size=3),
    file_format=st.sampled_from(["json", "yaml"]),
)
def test_any_task_round_trips(db, name, kwargs, file_format):
    Task.objects.all().delete()
    chain = [{"class": "shop.steps.Load", "kwargs": kwargs}]
    create_task(task_id="x", name=name, kind="pipeline", arguments={"chain": chain})
    text = export_tasks(file_format=file_format)
    Task.objects.all().delete()
    import_tasks(text=text)
    assert export_tasks(file_format=file_format) == text
