from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from tasks.models import Hold, Run, SchedulerProcess, SpiderInfo, Task
from tasks.services.tasks import create_task
from tasks.web import history
from tests.small_disk import small_disk

PAGES = ["admin:index", "admin:tasks_task_changelist", "admin:tasks_run_changelist",
         "admin:tasks_task_add", "admin:spiders", "admin:spider_help"]  # fmt: skip


@pytest.fixture
def spider(db):
    return SpiderInfo.objects.create(name="shop", title="Shop", schema={}, seen_at=timezone.now())


@pytest.fixture
def task(spider):
    return create_task(
        task_id="shoes", name="Shoes", spider="shop",
        schedules=[{"kind": "cron", "cron": "0 * * * *", "timezone": "UTC"}],
    )  # fmt: skip


def make_run(task, status="succeeded", minutes=0, **fields):
    at = timezone.now() - timedelta(minutes=minutes)
    ran = status not in {"missed", "skipped", "queued"}
    values = {
        "at": at,
        "started_at": at if ran else None,
        "finished_at": at + timedelta(seconds=20) if ran and status != "running" else None,
        "trigger": "schedule",
        **fields,
    }
    return Run.objects.create(
        task=task,
        task_key=task.task_id,
        task_name=task.name,
        status=status,
        spider="shop",
        **values,
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_for_an_editor_and_sends_strangers_to_the_login(client, maja, task, name):
    address = reverse(name)
    assert "/login/" in client.get(address).url
    client.force_login(maja)
    answer = client.get(address)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "style=" not in page
    assert "<style" not in page
    assert "onclick" not in page
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_jobs_of_the_scheduler_library_have_no_pages(client, anna):
    client.force_login(anna)
    assert client.get("/admin/django_apscheduler/djangojob/").status_code == 404
    assert client.get("/admin/axes/accessattempt/").status_code == 404


def test_a_viewer_sees_everything_and_changes_nothing(client, viktor, task):
    run = make_run(task)
    client.force_login(viktor)
    page = client.get(reverse("admin:tasks_task_changelist")).content.decode()
    assert "sp-switch" not in page
    assert "New task" not in page
    form = client.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()
    assert "but not change it" in form
    assert 'name="_save">' not in form
    assert client.get(reverse("admin:tasks_task_add")).status_code == 403
    for name, args in [
        ("admin:tasks_task_run", [task.pk]),
        ("admin:tasks_task_switch", [task.pk]),
        ("admin:tasks_task_copy", [task.pk]),
        ("admin:tasks_run_again", [run.pk]),
        ("admin:tasks_task_change", [task.pk]),
        ("admin:tasks_task_delete", [task.pk]),
    ]:
        assert client.post(reverse(name, args=args)).status_code == 403, name
    task.refresh_from_db()
    assert (task.enabled, Run.objects.count()) == (True, 1)


def test_an_operator_runs_and_switches_but_does_not_edit(client, olof, task):
    client.force_login(olof)
    client.post(reverse("admin:tasks_task_switch", args=[task.pk]), {"on": "0"})
    task.refresh_from_db()
    assert not task.enabled
    assert client.post(reverse("admin:tasks_task_run", args=[task.pk])).status_code == 302
    assert Run.objects.get().requested_by == "olof"
    assert client.post(reverse("admin:tasks_task_change", args=[task.pk])).status_code == 403


@pytest.mark.parametrize("name", ["run", "test", "switch", "copy", "undo"])
def test_no_address_of_a_task_acts_on_get(client, anna, task, name):
    client.force_login(anna)
    assert client.get(reverse(f"admin:tasks_task_{name}", args=[task.pk])).status_code == 405
    assert not Run.objects.exists()


def test_running_a_task_that_already_runs_names_the_run_in_the_way(client, olof, task):
    busy = make_run(task, "running")
    client.force_login(olof)
    answer = client.post(reverse("admin:tasks_task_run", args=[task.pk]), follow=True)
    page = answer.content.decode()
    assert "already running" in page
    assert reverse("admin:tasks_run_page", args=[busy.pk]) in page


def test_a_waiting_run_is_stopped_at_once(client, olof, task):
    run = make_run(task, "queued")
    client.force_login(olof)
    page = client.post(reverse("admin:tasks_run_stop", args=[run.pk]), follow=True).content.decode()
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert "taken out of the queue" in page


def test_a_running_run_says_stopping_until_it_is_true(client, olof, task):
    run = make_run(task, "running", items=3)
    client.force_login(olof)
    page = client.post(reverse("admin:tasks_run_stop", args=[run.pk]), follow=True).content.decode()
    assert "Stopping: 3 items so far" in page
    run.refresh_from_db()
    assert run.status == "running"


def test_the_home_page_lists_what_needs_somebody_with_one_button(client, olof, task):
    make_run(task, minutes=60)
    failed = make_run(task, "failed", minutes=1, reason="blocked", detail={"code": 403})
    client.force_login(olof)
    page = client.get(reverse("admin:index")).content.decode()
    assert "The website refused the spider (answer 403)." in page
    assert reverse("admin:tasks_run_again", args=[failed.pk]) in page


def test_a_newer_good_run_settles_the_attention(client, olof, task):
    make_run(task, "failed", minutes=60, reason="blocked")
    make_run(task, minutes=1)
    client.force_login(olof)
    assert "Nothing needs you." in client.get(reverse("admin:index")).content.decode()


def test_the_home_page_says_when_the_scheduler_is_gone(client, olof, task):
    client.force_login(olof)
    page = client.get(reverse("admin:index")).content.decode()
    assert "The scheduler has stopped." in page
    now = timezone.now()
    SchedulerProcess.objects.create(name="a", host="a", pid=1, started_at=now, seen_at=now)
    page = client.get(reverse("admin:index")).content.decode()
    assert "The scheduler has stopped." not in page
    assert "Scheduler running" in page


def test_the_home_page_says_when_the_disk_is_too_full_to_start_anything(client, viktor, task):
    client.force_login(viktor)
    now = timezone.now()
    row = SchedulerProcess.objects.create(
        name="box", host="box", pid=1, started_at=now, seen_at=now, disk_free=300 * 1024**2
    )
    assert "Nothing is started" not in client.get(reverse("admin:index")).content.decode()
    SchedulerProcess.objects.filter(pk=row.pk).update(disk_free=7 * 1024**2)
    assert "Nothing is started: only 7 MB" in client.get(reverse("admin:index")).content.decode()


def test_a_waiting_run_says_what_it_waits_for(client, viktor, task):
    client.force_login(viktor)
    url = reverse("admin:tasks_run_page", args=[make_run(task, "queued").pk])
    assert "Waiting until the scheduler runs" in client.get(url).content.decode()
    now = timezone.now()
    SchedulerProcess.objects.create(
        name="box", host="box", pid=1, started_at=now, seen_at=now, disk_free=7 * 1024**2
    )
    assert "Waiting for room on the disk" in client.get(url).content.decode()
    SchedulerProcess.objects.update(disk_free=300 * 1024**2)
    assert "Waiting for a free place" in client.get(url).content.decode()
    Run.objects.update(status="starting")
    page = client.get(url).content.decode()
    assert "<span>Starting</span>" in page
    assert "Waiting" not in page


def test_a_full_disk_is_named_where_no_heartbeat_can_be_written(client, viktor, settings, tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("a database that is no file has a disk of its own")
    client.force_login(viktor)
    then = timezone.now() - timedelta(minutes=2)
    SchedulerProcess.objects.create(name="box", host="box", pid=1, started_at=then, seen_at=then)
    with small_disk(tmp_path / "disk", 2) as disk:
        settings.DATA_DIR = disk.folder
        assert "The disk is full" not in client.get(reverse("admin:index")).content.decode()
        disk.fill()
        assert "The disk is full" in client.get(reverse("admin:index")).content.decode()


def test_an_empty_installation_shows_the_first_steps(client, maja):
    client.force_login(maja)
    page = client.get(reverse("admin:index")).content.decode()
    assert "Three steps to the first results" in page
    assert "No tasks yet" in client.get(reverse("admin:tasks_task_changelist")).content.decode()


def test_only_what_goes_by_a_wall_clock_shows_the_time_there(client, viktor, spider):
    times = {
        "By clock": {"kind": "cron", "cron": "0 6 * * *"},
        "By turns": {"kind": "interval", "hours": 2},
    }
    for name, time in times.items():
        create_task(name=name, spider="shop", schedules=[{"timezone": "Asia/Tokyo", **time}])
    client.force_login(viktor)
    page = client.get(reverse("admin:tasks_task_changelist")).content.decode()
    by_clock, by_turns = page.split(">By turns<")
    assert "Tokyo time" in by_clock
    assert "Tokyo time" not in by_turns


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=shoe", True), ("q=hats", False), ("on=0", False), ("spider=shop", True),
     ("outcome=failed", True), ("outcome=ok", False), ("tag=none", False)],
)  # fmt: skip
def test_the_list_of_tasks_is_searched_and_filtered(client, viktor, task, query, found):
    make_run(task, "failed", reason="blocked")
    client.force_login(viktor)
    page = client.get(reverse("admin:tasks_task_changelist") + "?" + query).content.decode()
    assert (">Shoes</a>" in page) == found
    assert ("Nothing matches" in page) != found


