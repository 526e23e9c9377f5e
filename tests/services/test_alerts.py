from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.models import Alert, AuditEntry, Run, Task
from tasks.services import create_task, duplicate_task, update_task
from tasks.services.errors import InvalidInput
from tasks.services.runs import new_run
from tasks.services.settling import RETRIED_REASONS, finish_run
from tasks.services.undo import undo_last_change

from .conftest import ARGUMENTS

pytestmark = pytest.mark.django_db
MAJA, BUYERS = "maja@company.example", "buyers@company.example"
ALL = ["failed", "suspicious", "missed", "recovered"]


@pytest.fixture
def told(shop: Task) -> Task:
    return update_task(task_id="shop", alert_to=[MAJA, BUYERS], alert_on=ALL)


def a_run(task: Task, status: str = "running", **fields) -> Run:
    run = new_run(task, **{"trigger": "manual", "status": status, **fields})
    run.save()
    return run


def end(run: Run, status: str, reason: str = "") -> bool:
    return finish_run(run_id=run.pk, source="running", status=status, reason=reason)


def kinds() -> list[tuple[str, str]]:
    return list(Alert.objects.order_by("pk").values_list("kind", "recipient"))


# --- what people set --------------------------------------------------------------------------


def test_nobody_is_told_unless_somebody_asked(shop):
    assert (shop.alert_to, shop.alert_on) == ([], [])
    end(a_run(shop), "failed", "spider_error")
    assert not Alert.objects.exists()


def test_addresses_are_kept_once_and_kinds_in_one_order(shop):
    task = update_task(
        task_id="shop", alert_to=[f" {MAJA}", MAJA.upper(), BUYERS], alert_on=["missed", "failed"]
    )
    assert task.alert_to == [MAJA, BUYERS]
    assert task.alert_on == ["failed", "missed"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"alert_to": MAJA}, "alert_to", "list of addresses"),
        ({"alert_to": [1]}, "alert_to", "list of addresses"),
        ({"alert_to": ["nobody"]}, "alert_to", "“nobody” is no e-mail address"),
        ({"alert_to": ["a@b@c.example"]}, "alert_to", "looks like"),
        ({"alert_to": ["maja@company.example\nBcc: x@evil.example"]}, "alert_to", "looks like"),
        ({"alert_to": ["maja@company.example\r"]}, "alert_to", "looks like"),
        ({"alert_to": ["\x00"]}, "alert_to", "“�” is no"),
        ({"alert_to": ["Maja <maja@company.example>"]}, "alert_to", "looks like"),
        ({"alert_to": ["m" * 250 + "@company.example"]}, "alert_to", "looks like"),
        ({"alert_to": [f"a{n}@company.example" for n in range(21)]}, "alert_to", "At most 20"),
        ({"alert_on": ["sometimes"]}, "alert_on", "failed, suspicious, missed, recovered"),
        ({"alert_on": "failed"}, "alert_on", "failed, suspicious, missed, recovered"),
        ({"alert_to": [MAJA], "alert_on": []}, "alert_on", "failed, suspicious, missed"),
        ({"alert_to": [MAJA], "alert_on": ["recovered"]}, "alert_on", "failed, suspicious"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(shop, fields, field, words):
    with pytest.raises(InvalidInput) as refusal:
        update_task(task_id="shop", **{"alert_on": ["failed"], **fields})
    assert list(refusal.value.errors) == [field]
    assert words in " ".join(refusal.value.errors[field])
    assert Task.objects.get().alert_to == []


def test_the_change_is_in_the_audit_and_can_be_undone(told):
    entry = AuditEntry.objects.first()
    assert entry.changes == {"alert_to": [[], [MAJA, BUYERS]], "alert_on": [[], ALL]}
    undo_last_change(task_id="shop")
    told.refresh_from_db()
    assert (told.alert_to, told.alert_on) == ([], [])


def test_a_copy_tells_the_same_people(told):
    copy = duplicate_task(task_id="shop")
    assert (copy.alert_to, copy.alert_on) == ([MAJA, BUYERS], ALL)


# --- which end tells whom ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [("failed", "failed"), ("suspicious", "suspicious"), ("cancelled", ""), ("succeeded", "")],
)
def test_an_end_tells_each_recipient_once(told, status, kind):
    run = a_run(told)
    assert end(run, status)
    assert not end(run, "failed")
    assert kinds() == ([(kind, MAJA), (kind, BUYERS)] if kind else [])


def test_only_what_was_chosen_is_told(told):
    update_task(task_id="shop", alert_on=["suspicious"])
    end(a_run(told), "failed", "spider_error")
    assert kinds() == []


def test_a_test_run_tells_nobody(told):
    end(a_run(told, trigger="test"), "failed", "spider_error")
    assert kinds() == []


def test_a_run_that_is_tried_again_tells_after_its_last_try(told):
    update_task(task_id="shop", max_retries=1, alert_to=[MAJA])
    end(a_run(told), "failed", "unreachable")
    assert kinds() == []
    again = Run.objects.get(trigger="retry")
    Run.objects.filter(pk=again.pk).update(status="running")
    end(again, "failed", "unreachable")
    assert list(Alert.objects.values_list("run", "kind")) == [(again.pk, "failed")]


def test_good_news_follow_bad_ones_once(told):
    update_task(task_id="shop", alert_to=[MAJA])
    for status in ("succeeded", "failed", "suspicious", "succeeded", "succeeded"):
        end(a_run(told), status)
    assert [kind for kind, _ in kinds()] == ["failed", "suspicious", "recovered"]


def test_an_alert_goes_with_its_run_but_not_with_its_task(told):
    end(a_run(told), "failed")
    told.delete()
    assert Alert.objects.filter(task=None).count() == 2
    Run.objects.all().delete()
    assert not Alert.objects.exists()


def test_a_run_whose_end_is_taken_back_tells_nobody(told, monkeypatch):
    monkeypatch.setattr("tasks.services.settling.record_end", lambda run: 1 / 0)
    run = a_run(told)
    with pytest.raises(ZeroDivisionError):
        end(run, "failed")
    run.refresh_from_db()
    assert run.status == "running"
    assert kinds() == []


def test_without_alerts_an_end_costs_no_statement_more(shop, django_assert_num_queries):
    run = a_run(shop)
    with django_assert_num_queries(5):  # savepoint, move, read, follow-ups, release
        end(run, "failed")


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ends=st.lists(st.sampled_from(["failed", "suspicious", "succeeded", "cancelled"]), max_size=6),
    reason=st.sampled_from(["", *sorted(RETRIED_REASONS)]),
    retries=st.integers(0, 2),
)
def test_each_death_tells_exactly_once_whoever_settles_it_too(shop, ends, reason, retries):
    task = create_task(
        name="Deaths", spider="shop", arguments=ARGUMENTS, max_retries=retries,
        alert_to=[MAJA], alert_on=["failed"],
    )  # fmt: skip
    for status in ends:
        run = a_run(task)
        end(run, status, reason)
        end(run, "failed", reason)
    runs = Run.objects.filter(task=task)
    last_tries = runs.filter(status="failed", retries=None)
    assert set(Alert.objects.filter(task=task).values_list("run", flat=True)) == set(
        last_tries.values_list("pk", flat=True)
    )
    assert Alert.objects.filter(task=task).count() == last_tries.count()
