"""Each reason of a failure comes with a button that does the next step."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks.execution.folder import run_folder
from tasks.models import Run, SpiderInfo, Task
from tasks.outcomes.words import TABLE
from tasks.secrets import seal
from tasks.services.tasks import create_task
from tasks.web.remedies import BY_REASON, best_remedy, remedies

SCHEMA = {
    "type": "object",
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}},
        "api_key": {"type": "string", "format": "password"},
    },
}
# Reason, the button, where it leads.
FIRST = [
    ("blocked", "Slow it down", "#id_set_DOWNLOAD_DELAY"),
    ("timeout", "Raise the time limit", "#id_timeout"),
    ("layout_changed", "Test with a few items", "/test/"),
    ("no_items", "Test with a few items", "/test/"),
    ("spider_error", "Send to developer", "/bundle/"),
    ("spider_missing", "Choose another spider", "#id_spider"),
    ("not_found", "Correct the address", "#id_arg_start_urls"),
    ("dns", "Try again in an hour", "/again/"),
    ("site_error", "Try again in an hour", "/again/"),
    ("secret_unreadable", "Type the secret again", "#id_arg_api_key"),
    ("scheduler_down", "Run again", "/again/"),
]


@pytest.fixture
def task(db):
    SpiderInfo.objects.create(name="shop", schema=SCHEMA, seen_at=timezone.now())
    return create_task(
        task_id="shoes", name="Shoes", spider="shop",
        arguments={"start_urls": ["https://s.example/"], "api_key": "k"},
    )  # fmt: skip


def failed(task, reason, status="failed", **fields):
    now = timezone.now()
    return Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider="shop", status=status,
        trigger="schedule", at=now, started_at=now, finished_at=now, reason=reason,
        **{"arguments": task.arguments, "secrets": task.secrets, **fields},
    )  # fmt: skip


def page_of(client, run):
    return unescape(client.get(reverse("admin:tasks_run_page", args=[run.pk])).content.decode())


def test_every_reason_has_a_step_for_who_may_edit(task, maja):
    assert set(BY_REASON) <= set(TABLE)
    for reason in TABLE:
        found = remedies(failed(task, reason), maja)
        assert found, reason
        assert all(each.word and each.url.startswith("/admin/") for each in found)


def test_who_finds_fewer_items_right_can_say_so(client, maja, task):
    client.force_login(maja)
    page = page_of(client, failed(task, "few_items", status="suspicious"))
    assert "Change what is expected" in page
    assert "#id_usual_share" in page
    form = client.get(f"{reverse('admin:tasks_task_change', args=[task.pk])}?at=id_usual_share")
    assert 'id="id_usual_share"' in form.content.decode()


@pytest.mark.parametrize(("reason", "word", "leads_to"), FIRST)
def test_the_first_button_does_what_helps_most(client, maja, task, reason, word, leads_to):
    run = failed(task, reason)
    first = remedies(run, maja)[0]
    assert str(first.word) == word
    assert leads_to in first.url
    client.force_login(maja)
    page = page_of(client, run)
    assert word in page
    assert page.count("sp-btn--primary") == 1


def test_where_running_again_helps_most_that_is_the_main_button(client, maja, task):
    client.force_login(maja)
    again, other = page_of(client, failed(task, "lost")), page_of(client, failed(task, "blocked"))
    main = r'<button type="submit" class="sp-btn sp-btn--primary">.*?Run again'
    assert re.search(main, again)
    assert not re.search(main, other)
    assert again.count("sp-btn--primary") == other.count("sp-btn--primary") == 1


@pytest.mark.parametrize("reason", sorted(BY_REASON))
def test_nobody_sees_a_button_that_would_refuse_them(client, viktor, olof, task, reason):
    run = failed(task, reason)
    for person in (viktor, olof):
        client.force_login(person)
        for each in remedies(run, person):
            answer = client.post(each.url) if each.posts else client.get(each.url)
            assert answer.status_code in {200, 302}
    assert best_remedy(run, viktor) is None


def test_the_field_it_leads_to_is_there_and_not_folded(client, maja, task):
    client.force_login(maja)
    for reason in sorted(BY_REASON):
        for each in remedies(failed(task, reason), maja):
            path, _hash, anchor = each.url.partition("#")
            if anchor:
                page = client.get(path).content.decode()
                assert f'id="{anchor}"' in page, (reason, anchor)
                assert re.search(r"<details class=\"sp-card sp-adv\" open>", page)


def test_a_secret_that_can_be_read_is_not_the_one_to_type_again(task, maja):
    run = failed(task, "secret_unreadable", secrets={"other": seal("x"), "api_key": "no token"})
    assert remedies(run, maja)[0].url.endswith("#id_arg_api_key")


def test_trying_later_makes_a_run_that_waits(client, olof, task):
    client.force_login(olof)
    run = failed(task, "unreachable")
    client.post(reverse("admin:tasks_run_again", args=[run.pk]), {"later": "60"})
    waits = Run.objects.get(retry_of=run)
    assert timedelta(minutes=59) < waits.not_before - timezone.now() <= timedelta(minutes=60)
    page = page_of(client, waits)
    assert "Waiting until its time" in page
    client.post(reverse("admin:tasks_run_stop", args=[waits.pk]))
    client.post(reverse("admin:tasks_run_again", args=[run.pk]), {"later": "soon"})
    assert Run.objects.filter(retry_of=run, not_before=None).exists()


def test_home_shows_the_one_button_that_helps(client, olof, viktor, maja, task):
    failed(task, "blocked", detail={"code": 403})
    home = reverse("admin:index")
    client.force_login(maja)
    assert "Slow it down" in client.get(home).content.decode()
    client.force_login(olof)
    assert "Try again in an hour" in client.get(home).content.decode()
    client.force_login(viktor)
    page = client.get(home).content.decode()
    assert "See what happened" in page
    assert "/again/" not in page


def test_a_run_without_its_task_offers_what_is_left(task, maja):
    run = failed(task, "blocked")
    run.task = None
    assert [str(each.word) for each in remedies(run, maja)] == ["Send to developer"]


def old_run(task, days):
    run = failed(task, "")
    moment = timezone.now() - timedelta(days=days)
    Run.objects.filter(pk=run.pk).update(status="succeeded", at=moment, finished_at=moment)
    folder = run_folder(run)
    folder.mkdir(parents=True)
    (folder / "items.jsonl").write_text("x" * 10_000)
    return run


def test_cleaning_up_is_looked_at_first_and_done_on_a_second_press(client, anna, maja, task):
    newest, older, oldest = (old_run(task, days) for days in (1, 20, 40))
    url = reverse("admin:clean_up")
    client.force_login(maja)
    assert client.get(url).status_code == 403
    client.force_login(anna)
    assert "2 runs go" in client.get(url).content.decode()
    assert "1 run goes" in client.get(url, {"days": "30"}).content.decode()
    assert "No run is as old as that." in client.get(url, {"days": "90"}).content.decode()
    assert Run.objects.count() == 3
    answer = client.post(url, {"days": "30"}, follow=True)
    assert "1 run is removed" in answer.content.decode()
    assert not run_folder(oldest).exists()
    assert {run.pk for run in Run.objects.all()} == {newest.pk, older.pk}
    changes = client.get(reverse("admin:tasks_auditentry_changelist")).content.decode()
    assert "removed old runs" in changes


def test_what_goes_by_itself_is_looked_at_by_the_limits_of_task_and_settings(
    client, anna, task, settings
):
    runs = [old_run(task, days) for days in (1, 2, 3, 40)]
    url, limits = reverse("admin:clean_up"), {"days": "limits"}
    client.force_login(anna)
    assert "too old: 1" in client.get(url, limits).content.decode()
    Task.objects.update(keep_runs=3, keep_days=90)
    assert "too many: 1" in client.get(url, limits).content.decode()
    settings.RETENTION_RUNS = 2
    assert "too many: 2" in client.get(url, limits).content.decode()
    Task.objects.update(keep_runs=None, keep_days=0, keep_megabytes=0)
    settings.RETENTION_RUNS = 0
    settings.RETENTION_MEGABYTES = 0
    said = client.get(url, limits).content.decode()
    assert "too old: 3" in said
    assert "3 runs go" in said
    client.post(url, limits)
    assert [run.pk for run in Run.objects.all()] == [runs[0].pk]
    Task.objects.update(keep_days=90, keep_megabytes=None)
    assert "No run is over the limits" in client.get(url, limits).content.decode()
