"""The command as a shell sees it: exit codes, streams, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from tasks.models import SpiderInfo
from tests.environment import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop_spider(transactional_db):
    return SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())


def test_a_task_is_added_and_refused_from_a_shell(manage, process_env, shop_spider):
    """In English, whatever language the shell speaks: scripts read it, and so do its helps."""
    process_env |= {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}
    words = ("tasks", "add-cron", "shop", "shop", "30 6 * * 1-5", "--name", "Kläder", "--json")
    added = manage(*words)
    assert (added.code, added.err) == (0, "")
    assert added.json["name"] == "Kläder"
    assert added.json["schedule"] == "Weekdays at 06:30"
    again = manage(*words)
    assert (again.code, again.out) == (1, "")
    assert again.err == "task_id: There is already a task “shop”.\n"


def test_the_life_of_a_task(shell, shop_spider):
    assert shell("add-cron", "shop", "shop", "30 6 * * 1-5").code == 0
    queued = shell("run-now", "shop", "--json")
    assert queued.code == 0
    assert shell("cancel", queued.json["id"]).code == 0
    assert shell("runs", "shop", "--json").json[0]["status"] == "cancelled"
    assert shell("remove", "shop").out == "Removed “shop”.\n"
    assert shell("list", "--json").json == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["status", "--no-color"], 0),
        (["list", "--settings", "scheduler_site.settings"], 0),
        (["show", "nosuch"], 1),
        (["health"], 1),
        (["run-now", "nosuch", "--wait"], 1),
        ([], 2),
        (["nosuch-verb"], 2),
        (["show"], 2),
        (["runs", "--limit", "0"], 2),
        (["runs", "--stat", "failed"], 2),
        (["preview", "0 6 * * *", "-n", "x"], 2),
        (["add-cron", "x", "shop", "0 6 * * *", "--arg", "novalue"], 2),
        (["add-cron", "x", "shop", "0 6 * * *", "--arg", "a:=nojson"], 2),
    ],
)
def test_exit_codes(shell, words, code):
    answer = shell(*words)
    assert answer.code == code
    assert "Traceback" not in answer.err
    if code == 1 and words != ["health"]:
        assert answer.out == ""
        assert len(answer.err.splitlines()) == 1


def test_a_database_without_tables_is_named_in_one_line(tmp_path):
    env = {**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}
    done = subprocess.run(
        [sys.executable, "manage.py", "tasks", "list"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("The database can't do this now: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_stops_early_is_no_error(process_env, shop_spider):
    command = f"{sys.executable} manage.py tasks spiders --json | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT, env=process_env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def complete(env: dict[str, str], line: str) -> set[str]:
    shell = {
        "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line,
        "COMP_POINT": str(len(line)), "COMP_TYPE": "9", "_ARGCOMPLETE_STDOUT_FILENAME": "",
    }  # fmt: skip
    out = f"{env['DATA_DIR']}/completions"
    shell["_ARGCOMPLETE_STDOUT_FILENAME"] = out
    subprocess.run(
        [sys.executable, "manage.py"], cwd=ROOT, env={**env, **shell}, timeout=60, check=False
    )
    return {word.strip() for word in Path(out).read_text().split("\n")}


def test_the_shell_completes_verbs_options_and_ids(tasks, process_env, shop_spider):
    tasks("add-cron", "shop-prices", "shop", "0 6 * * *")
    assert "add-cron" in complete(process_env, "manage.py tasks add-")
    assert "--status" in complete(process_env, "./manage.py tasks runs --st")
    assert "shop-prices" in complete(process_env, "manage.py tasks show sh")
    assert "tasks" in complete(process_env, "manage.py tas")
