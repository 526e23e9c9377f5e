from __future__ import annotations

import subprocess
import sys

from tests.environment import ROOT

LOADED = """
import sys, django
django.setup()
from django.core.management import call_command, load_command_class
command = load_command_class("tasks", "runscheduler")
command.check(tags=command.requires_system_checks)
heavy = {"openpyxl", "sentry_sdk", "cryptography", "jsonschema"}
print(*sorted({name.partition(".")[0] for name in sys.modules} & heavy))
print(*[name for name in sys.modules if name.startswith(("tasks.web", "tasks.api", "tasks.admin"))])
"""
CHECKED = """
import django
django.setup()
from django.contrib import admin
admin.ModelAdmin.list_display = ("nothing",)
from django.core.checks import Tags, run_checks
print(*{problem.id for problem in run_checks(tags=[Tags.admin])})
"""


def test_a_scheduler_keeps_no_page_and_nothing_that_it_rarely_needs_in_memory():
    ended = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == []


def test_the_admins_own_checks_see_every_page_all_the_same():
    ended = subprocess.run(
        [sys.executable, "-c", CHECKED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["admin.E108"]
