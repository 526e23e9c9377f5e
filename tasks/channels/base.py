from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar

from django.core.checks import CheckMessage

from tasks.outcomes import sentence


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What there is to tell, in the language of its recipient; each channel gives it its form."""

    kind: str
    task_id: str
    task_name: str
    subject: str
    happened: str
    cause: str
    next_steps: Sequence[str]
    figures: Sequence[tuple[str, str]]
    run_url: str
    task_url: str
    id: str
    """The same at each try, so that a recipient can tell that it has it already."""


class NotDelivered(Exception):
    """`said` is a sentence by its code. `final`: no later try will help. `is_down`: nobody gets
    anything through this channel now."""

    def __init__(
        self, code: str, *, error: str = "", final: bool = False, is_down: bool = False
    ) -> None:
        self.said = {"code": code, "error": error[:200].rstrip(". ")}
        self.final = final
        self.is_down = is_down
        super().__init__(sentence(self.said))


Send = Callable[[Notice, str], None]


class Channel(ABC):
    """One way to tell people: whom it reaches, and how."""

    name: ClassVar[str]
    reaches_people: ClassVar[bool] = False
    """A recipient may be one of our people, who then reads times on their own clock."""

    @abstractmethod
    def accepts(self, recipient: str) -> bool:
        """By its form alone: whether this is the channel that such a recipient takes."""

    def clean(self, recipient: str) -> str:
        """As it is stored. Raises ValueError with a sentence."""
        return recipient

    def is_set_up(self) -> bool:
        """Whether the administrator has set up what it needs."""
        return True

    @abstractmethod
    def session(self) -> AbstractContextManager[Send]:
        """One connection for several messages. It and what it gives raise NotDelivered."""

    def checks(self) -> list[CheckMessage]:
        return []
