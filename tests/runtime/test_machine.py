from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest

from tasks.runtime import family, machine
from tests.elsewhere import no_proc  # noqa: F401 - a fixture
from tests.waiting import wait_until


@pytest.fixture(params=["/proc", "psutil"])
def source(request):
    """Where the answers come from: each has to give the same."""
    if request.param == "psutil":
        request.getfixturevalue("no_proc")
    return request.param


@pytest.fixture
def process():
    process = subprocess.Popen(["/bin/sleep", "300"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_by_its_number_and_its_start(source, process):
    started = machine.start_ticks(process.pid)
    raw = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    assert started == int(raw[19])
    assert machine.is_alive(process.pid, started)
    assert machine.is_alive(process.pid, None)
    assert not machine.is_alive(process.pid, started - 1)


def test_one_that_has_ended_is_gone_though_its_parent_has_not_noticed(source, process):
    process.kill()
    wait_until(lambda: machine.look_at(process.pid).has_ended)
    assert not machine.is_alive(process.pid, None)
    process.wait()
    assert machine.look_at(process.pid) is None
    assert machine.start_ticks(process.pid) is None


def test_a_suspended_one_is_alive(source, process):
    assert not machine.look_at(process.pid).is_suspended
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: machine.look_at(process.pid).is_suspended)
    assert machine.is_alive(process.pid, machine.start_ticks(process.pid))


def test_children_are_found(source, process):
    assert process.pid in machine.children()


def test_what_a_run_left_ends_with_it_also_below_its_children(source):
    """In a process of its own, whose children are all that end."""
    source_line = f"machine.PROC = pathlib.Path({str(machine.PROC)!r})"
    code = (
        "import pathlib, subprocess, sys\n"
        "from tasks.runtime import family, machine\n"
        f"{source_line}\n"
        "family.adopt_orphans()\n"
        'below = \'import subprocess; print(subprocess.Popen(["/bin/sleep", "300"], stdout=-3,\'\n'
        "below += 'start_new_session=True).pid, flush=True); input()'\n"
        "between = subprocess.Popen([sys.executable, '-c', below], stdin=-1, stdout=-1)\n"
        "left = int(between.stdout.readline())\n"
        "family.end_children()\n"
        "print(left, machine.is_alive(left, None), machine.children())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    left, *rest = done.stdout.split(maxsplit=1)
    assert rest == ["False []\n"]
    assert not machine.is_alive(int(left), None)


def test_orphans_are_adopted_on_linux_alone(source):
    assert family.can_adopt() == (source == "/proc")


def test_memory_of_this_process_is_told(source):
    real = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024
    assert machine.resident_kb() == pytest.approx(real, rel=0.1)


def test_the_most_memory_is_told_in_kilobytes_everywhere(monkeypatch):
    usage = types.SimpleNamespace(ru_maxrss=2048)
    assert machine.peak_kb(usage) == 2048
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    assert machine.peak_kb(usage) == 2


def test_open_connections_are_found(source):
    before = machine.connections()
    with socket.socket() as one:
        assert [number for number in machine.connections() if number not in before] == [
            one.fileno()
        ]


def test_descriptors_are_tried_where_nobody_lists_them(monkeypatch):
    def missing(_path):
        raise FileNotFoundError

    with socket.socket() as one:
        monkeypatch.setattr(machine.os, "listdir", missing)
        assert one.fileno() in machine.connections()


def one_more_is_counted():
    done = threading.Event()
    before = machine.count_threads()
    thread = threading.Thread(target=done.wait)
    thread.start()
    after = machine.count_threads()
    done.set()
    thread.join()
    return after == before + 1


def test_threads_are_counted(source):
    # One that an earlier test left may end in between.
    wait_until(one_more_is_counted)


def test_no_boot_is_made_up_where_the_system_names_none(no_proc):  # noqa: F811
    assert machine.boot_id() == ""


def test_macos_names_its_boots():
    def sysctlbyname(name, value, size, _new, _length):
        assert (name, size._obj.value) == (b"kern.bootsessionuuid", 64)
        value.value = b"6F1B2A54-0000-4000-8000-000000000001"
        return 0

    library = types.SimpleNamespace(sysctlbyname=sysctlbyname)
    assert machine._boot_session(library) == "6F1B2A54-0000-4000-8000-000000000001"
    library.sysctlbyname = lambda *_: -1
    assert machine._boot_session(library) == ""


def test_a_run_on_linux_does_not_wait_for_psutil_to_be_imported():
    code = (
        "import sys; from tasks.runtime import child, launcher, single, machine as m;"
        "m.start_ticks(1); m.boot_id(); m.children(); m.resident_kb(); m.connections();"
        "sys.exit('psutil' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=os.curdir).returncode == 0
