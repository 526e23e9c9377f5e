from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext as _

from tasks.services.errors import Forbidden

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Via = Literal["admin", "api", "command", "file", "discord", "python", "scheduler"]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does something, and through which door.

    Without a user it is the machine's own (command line, scheduler, Python) and may do all.
    """

    name: str
    via: Via
    user: User | None = None

    def demand(self, permission: str) -> None:
        """Raises Forbidden unless the person holds `tasks.PERMISSION`."""
        if self.user is not None and not self.user.has_perm(f"tasks.{permission}"):
            raise Forbidden(_("You may not do this. Ask an administrator."))


PYTHON = Actor(name="python", via="python")
SCHEDULER = Actor(name="scheduler", via="scheduler")


def command_line() -> Actor:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = "command line"
    return Actor(name=name, via="command")


def person(user: User, via: Via) -> Actor:
    return Actor(name=user.get_username(), via=via, user=user)
