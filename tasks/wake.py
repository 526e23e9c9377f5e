"""A doorbell between processes of one machine: whoever queues a run rings, dispatchers wake at
once. It carries nothing: what is to be done stands in the tables, which are read anyway."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import tempfile
from pathlib import Path

LONGEST_SOCKET_PATH = 100
LONGEST_NAME = "bell-4194304-abcdef.sock"
QUEUED, STOPPING = b"queued", b"stopping"


def socket_path(folder: Path, name: str) -> Path:
    """In the folder, or beside it where the system's limit for socket paths is exceeded."""
    if _fits(folder):
        return folder / name
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    # macOS gives each user a folder whose own path is half as long as a socket's may be.
    for place in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - looked at below
        short = place / f"spider-scheduler-{os.getuid()}" / digest
        if _fits(short):
            break
    for part in (short.parent, short):
        part.mkdir(mode=0o700, exist_ok=True)
        if part.lstat().st_uid != os.getuid():
            raise RuntimeError(f"{part} belongs to somebody else")
    return short / name


def _fits(folder: Path) -> bool:
    """Each of our sockets: who looks for one looks where another was made."""
    return len(os.fsencode(folder / LONGEST_NAME)) <= LONGEST_SOCKET_PATH


class Doorbell:
    def __init__(self, folder: Path) -> None:
        self.path = socket_path(folder, f"bell-{os.getpid()}-{os.urandom(3).hex()}.sock")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def answer(self) -> set[bytes]:
        """How it rang since the last call: QUEUED, STOPPING, both or neither."""
        rang = set()
        with contextlib.suppress(BlockingIOError):
            while ring := self._socket.recv(16):
                rang.add(ring)
        return rang

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)


def ring(folder: Path, what: bytes = QUEUED) -> None:
    """Never fails: a dispatcher that hears nothing looks at the queue within a second anyway."""
    with contextlib.suppress(OSError):
        bells = list(socket_path(folder, "x").parent.glob("bell-*.sock"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for bell in bells:
                _press(sender, bell, what)


def _press(sender: socket.socket, bell: Path, what: bytes) -> None:
    try:
        sender.sendto(what, str(bell))
    except ConnectionRefusedError:  # left behind by a process that was killed
        bell.unlink(missing_ok=True)
    except OSError:
        return
