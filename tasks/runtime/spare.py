"""A run's process forked in advance. Copying the launcher takes as long as Scrapy's own start, and
nobody waits for it while nothing runs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

Order = tuple[str, str]


@dataclass(frozen=True)
class Spare:
    pid: int
    door: int
    """Where its order is written. Closed without one, by whatever ends the launcher, it leaves."""

    def send(self, folder: str, token: str) -> bool:
        """False: it is gone."""
        try:
            os.write(self.door, json.dumps([folder, token]).encode())
        except OSError:
            return False
        finally:
            os.close(self.door)
        return True


def wait_for_order(door: int) -> Order | None:
    """In the spare itself; None when it is not needed any more."""
    with os.fdopen(door, "rb") as file:
        data = file.read()
    if not data:
        return None
    folder, token = json.loads(data)
    return folder, token
