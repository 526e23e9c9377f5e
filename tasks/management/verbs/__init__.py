from __future__ import annotations

from tasks.management.verbs import (
    adding,
    cleaning,
    files,
    history,
    reading,
    runs,
    standing,
    system,
    tasks,
)
from tasks.management.verbs.base import Verb

VERBS: tuple[Verb, ...] = (
    *tasks.VERBS,
    *adding.VERBS,
    *runs.VERBS,
    *reading.VERBS,
    *files.VERBS,
    *history.VERBS,
    *cleaning.VERBS,
    *standing.VERBS,
    *system.VERBS,
)
