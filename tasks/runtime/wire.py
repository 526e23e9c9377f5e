from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import struct
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .files import Json

MAX_REQUEST = 1024 * 1024
STATE_VARIABLE = "SPIDER_SCHEDULER_LAUNCHER_STATE"


class Client:
    def __init__(self, sock: socket.socket, buffer: bytes = b"") -> None:
        self.sock = sock
        self.buffer = buffer
        self.heard = time.monotonic()
        """When the newest of it came."""
        sock.setblocking(False)

    def fileno(self) -> int:
        return self.sock.fileno()

    def receive(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.buffer += data
        self.heard = time.monotonic()
        return bool(data) and len(self.buffer) <= MAX_REQUEST

    def peek(self) -> Json | None:
        line, newline, _rest = self.buffer.partition(b"\n")
        if not newline:
            return None
        try:
            request = json.loads(line)
        except ValueError:
            return {}
        return request if isinstance(request, dict) else {}

    def take(self) -> None:
        self.buffer = self.buffer.partition(b"\n")[2]

    def send(self, message: Json) -> bool:
        """One that does not read is hung up on: it asks for the list when it comes back."""
        try:
            self.sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def hang_up(self) -> None:
        """It hears nothing more; receive() still gives what it said, and then the end."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.sock.close()


@dataclass
class Doors:
    path: Path
    listener: socket.socket
    lock: int
    inode: int

    @classmethod
    def open(cls, path: Path) -> Doors | None:
        """None when another launcher holds the lock; a socket left by a dead one is replaced."""
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen(64)
        listener.setblocking(False)
        return cls(path, listener, lock, path.stat().st_ino)

    def accept(self) -> Client | None:
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return None
        if _peer_uid(sock) not in {os.getuid(), 0}:
            sock.close()
            return None
        return Client(sock)

    def still_ours(self) -> bool:
        try:
            return self.path.stat().st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        if self.still_ours():
            self.path.unlink()
        self.listener.close()
        os.close(self.lock)


def _peer_uid(sock: socket.socket) -> int:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return os.getuid()  # macOS: the socket's mode alone decides
    credentials = sock.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


@dataclass
class Inheritance:
    """What one image of the launcher leaves to the next: descriptors and what belongs to them."""

    doors: Doors
    runs: dict[int, Json]
    clients: list[Client]

    def hand_over(self) -> None:
        listener, lock = self.doors.listener.fileno(), self.doors.lock
        buffers = {client.fileno(): client.buffer.decode("latin-1") for client in self.clients}
        state = {
            "path": str(self.doors.path),
            "listener": listener,
            "lock": lock,
            "inode": self.doors.inode,
            "runs": self.runs,
            "clients": buffers,
        }
        # A file without a name: the environment is too small for a long list of runs.
        file = tempfile.TemporaryFile()  # noqa: SIM115 - stays open across the exec
        file.write(json.dumps(state).encode())
        file.flush()
        kept = os.dup(file.fileno())
        for descriptor in (kept, listener, lock, *buffers):
            os.set_inheritable(descriptor, True)
        os.environ[STATE_VARIABLE] = str(kept)

    @classmethod
    def receive(cls) -> Inheritance | None:
        number = os.environ.pop(STATE_VARIABLE, None)
        if number is None:
            return None
        with os.fdopen(int(number), "rb") as file:
            file.seek(0)
            state = json.loads(file.read())
        clients = [
            Client(socket.socket(fileno=int(number)), buffer.encode("latin-1"))
            for number, buffer in state["clients"].items()
        ]
        listener = socket.socket(fileno=state["listener"])
        for inherited in (listener, *(client.sock for client in clients)):
            inherited.set_inheritable(False)
        os.set_inheritable(state["lock"], False)
        doors = Doors(Path(state["path"]), listener, state["lock"], state["inode"])
        return cls(doors, {int(pid): run for pid, run in state["runs"].items()}, clients)
