from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tasks.exchange.states import natural_order

Action = Literal["created", "changed", "unchanged", "removed"]
ACTIONS: tuple[Action, ...] = ("created", "changed", "unchanged", "removed")


@dataclass(frozen=True)
class Change:
    task_id: str
    name: str
    action: Action
    # {field: [before, after]}; secrets never by value.
    fields: dict[str, list[Any]] = field(default_factory=dict)
    line: int = 0
    # When it runs from then on, in words.
    when: str = ""
    # Secrets that stay as they are stored, because a file never has their values.
    kept_secrets: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """What an import does, or, on a dry run, would do."""

    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    dry_run: bool = False

    def of(self, action: Action) -> list[Change]:
        return [change for change in self.changes if change.action == action]

    @property
    def created(self) -> list[Change]:
        return self.of("created")

    @property
    def changed(self) -> list[Change]:
        return self.of("changed")

    @property
    def unchanged(self) -> list[Change]:
        return self.of("unchanged")

    @property
    def removed(self) -> list[Change]:
        return self.of("removed")

    def sort(self, order: Iterable[str]) -> None:
        """As the file has them, then what goes."""
        places = {task_id: index for index, task_id in enumerate(order)}
        last = len(places)
        self.changes.sort(
            key=lambda each: (places.get(each.task_id, last), natural_order(each.task_id))
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            **{action: len(self.of(action)) for action in ACTIONS},
            "changes": [asdict(change) for change in self.changes],
            "warnings": self.warnings,
        }
