from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tasks.models import Run


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
