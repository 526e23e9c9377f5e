"""Live logs and progress as Server-Sent Events.

However many people watch, each run's log is read once and each run's row is asked for once a
second, for all of them together; a stream holds neither a thread nor a database connection.
"""

from __future__ import annotations
