from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from tasks.management.verbs.terminal import Terminal

DONE, REFUSED, USAGE = 0, 1, 2


class Refused(Exception):
    """It can't be done; the message says why and what to do."""


class WrongUsage(Refused):
    """Options that are missing or don't go together, where argparse can't tell."""


def no_arguments(parser: ArgumentParser) -> None:
    del parser


@dataclass(frozen=True, kw_only=True)
class Verb:
    name: str
    help: StrOrPromise
    run: Callable[[Terminal, Namespace], int]
    arguments: Callable[[ArgumentParser], None] = no_arguments


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text[:10]) <= most:
            raise ArgumentTypeError(
                _("must be a whole number from %(least)d to %(most)d")
                % {"least": least, "most": most}
            )
        return int(text)

    return number
