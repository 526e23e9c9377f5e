from __future__ import annotations

import subprocess
import sys

from tests.environment import ROOT

# A library that is told to end right after it has taken a lock.
TOLD_TO_END = """
import os, signal, threading, time
from tasks.runtime import jobs

signal.signal(signal.SIGTERM, jobs._stop)
lock, library = threading.Lock(), {"__name__": "threading"}
exec('''
def work(lock, kill, *told):
    lock.acquire()
    kill(*told)
    for _ in range(100):
        pass
    lock.release()
''', library)
try:
    library["work"](lock, os.kill, os.getpid(), signal.SIGTERM)
    time.sleep(30)
except jobs.Stopped:
    print("stopped, and the lock is", "taken" if lock.locked() else "free")
"""


def test_a_job_that_is_told_to_end_leaves_no_lock_taken():
    command = [sys.executable, "-c", TOLD_TO_END]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.stdout, done.stderr) == ("stopped, and the lock is free\n", "")
