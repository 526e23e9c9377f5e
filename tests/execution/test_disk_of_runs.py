"""Runs may lie on a disk of their own, below DATA_DIR."""

from __future__ import annotations

import pytest

from tasks.services.health import get_health
from tests.small_disk import small_disk

MEGABYTE = 1024 * 1024


@pytest.fixture
def disk(data_dir, monkeypatch):
    with small_disk(data_dir / "runs", 8) as disk:
        monkeypatch.setattr("tasks.execution.worker.LEAST_FREE_BYTES", MEGABYTE)
        monkeypatch.setattr("tasks.services.health.LEAST_FREE_BYTES", MEGABYTE)
        yield disk


def test_nothing_starts_while_the_disk_of_the_runs_is_full(disk, bench, caplog):
    assert get_health()["checks"]["disk"]["ok"]
    disk.fill()
    run = bench.queue("echo")
    assert bench.leaves_waiting(run)
    assert (bench.worker.condition.disk_free, bench.worker.condition.disk_total) == (
        0,
        8 * MEGABYTE,
    )
    assert get_health()["checks"]["disk"] == {
        "ok": False, "free_bytes": 0, "total_bytes": 8 * MEGABYTE,
    }  # fmt: skip
    assert "only 0 MB are free" in caplog.text
    disk.empty()
    assert bench.until_ended(run).status == "succeeded"
