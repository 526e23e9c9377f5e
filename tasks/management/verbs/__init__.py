from __future__ import annotations

from tasks.management.verbs import adding, runs, system, tasks
from tasks.management.verbs.base import Verb

VERBS: tuple[Verb, ...] = (*tasks.VERBS, *adding.VERBS, *runs.VERBS, *system.VERBS)