@pytest.mark.parametrize(
    ("action", "enabled", "runs"), [("run", True, 1), ("off", False, 0), ("on", True, 0)]
)
def test_several_tasks_are_changed_at_once(client, olof, task, action, enabled, runs):
    client.force_login(olof)
    client.post(reverse("admin:tasks_task_changelist"), {"action": action, "selected": [task.pk]})
    task.refresh_from_db()
    assert (task.enabled, Run.objects.count()) == (enabled, runs)


def test_all_that_a_search_found_are_changed_at_once(client, olof, task):
    Task.objects.bulk_create(
        Task(task_id=f"hat-{n}", name=f"Hat {n}", spider="shop") for n in range(60)
    )
    address = reverse("admin:tasks_task_changelist") + "?q=hat"
    client.force_login(olof)
    assert "All 60 that were found" in client.get(address).content.decode()
    client.post(address, {"action": "off", "across": "1", "selected": [task.pk]})
    assert [task.name for task in Task.objects.filter(enabled=True)] == ["Shoes"]


@pytest.mark.parametrize(
    ("action", "answer"), [("tag", {"tags": "new"}), ("stagger", {"step": "5"}), ("delete", {})]
)
def test_what_is_asked_first_leads_back_to_the_list_as_it_was(client, anna, task, action, answer):
    address = reverse("admin:tasks_task_changelist")
    daily = {"kind": "cron", "cron": "0 9 * * *", "timezone": "UTC"}
    hats = [create_task(name=f"Hat {n}", spider="shop", schedules=[daily]).pk for n in range(2)]
    asked = {"action": action, "selected": hats, "next": f"{address}?q=sho"}
    client.force_login(anna)
    page = client.post(address, asked).content.decode()
    assert f'name="next" value="{address}?q=sho"' in page
    done = client.post(address, {**asked, **answer, "_confirmed": "1"})
    assert done["Location"] == f"{address}?q=sho"
    elsewhere = client.post(address, {**asked, "next": "https://elsewhere.example/"})
    assert "elsewhere" not in elsewhere.content.decode()


