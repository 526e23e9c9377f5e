"""Whatever a spider puts into its figures and words, its run is settled and no other suffers."""

from __future__ import annotations

import json

import pytest

from tasks.execution.catalogue import save_catalogue
from tasks.execution.folder import run_folder
from tasks.models import SpiderInfo
from tasks.runtime.files import parse_json, read_json
from tasks.secrets import MASK, seal
from tasks.services.runs import cancel_run

WHOLE = "\U0001f600"


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [("closes", "suspicious", "closed_early"), ("raises", "failed", "spider_error")],
)
def test_what_no_table_takes_keeps_no_run_from_its_outcome(bench, how, status, reason):
    run = bench.until_ended(bench.queue("nasty", arguments={"how": how}))
    assert (run.status, run.reason) == (status, reason), bench.log(run)
    assert run.items == 1
    assert WHOLE in json.dumps(run.detail, ensure_ascii=False)
    assert WHOLE in json.dumps(run.stats, ensure_ascii=False)


def test_figures_that_no_table_takes_hold_back_nobody_elses(bench):
    nasty = bench.queue("nasty", arguments={"seconds": 60})
    good = bench.queue("sleeps")
    bench.until_item(nasty)
    bench.until_item(good)
    spoilt = run_folder(nasty) / "progress.json"
    bench.drive(lambda: (read_json(spoilt) or {}).get("items") == 1)

    def figures_came():
        for run in (nasty, good):
            run.refresh_from_db()
        return nasty.items == good.items == 1

    bench.drive(figures_came)
    for run in (nasty, good):
        cancel_run(run_id=run.pk)
        assert bench.until_ended(run).reason == "cancelled"


def test_a_secret_gets_neither_into_the_log_nor_into_what_is_said_of_the_run(bench):
    run = bench.queue("talks")
    run.secrets = {"password": seal("hush & hush")}
    run.save()
    run = bench.until_ended(run)
    assert (run.status, run.reason) == ("failed", "spider_error"), bench.log(run)
    files = run_folder(run).iterdir()
    told = {f.name for f in files if b"hush & hush" in f.read_bytes()} - {"order.json"}
    assert not told
    assert "hush" not in json.dumps(run.detail)
    for words in ("printed", "logged", "no login with"):
        assert f"{words} {MASK}" in bench.log(run)


def test_a_spiders_own_words_may_hold_anything(db):
    words = json.dumps({"title": "half \ud83d", "description": f"nul \0 {WHOLE}"})
    spider = {"name": "odd", "module": "odd", "schema": {}, "gives": ["\0"], "domains": []}
    known = parse_json(words)
    read = {"spiders": [{**spider, "inferred": True, **known}], "presets": []}
    save_catalogue(parse_json(json.dumps(read)))
    found = SpiderInfo.objects.get()
    assert (found.title, found.description) == ("half ?", f"nul  {WHOLE}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"n": NaN, "m": [Infinity]}', {"n": None, "m": [None]}),
        ('{"a\\u0000": "\\ud83d\\ude00 \\ud83d"}', {"a": f"{WHOLE} ?"}),
        ("[1]", None),
        ('{"a": ' * 5000, None),
        ("", None),
    ],
)
def test_a_file_of_a_spider_is_read_as_what_a_table_takes(text, value):
    assert parse_json(text) == value
