from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.db import OperationalError, connection

from tasks.execution.catalogue import CatalogueUnreadable
from tasks.execution.folder import run_folder
from tasks.management.verbs import catalogue, watching
from tasks.management.verbs.base import Refused
from tasks.management.verbs.terminal import Terminal
from tasks.models import Run, SpiderInfo
from tasks.services import run_task_now
from tests.waiting import wait_until


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen():
    return Screen()


@pytest.fixture
def terminal(screen):
    return Terminal(screen, screen, as_json=False, color=True)


def test_a_terminal_gets_a_table_with_colours(terminal, screen):
    terminal.table(["run", "outcome"], [["a\x1b[2Jb", "failed"], [None, "succeeded"]])
    assert "\x1b[31mfailed" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()
    assert "ab" in screen.getvalue()


def test_progress_is_drawn_on_a_terminal(terminal, screen):
    with terminal.progress("Importing", total=1) as advance:
        advance(1, 2)
    assert "Importing" in screen.getvalue()


def test_no_color_means_none(screen):
    Terminal(screen, screen, as_json=False, color=False).line("failed", "red")
    assert "\x1b[31m" not in screen.getvalue()


@pytest.mark.django_db
def test_waiting_outlives_a_database_that_restarts(shop, scheduler, monkeypatch):
    run = run_task_now(task_id="shop")
    Run.objects.update(status="succeeded")
    answers = iter([OperationalError("gone"), (Run.objects.get(), True)])

    def look(_run):
        answer = next(answers)
        if isinstance(answer, Exception):
            return None, False
        return answer

    monkeypatch.setattr(watching, "_look", look)
    quiet = Terminal(StringIO(), StringIO(), as_json=True, color=None)
    assert watching.wait_for_end(quiet, run, timeout=None).status == "succeeded"


@pytest.mark.django_db
def test_a_run_that_is_deleted_meanwhile_ends_the_waiting(shop, scheduler):
    run = run_task_now(task_id="shop")
    Run.objects.all().delete()
    quiet = Terminal(StringIO(), StringIO(), as_json=True, color=None)
    with pytest.raises(Refused, match="no such run"):
        watching.wait_for_end(quiet, run, timeout=None)


@pytest.mark.django_db
def test_spiders_are_listed_anew_only_where_nobody_else_does(terminal, scheduler, monkeypatch):
    asked = []
    monkeypatch.setattr(catalogue, "refresh_catalogue", lambda: asked.append(1))
    catalogue.freshen(terminal)
    assert asked == [1]  # none are known yet
    SpiderInfo.objects.create(name="shop", seen_at=scheduler.started_at)
    catalogue.freshen(terminal)
    assert asked == [1]


@pytest.mark.django_db
def test_a_project_that_does_not_load_is_a_warning(terminal, screen, monkeypatch):
    def refuse():
        raise CatalogueUnreadable("SyntaxError in shop.py")

    monkeypatch.setattr(catalogue, "refresh_catalogue", refuse)
    catalogue.freshen(terminal)
    assert "SyntaxError in shop.py" in screen.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_live_log_is_followed_to_the_end_of_the_run(tasks, shop):
    run = run_task_now(task_id="shop")
    folder = run_folder(run)
    folder.mkdir(parents=True)
    log = folder / "run.log"
    log.write_text("2026-04-02 09:30:00 [shop] INFO: First\n")
    answers = []

    def read() -> None:
        try:
            answers.append(tasks("log", run.pk, "--follow"))
        finally:
            connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    with log.open("a") as file:
        file.write("2026-04-02 09:30:01 [shop] INFO: Second\n")
    Run.objects.update(status="succeeded")
    reader.join(30)
    assert answers[0].out.splitlines()[-1].endswith("INFO: Second")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("failed", 1)])
def test_a_backfill_can_be_waited_for(tasks, shop, scheduler, status, code):
    def finish() -> None:
        try:
            wait_until(lambda: Run.objects.count() == 2)
            Run.objects.update(status=status)
        finally:
            connection.close()

    worker = threading.Thread(target=finish)
    worker.start()
    answer = tasks("backfill", "shop", "2026-03-01", "2026-03-02", "--wait")
    worker.join()
    assert answer.code == code
    assert answer.out.count(status) == 2
