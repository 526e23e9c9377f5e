from __future__ import annotations

import contextlib
import os
import select


class Bell:
    """An Event that a signal handler may set: threading's own can deadlock on its lock there."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)

    def set(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"!")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reading, 4096)

    def is_set(self) -> bool:
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> bool:
        ready, _, _ = select.select([self._reading], [], [], timeout)
        return bool(ready)

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)
