from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from tasks.management.once import run_pipelines
from tasks.management.verbs.base import Refused
from tasks.management.verbs.runs import summary
from tasks.management.verbs.terminal import one_line
from tasks.models import Run
from tasks.services.actors import command_line
from tasks.services.errors import InvalidInput


class Command(BaseCommand):
    help = "Runs the pipelines of a file once, without a scheduler, and exits: 0 if all succeeded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a pipelines.yml")
        parser.add_argument("name", metavar="NAME", nargs="?", help="only this pipeline")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            runs = run_pipelines(
                options["file"], name=options["name"], actor=command_line(), report=self._report
            )
        except (Refused, InvalidInput) as error:
            raise CommandError(one_line(error)) from error
        if any(run.status != Run.Status.SUCCEEDED for run in runs):
            raise CommandError(_("Not all pipelines succeeded."))

    def _report(self, run: Run) -> None:
        self.stdout.write(f"{run.task_name}: {one_line(summary(run))}")
