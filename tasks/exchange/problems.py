from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST = 100


@dataclass(frozen=True)
class Problem:
    """What is wrong in a file, and where: `field` is the path of names and positions."""

    message: str
    line: int = 0
    field: str = ""


class FileRefused(ValueError):
    """The file can't be taken; nothing of it was."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)[:MOST]
        super().__init__("; ".join(each.message for each in self.problems))

    @classmethod
    def at(cls, message: str, *, line: int = 0, field: str = "") -> FileRefused:
        return cls([Problem(message, line, field)])
