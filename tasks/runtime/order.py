from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .files import Json, create_json, read_json
from .machine import boot_id, start_ticks

REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True)
class Limits:
    open_files: int = 0
    cpu_seconds: int = 0
    log_bytes: int = 50 * 1024 * 1024
    items_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to run, as the dispatcher wrote it into the run folder (readable by its owner only)."""

    run_id: str
    token: str
    spider: str = ""
    kind: str = "spider"
    arguments: dict[str, Any] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    """Which of the arguments are secret."""
    settings: dict[str, Any] = field(default_factory=dict)
    preset: str = ""
    cache_settings: dict[str, Any] = field(default_factory=dict)
    cache_url: str = ""
    """Of Redis; without it pages are kept in files."""
    cache_name: str = ""
    env: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    allowed_networks: list[str] = field(default_factory=list)
    allowed_urls: list[str] = field(default_factory=list)
    """Prefixes of addresses that may be read although their network is private."""

    def secret_values(self) -> list[Any]:
        return [self.arguments.get(name) for name in self.secrets]

    @classmethod
    def read(cls, folder: Path) -> Order | None:
        data = read_json(folder / "order.json")
        if data is None:
            return None
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["limits"] = Limits(**data.get("limits", {}))
        return cls(**known)


def claim_path(folder: Path, token: str) -> Path:
    return folder / f"claim-{token}.json"


def claim(folder: Path, token: str) -> bool:
    """Take the order for this process. False: it was revoked, or another process has it."""
    pid = os.getpid()
    return create_json(
        claim_path(folder, token),
        {
            "token": token,
            "pid": pid,
            "start_ticks": start_ticks(pid),
            "boot_id": boot_id(),
            "at": time.time(),
        },
    )


def forget(folder: Path) -> None:
    """Secrets stand in it; whoever claimed it has read it."""
    with contextlib.suppress(OSError):
        (folder / "order.json").unlink(missing_ok=True)


def revoke(folder: Path, token: str) -> bool:
    """After True nobody can start under this token any more: it is safe to queue the run again."""
    folder.mkdir(parents=True, exist_ok=True)
    return create_json(claim_path(folder, token), {"token": token, REVOKED: True})


def read_claim(folder: Path, token: str) -> Json | None:
    data = read_json(claim_path(folder, token))
    return None if data is None or data.get(REVOKED) else data
