from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tasks.exchange.nodes import Node, Path, join
from tasks.exchange.problems import Problem


@dataclass
class Record:
    """One task as a file has it, in the words of the services."""

    task_id: str
    fields: dict[str, Any]
    schedules: list[dict[str, Any]]
    root: Node
    path: Path
    # The record as the file has it, and the secrets that it only refers to.
    given: dict[str, Any] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    # Where the file writes a service's field under another name.
    places: dict[str, Path] = field(default_factory=dict)

    @property
    def line(self) -> int:
        return self.root.line_of(self.path)

    def problem(self, name: str, message: str) -> Problem:
        """A service's complaint about `name`, at its place in the file."""
        path = self._place(name)
        return Problem(message, self.root.line_of(path), join(path))

    def _place(self, name: str) -> Path:
        for known in (name, name.rpartition(".")[0]):
            if known in self.places:
                rest = name[len(known) :].strip(".")
                return (*self.path, *self.places[known], *([rest] if rest else []))
        steps = [int(step) if step.isdecimal() else step for step in name.split(".") if step]
        return (*self.path, *steps)
