from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scheduler_site.environment import Environment, secret_key


def test_processes_that_start_together_get_the_same_key(data_dir: Path) -> None:
    env = Environment(data_dir / "none")
    with ThreadPoolExecutor(20) as pool:
        keys = set(pool.map(lambda _: secret_key(env, data_dir), range(40)))
    assert len(keys) == 1
    assert len(keys.pop()) > 60
    files = list(data_dir.iterdir())
    assert [file.name for file in files] == ["secret_key"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
