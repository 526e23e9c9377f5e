"""Shell completion: `eval "$(register-python-argcomplete manage.py)"` switches it on."""

from __future__ import annotations

import os
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterable
from itertools import islice

import argcomplete
from django.core.management import get_commands, load_command_class
from django.db import DatabaseError

from tasks.models import Run, SpiderInfo, Task

MOST = 200


def answer_shell() -> None:
    """Prints what may follow the shell's line, and exits."""
    words = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])].split()
    if "tasks" in words[1:]:
        parser: ArgumentParser = load_command_class("tasks", "tasks").create_parser(
            "manage.py", "tasks"
        )
        # argcomplete leaves out the words before this one, counted from 1.
        os.environ["_ARGCOMPLETE"] = str(words.index("tasks") + 1)
    else:
        parser = ArgumentParser()
        parser.add_argument("command", choices=sorted(get_commands()))
    argcomplete.autocomplete(parser, always_complete_options="long")


def completed(action: Action, source: Callable[[str], Iterable[object]]) -> None:
    def completer(prefix: str, **_rest: object) -> list[str]:
        try:
            return [str(each) for each in islice(source(prefix), MOST)]
        except DatabaseError:  # silent where there is no table yet
            return []

    action.completer = completer  # type: ignore[attr-defined]  # argcomplete's protocol


def task_ids(prefix: str) -> Iterable[object]:
    return Task.objects.filter(task_id__startswith=prefix).values_list("task_id", flat=True)


def spiders(prefix: str) -> Iterable[object]:
    return SpiderInfo.objects.filter(name__startswith=prefix).values_list("name", flat=True)


def run_ids(prefix: str) -> Iterable[object]:
    newest = Run.objects.newest_first().values_list("pk", flat=True)[:MOST]
    return (pk for pk in newest if str(pk).startswith(prefix))
