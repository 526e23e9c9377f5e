from __future__ import annotations

import itertools
import random
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.models import Run, Task
from tasks.models.history import Position, RunFilter, read_history

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUSES = ["succeeded", "failed", "missed", "running"]
TRIGGERS = ["schedule", "manual", "api", "retry"]
COUNT = 400


@pytest.fixture
def ledger() -> list[Run]:
    dice = random.Random(7)
    tasks = [
        Task.objects.create(
            task_id=f"task-{n}", name=f"Shop {n}", spider="books" if n % 2 else "news"
        )
        for n in range(12)
    ]
    runs = []
    for _ in range(COUNT):
        task, status = dice.choice(tasks), dice.choice(STATUSES)
        gone = task.task_id == "task-11"
        runs.append(
            Run(
                id=uuid.UUID(int=dice.getrandbits(128)),
                task=None if gone else task,
                task_key=task.task_id,
                task_name=task.name,
                # Many share a moment, so that the id has to decide.
                at=NOON - timedelta(minutes=dice.randrange(60)),
                status=status,
                reason=dice.choice(["timeout", "blocked"]) if status == "failed" else "",
                trigger=dice.choice(TRIGGERS),
                requested_by=dice.choice(["maja", "olof"]),
            )
        )
    Run.objects.bulk_create(runs)
    tasks[11].delete()
    return runs


def plainly(runs: list[Run], wanted: RunFilter) -> list[uuid.UUID]:
    """What a look at every row finds."""
    spiders = dict(Task.objects.values_list("task_id", "spider"))

    def fits(run: Run) -> bool:
        text = wanted.text.lower()
        words = f"{run.task_name}\n{run.task_key}\n{spiders.get(run.task_key, '')}".lower()
        return (
            (not wanted.task or run.task_key == wanted.task)
            and (not text or text in words)
            and (not wanted.statuses or run.status in wanted.statuses)
            and (not wanted.reason or run.reason == wanted.reason)
            and (not wanted.triggers or run.trigger in wanted.triggers)
            and (
                not wanted.user
                or (run.requested_by == wanted.user and run.trigger in {"manual", "api"})
            )
            and (not wanted.since or run.at >= wanted.since)
            and (not wanted.until or run.at < wanted.until)
        )

    found = sorted(filter(fits, runs), key=lambda run: (run.at, run.id), reverse=True)
    return [run.id for run in found]


def walk_to_the_end(wanted: RunFilter, size: int) -> list[uuid.UUID]:
    page = read_history(wanted, size=size)
    found = [run.pk for run in page.runs]
    while page.older:
        page = read_history(wanted, before=page.older, size=size)
        assert page.runs
        found += [run.pk for run in page.runs]
    return found


def combinations() -> list[RunFilter]:
    choices = itertools.product(
        [{}, {"task": "task-3"}, {"task": "task-11"}, {"text": "shop 1"}, {"text": "BOOKS"}],
        [{}, {"statuses": ("failed",)}, {"statuses": ("running", "missed")}],
        [{}, {"triggers": ("manual",)}, {"triggers": ("schedule", "retry")}],
        [{}, {"user": "maja"}],
        [{}, {"reason": "timeout"}],
        [{}, {"since": NOON - timedelta(minutes=40), "until": NOON - timedelta(minutes=5)}],
    )
    found = [RunFilter(**{k: v for part in each for k, v in part.items()}) for each in choices]
    # Every seventh meets each pair of choices, in a seventh of the time.
    return found[::7]


def test_every_combination_of_filters_finds_what_a_look_at_every_row_finds(
    ledger: list[Run],
) -> None:
    for wanted in combinations():
        # A page smaller than the number of tasks takes the other way through a search.
        for size in (4, 40):
            assert walk_to_the_end(wanted, size) == plainly(ledger, wanted), wanted


def test_the_way_back_shows_the_same_pages(ledger: list[Run]) -> None:
    first = read_history(size=50)
    second = read_history(before=first.older, size=50)
    third = read_history(before=second.older, size=50)
    back = read_history(after=third.newer, size=50)
    assert [run.pk for run in back.runs] == [run.pk for run in second.runs]
    assert read_history(after=back.newer, size=50).runs[0].pk == first.runs[0].pk
    assert first.newer is None


def test_the_last_page_says_that_nothing_is_older(ledger: list[Run]) -> None:
    page = read_history(size=COUNT - 1)
    assert page.older
    last = read_history(before=page.older, size=50)
    assert len(last.runs) == 1
    assert last.older is None