def test_many_refusals_are_a_few_lines(client, olof, spider):
    for n in range(8):
        make_run(create_task(name=f"Hat {n}", spider="shop"), "running")
    client.force_login(olof)
    picked = {"action": "run", "selected": list(Task.objects.values_list("pk", flat=True))}
    page = client.post(reverse("admin:tasks_task_changelist"), picked, follow=True)
    assert page.content.decode().count("See that run") == 5
    assert "The same goes for 3 more tasks." in page.content.decode()


def test_who_may_end_a_hold_can_do_it_from_home(client, anna, olof, task):
    Hold.objects.create(note="Stocktaking", author="anna", starts_at=timezone.now())
    for person, may in ((anna, True), (olof, False)):
        client.force_login(person)
        page = client.get(reverse("admin:index")).content.decode()
        assert "Stocktaking" in page
        assert (reverse("admin:hold_release") in page) == may


def test_a_run_that_is_being_stopped_says_so_on_home(client, olof, task):
    make_run(task, "running", items=1, cancel_requested_at=timezone.now())
    client.force_login(olof)
    page = client.get(reverse("admin:index")).content.decode()
    assert "Stopping</span>" in page
    assert "1 item so far" in page


def test_the_news_of_home_bring_those_of_its_frame(client, viktor, task):
    make_run(task, "failed", reason="blocked")
    client.force_login(viktor)
    news = client.get(reverse("admin:tasks_live")).content.decode()
    assert '<template data-part="alive">' in news
    assert "Scheduler stopped" in news
    assert "needs attention" in news


def test_tags_are_added_and_taken_away(client, maja, task):
    client.force_login(maja)
    data = {"action": "tag", "selected": [task.pk], "tags": "prices, weekly", "_confirmed": "1"}
    client.post(reverse("admin:tasks_task_changelist"), {**data, "how": "add"})
    assert [tag.name for tag in task.tags.all()] == ["prices", "weekly"]
    client.post(reverse("admin:tasks_task_changelist"), {**data, "how": "remove", "tags": "weekly"})
    assert [tag.name for tag in task.tags.all()] == ["prices"]


