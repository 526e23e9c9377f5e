from __future__ import annotations

# Where runs can be executed: name → class. What isn't here is refused by forms and at the start.
EXECUTORS = {"local": "tasks.executors.local.LocalExecutor"}
