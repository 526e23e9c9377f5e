from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from typing import Any, TextIO, cast

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    handle_default_options,
)
from django.db import DatabaseError, connections
from django.utils.translation import gettext as _

from tasks.management.verbs import VERBS
from tasks.management.verbs.base import DONE, REFUSED, USAGE, Refused, Verb, WrongUsage
from tasks.management.verbs.terminal import Terminal, one_line
from tasks.services.errors import InvalidInput, Unavailable

INTERRUPTED = 130


class Command(BaseCommand):
    help = "Lists, changes and runs tasks. Each verb has its own --help."
    # Verbs answer at once; checks belong to `check` and to the start of the site.
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # An abbreviation that works today would be ambiguous with tomorrow's options.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for verb in VERBS:
            each = verbs.add_parser(
                verb.name, help=str(verb.help), description=str(verb.help), allow_abbrev=False
            )
            _arguments_of(verb, each)

    def run_from_argv(self, argv: list[str]) -> None:
        """As Django's, but a refusal is its sentence alone."""
        self._called_from_command_line = True
        parser = self.create_parser(argv[0], argv[1])
        options = parser.parse_args(argv[2:])
        handle_default_options(options)
        try:
            self.execute(**vars(options))
            sys.stdout.flush()
        except CommandError as error:
            if options.traceback:
                raise
            if str(error):
                self.stderr.write(str(error))
            sys.exit(error.returncode)
        except BrokenPipeError:  # `tasks log ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(DONE)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        finally:
            connections.close_all()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.ending = ""
        verb = next(each for each in VERBS if each.name == options["verb"])
        out, err = cast("TextIO", self.stdout), cast("TextIO", self.stderr)
        terminal = Terminal(out, err, as_json=options["json"], color=_color(options))
        if code := _run(verb, terminal, Namespace(**options)):
            raise CommandError(returncode=code)


def _arguments_of(verb: Verb, parser: ArgumentParser) -> None:
    verb.arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    # Django takes these before the verb; people write them after it.
    for name in ("--no-color", "--force-color", "--traceback"):
        parser.add_argument(name, action="store_true", help=SUPPRESS, default=SUPPRESS)
    for name in ("--settings", "--pythonpath"):
        parser.add_argument(name, help=SUPPRESS, default=SUPPRESS)


def _color(options: dict[str, Any]) -> bool | None:
    if options["force_color"]:
        return True
    return False if options["no_color"] else None


def _run(verb: Verb, terminal: Terminal, options: Namespace) -> int:
    try:
        return verb.run(terminal, options)
    except (Refused, InvalidInput, Unavailable) as error:
        code = USAGE if isinstance(error, WrongUsage) else REFUSED
        raise CommandError(_sentence(error), returncode=code) from error
    except DatabaseError as error:
        message = _("The database can't do this now: %s") % one_line(error)
        raise CommandError(message) from error


def _sentence(error: Exception) -> str:
    if isinstance(error, InvalidInput):
        # The short ways write one schedule: its place in a list says nothing here.
        return one_line("; ".join(error.sentences()).replace("schedules.0.", ""))
    return one_line(error)
