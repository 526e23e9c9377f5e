"""The machine's clocks: one for deadlines, and a look-out for jumps of the other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

# Stands still during suspend neither for us nor for the others. macOS has it under another name:
# what Python calls monotonic there is a clock that stands still.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_JUMP = 2.0


def steady() -> float:
    """Seconds that never jump and that count while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True)
class Jump:
    """`seconds` of the wall clock against steady time, or of sleep."""

    seconds: float
    kind: str  # "forward", "back" or "suspend"


@dataclass
class Lookout:
    _wall: float = field(default_factory=time.time)
    _steady: float = field(default_factory=steady)
    _awake: float = field(default_factory=time.monotonic)

    def look(
        self, *, wall: float | None = None, now: float | None = None, awake: float | None = None
    ) -> Jump | None:
        """What happened to the clocks since the last look."""
        before = (self._wall, self._steady, self._awake)
        self._wall = time.time() if wall is None else wall
        self._steady = steady() if now is None else now
        self._awake = time.monotonic() if awake is None else awake
        passed = self._steady - before[1]
        drift = (self._wall - before[0]) - passed
        if abs(drift) > _JUMP:
            return Jump(drift, "forward" if drift > 0 else "back")
        slept = passed - (self._awake - before[2])
        return Jump(slept, "suspend") if slept > _JUMP else None
