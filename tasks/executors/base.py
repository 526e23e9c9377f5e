from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tasks.outcomes import Said


class ExecutorUnavailable(RuntimeError):
    """Nothing can be started at the moment; the run stays queued."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """The order itself lies in the folder: nothing secret stands on a command line."""

    run_id: str
    token: str
    folder: Path
    is_ours: bool = False
    """Our own code, which needs our tables; else the project's, which must not see them."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    run_id: str
    token: str
    record: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Health:
    mode: str = ""
    notes: list[Said] = field(default_factory=list)


class Executor(Protocol):
    name: ClassVar[str]

    def is_ready(self) -> bool:
        """Whether it can start runs now; if not, it makes itself ready meanwhile."""

    def is_loading(self) -> bool:
        """Whether it reads the project just now: what was asked for waits until it has."""

    def start(self, start: Start) -> None:
        """Raises ExecutorUnavailable."""

    def ended(self) -> list[Ended]:
        """What has ended since the last call, without waiting."""

    def descriptor(self) -> int | None:
        """Readable when there may be news."""

    def health(self) -> Health: ...

    def close(self, *, quit_too: bool) -> None: ...
