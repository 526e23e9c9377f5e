from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.conf import settings

from tests.environment import ROOT
from tests.waiting import wait_until

COUNT_USERS = (
    "import django, json; django.setup();"
    "from django.contrib.auth.models import User; from django.conf import settings;"
    "print(json.dumps([sorted(User.objects.values_list('username', flat=True)),"
    " str(settings.DATA_DIR)]))"
)


@pytest.mark.parametrize("time", ["first", "again"])
def test_a_real_process_sees_the_tables_and_the_folder_of_the_test(process_env, people, time):
    done = subprocess.run(
        [sys.executable, "-c", COUNT_USERS],
        env=process_env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names, folder = json.loads(done.stdout)
    assert names == ["anna", "maja", "olof", "viktor"]
    assert folder == str(settings.DATA_DIR)


def test_each_person_holds_the_rights_of_their_group(people):
    operate = [name for name, user in vars(people).items() if user.has_perm("tasks.operate_task")]
    change = [name for name, user in vars(people).items() if user.has_perm("tasks.change_task")]
    assert operate == ["maja", "olof", "anna"]
    assert change == ["maja", "anna"]


def test_waiting_returns_the_first_true_answer():
    answers = iter([None, 0, "here"])
    assert wait_until(lambda: next(answers), every=0) == "here"


def test_waiting_fails_when_nothing_comes():
    with pytest.raises(AssertionError, match="did not come true"):
        wait_until(lambda: False, timeout=0.01, every=0.001)