def test_tasks_of_the_same_time_are_spread_out(client, maja, spider):
    tasks = [
        create_task(task_id=name, name=name, spider="shop",
                    schedules=[{"kind": "cron", "cron": "0 3 * * 1-5", "timezone": "UTC"}])
        for name in ("a", "b", "c")
    ]  # fmt: skip
    client.force_login(maja)
    data = {"action": "stagger", "selected": [each.pk for each in tasks], "step": "10"}
    shown = client.post(reverse("admin:tasks_task_changelist"), data).content.decode()
    assert "03:20" in shown
    client.post(reverse("admin:tasks_task_changelist"), {**data, "_confirmed": "1"})
    crons = sorted(each.schedules.get().cron for each in tasks)
    assert crons == ["0 3 * * 1-5", "10 3 * * 1-5", "20 3 * * 1-5"]


def test_deleting_asks_first_and_keeps_the_history_unless_told_otherwise(client, maja, task):
    make_run(task)
    client.force_login(maja)
    address = reverse("admin:tasks_task_delete", args=[task.pk])
    assert "be undone" in client.post(address).content.decode()
    assert Task.objects.exists()
    client.post(address, {"_confirmed": "1", "history": "keep"})
    assert not Task.objects.exists()
    assert Run.objects.get().task_name == "Shoes"
    page = client.get(reverse("admin:tasks_run_changelist") + "?q=shoes").content.decode()
    assert "Shoes" in page


def test_a_copy_is_off(client, maja, task):
    client.force_login(maja)
    client.post(reverse("admin:tasks_task_copy", args=[task.pk]))
    copy = Task.objects.exclude(pk=task.pk).get()
    assert (copy.enabled, copy.schedules.count()) == (False, 1)


def test_the_changes_of_a_task_are_told_field_by_field_and_taken_back(client, maja, task):
    client.force_login(maja)
    client.post(reverse("admin:tasks_task_switch", args=[task.pk]), {"on": "0"})
    address = reverse("admin:tasks_task_history", args=[task.pk])
    page = client.get(address).content.decode()
    assert "switched it off" in page
    assert "Undo this change" in page
    client.post(reverse("admin:tasks_task_undo", args=[task.pk]))
    task.refresh_from_db()
    assert task.enabled


def test_an_undo_that_is_pressed_twice_does_not_take_itself_back(client, maja, task):
    client.force_login(maja)
    client.post(reverse("admin:tasks_task_switch", args=[task.pk]), {"on": "0"})
    address = reverse("admin:tasks_task_history", args=[task.pk])
    page = client.get(address).content.decode()
    pressed = dict(re.findall(r'name="(entry|next)" value="([^"]+)"', page))
    undo = reverse("admin:tasks_task_undo", args=[task.pk])
    for words in ("The last change is undone", "changed again since"):
        assert words in client.post(undo, pressed, follow=True).content.decode()
        task.refresh_from_db()
        assert task.enabled


def test_the_history_pages_back_and_forth_over_equal_moments(client, viktor, task, monkeypatch):
    monkeypatch.setattr(history, "PER_PAGE", 3)
    moment = timezone.now()
    made = {make_run(task, at=moment).pk for _i in range(8)}
    client.force_login(viktor)
    address, seen = reverse("admin:tasks_run_changelist"), []
    query, back = "", None
    while True:
        context = client.get(address + query).context
        seen += [row["run"].pk for row in context["rows"]]
        if not context["older"] or len(seen) > 20:
            break
        query, back = context["older"], context["newer"]
    assert sorted(map(str, seen)) == sorted(map(str, made))
    assert back


def test_an_invented_place_in_the_history_is_refused(client, viktor, task):
    client.force_login(viktor)
    for place in ("nonsense", "2026-01-01~x", "2026-01-01T00:00~" + "0" * 32):
        answer = client.get(reverse("admin:tasks_run_changelist"), {"before": place})
        assert answer.status_code == 400, place


def test_a_run_number_in_the_search_opens_that_run(client, viktor, task):
    run = make_run(task)
    client.force_login(viktor)
    answer = client.get(reverse("admin:tasks_run_changelist"), {"q": str(run.pk)})
    assert answer.url == reverse("admin:tasks_run_page", args=[run.pk])


@pytest.mark.parametrize(
    "query", ["outcome=failed", "by=manual", "date=today", "task=shoes", "q=shoe"]
)
def test_the_history_is_filtered(client, viktor, task, query):
    make_run(task, minutes=60 * 24 * 3)
    wanted = make_run(task, "failed", trigger="manual", requested_by="olof", reason="dns")
    client.force_login(viktor)
    page = client.get(reverse("admin:tasks_run_changelist") + "?" + query)
    assert wanted.pk in [row["run"].pk for row in page.context["rows"]]
    assert (len(page.context["rows"]) == 1) == (query not in {"task=shoes", "q=shoe"})
