from __future__ import annotations

import json
from pathlib import Path

from tasks.runtime.items import ItemWriter, plain_stats


def test_a_full_disk_loses_items_but_says_how_many_and_why():
    writer = ItemWriter(Path("/dev/full"))
    for number in range(3):
        writer.add({"n": number})
    writer.flush()
    assert (writer.stored, writer.lost) == (0, 3)
    assert writer.error == "No space left on device"


def test_items_reach_the_disk_while_the_crawl_goes_on(tmp_path):
    writer = ItemWriter(tmp_path / "items.jsonl")
    writer.add({"n": 1})
    assert (tmp_path / "items.jsonl").read_text() == '{"n": 1}\n'
    writer.add({"n": 2})
    writer.close()
    assert writer.stored == 2


def test_statistics_of_any_kind_can_be_saved():
    stats = {"a": 1, "b": float("nan"), ("t", 1): [float("inf"), {"x": 2.5}], "c": None}
    assert json.loads(json.dumps(plain_stats(stats), allow_nan=False)) == {
        "a": 1,
        "b": None,
        "('t', 1)": [None, {"x": 2.5}],
        "c": None,
    }