def test_newer_of_a_page_near_the_top_is_the_full_newest_page(ledger: list[Run]) -> None:
    newest = read_history(size=50)
    in_the_middle = newest.runs[10]
    page = read_history(after=Position(in_the_middle.at, in_the_middle.pk), size=50)
    assert [run.pk for run in page.runs] == [run.pk for run in newest.runs]


def test_a_run_that_starts_meanwhile_moves_no_page(ledger: list[Run]) -> None:
    first = read_history(size=50)
    expected = [run.pk for run in read_history(before=first.older, size=50).runs]
    Run.objects.create(task_key="new", task_name="New", trigger="manual", at=NOON)
    assert [run.pk for run in read_history(before=first.older, size=50).runs] == expected


def test_a_search_for_a_run_number_finds_that_run(ledger: list[Run]) -> None:
    wanted = ledger[17]
    assert [run.pk for run in read_history(RunFilter(text=f" {wanted.pk} ")).runs] == [wanted.pk]


@pytest.mark.parametrize("text", ["", "x", "1.2", "zz.00", "f" * 30 + "." + "0" * 32, "-.-"])
def test_a_made_up_position_is_none(text: str) -> None:
    assert Position.parse(text) is None


def test_a_position_survives_its_text() -> None:
    place = Position(datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC), uuid.uuid4())
    assert Position.parse(str(place)) == place


def test_quotes_in_a_filter_are_text(ledger: list[Run]) -> None:
    for text in ("'; DROP TABLE tasks_run; --", "100%", "%s", '"', "\\"):
        assert read_history(RunFilter(text=text, user=text, task="", reason=text)).runs == []


def test_no_page_counts_skips_or_sorts_the_rows_of_the_table(ledger: list[Run]) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # so few rows are quicker read whole
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    place = Position(NOON - timedelta(minutes=30), uuid.uuid4())
    for wanted in combinations():
        with CaptureQueriesContext(connection) as captured:
            read_history(wanted, before=place)
        for query in [each["sql"] for each in captured if '"tasks_run"."id"' not in each["sql"]]:
            if "tasks_run" in query:
                assert_only_index_ranges(query)


def assert_only_index_ranges(query: str) -> None:
    assert "OFFSET" not in query
    assert "COUNT(" not in query.upper()
    for table_scan in plan_of(query):
        assert not table_scan, query


def plan_of(query: str) -> list[str]:
    """The steps that read the table without an index."""
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute(explain + query)
        steps = [str(row[-1]) for row in cursor.fetchall()]
    return [s for s in steps if s == "SCAN tasks_run" or "Seq Scan on tasks_run" in s]


@pytest.mark.parametrize(
    ("wanted", "indexes"),
    [
        ({"task": "task-3", "statuses": ("failed",)}, {"run_task_status_history"}),
        ({"task": "task-3", "triggers": ("manual",)}, {"run_task_trigger_history"}),
        (
            {"task": "task-3", "statuses": ("failed", "missed"), "triggers": ("retry",)},
            {"run_task_kind_history"},
        ),
        ({"task": "task-11", "reason": "timeout"}, {"run_reason_task_history"}),
        ({"task": "task-11", "user": "maja"}, {"run_person_task_history"}),
        ({"task": "task-11", "statuses": ("failed",)}, {"run_gone_history"}),
    ],
)
def test_each_combination_is_read_by_the_index_that_holds_no_more(
    ledger: list[Run], wanted: dict[str, Any], indexes: set[str]
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL weighs so few rows otherwise")
    with CaptureQueriesContext(connection) as captured:
        read_history(RunFilter(**wanted), size=4)
    query = next(each["sql"] for each in captured if each["sql"].startswith("SELECT * FROM ("))
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + query)
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert set(re.findall(r"INDEX (run_\w+)", plan)) == indexes


def test_ranges_without_a_row_on_the_page_are_not_read(ledger: list[Run]) -> None:
    """Nor what lies beyond the first rows of as many ranges as the page has rows."""
    place = Position(NOON - timedelta(minutes=30), uuid.UUID(int=0))
    for bounds in ({"before": place}, {"after": place}):
        with CaptureQueriesContext(connection) as captured:
            page = read_history(RunFilter(text="shop"), size=4, **bounds)
        assert len(page.runs) == 4
        query = next(each["sql"] for each in captured if "AS part" in each["sql"])
        assert query.count("(at, id) >= (" if "before" in bounds else "(at, id) <= (") > 0
        if connection.vendor == "postgresql":
            assert query.count("LATERAL") == 2  # what tasks have, and what deleted ones left
