from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from tasks import wake
from tasks.wake import QUEUED, Doorbell, ring, socket_path

LIMIT_OF_MACOS = 104  # with the byte that ends it


@pytest.fixture
def deep():
    """Makes a folder whose path is exactly that long."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="w") as base:
        yield lambda length: make(Path(base), length)


def make(base, length):
    rest = length - len(str(base)) - 1
    folder = base / ("d" * rest)
    folder.mkdir()
    return folder


@pytest.mark.parametrize("length", [40, 70, 76, 77, 90, 98, 120, 200])
def test_a_bell_is_heard_however_deep_its_folder_lies(deep, length, monkeypatch):
    folder = deep(length)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder.parent))
    bell = Doorbell(folder)
    try:
        assert len(os.fsencode(bell.path)) < LIMIT_OF_MACOS
        ring(folder)
        assert bell.answer() == {QUEUED}
    finally:
        bell.close()


def test_the_temporary_folder_of_macos_is_too_long_itself(deep, monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/var/folders/zz/" + "z" * 30 + "/T")
    path = socket_path(deep(150), "launcher.sock")
    assert path.is_relative_to(f"/tmp/spider-scheduler-{os.getuid()}")
    with socket.socket(socket.AF_UNIX) as sock:
        path.unlink(missing_ok=True)
        sock.bind(str(path))
    path.unlink()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.rmdir()


@pytest.mark.parametrize("link", [False, True])
def test_a_short_folder_that_somebody_else_made_is_not_used(deep, monkeypatch, link):
    strangers = deep(40)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(strangers))
    monkeypatch.setattr(wake.os, "getuid", lambda: 12345)
    short = strangers / "spider-scheduler-12345"
    if link:
        short.symlink_to(strangers)
    with pytest.raises(RuntimeError, match="somebody else"):
        socket_path(strangers / ("d" * 100), "x")
