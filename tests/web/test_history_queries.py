from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import _trans, trans_real

from tasks.models import Run
from tasks.web.actions import UrlOfRun, run_url


def failed_runs(count):
    now = timezone.now()
    Run.objects.bulk_create(
        Run(
            task_key="shoes",
            task_name="Shoes",
            trigger="manual",
            requested_by="maja",
            status="cancelled" if n % 2 else "failed",
            reason="cancelled" if n % 2 else "no_items",
            cancel_requested_by="maja",
            at=now - timedelta(minutes=n),
            started_at=now,
            finished_at=now,
        )
        for n in range(count)
    )


def queries_of(client):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse("admin:tasks_run_changelist")).status_code == 200
    return len(captured)


def test_a_full_page_of_the_history_asks_no_more_often_than_a_short_one(client, maja):
    client.force_login(maja)
    failed_runs(1)
    queries_of(client)
    short = queries_of(client)
    failed_runs(49)
    assert queries_of(client) == short
    assert short < 15


def words_of(client, monkeypatch):
    """How often a page looks a translation up."""
    asked = []
    with monkeypatch.context() as patched:
        patched.setattr(_trans, "gettext", lambda w: asked.append(w) or trans_real.gettext(w))
        assert client.get(reverse("admin:tasks_run_changelist")).status_code == 200
    assert asked
    return len(asked)


def test_a_row_of_the_history_looks_up_little_more_than_its_reason(client, maja, monkeypatch):
    # After midnight some of the rows are of another day, which has more words.
    noon = timezone.now().replace(hour=12)
    monkeypatch.setattr(timezone, "now", lambda: noon)
    client.force_login(maja)
    failed_runs(1)
    words_of(client, monkeypatch)
    short = words_of(client, monkeypatch)
    failed_runs(49)
    long = words_of(client, monkeypatch)
    assert long - short <= 3 * 49


def test_the_address_of_a_run_is_the_same_in_a_list(db):
    failed_runs(1)
    run = Run.objects.get()
    assert UrlOfRun()(run) == run_url(run)


def test_what_stands_on_a_page_twice_is_read_once(client, maja):
    client.force_login(maja)
    with CaptureQueriesContext(connection) as captured:
        page = client.get(reverse("admin:tasks_run_changelist")).content.decode()
    assert page.count('class="sp-nav"') == 2
    assert sum("tasks_schedulerprocess" in each["sql"] for each in captured) == 1
