from __future__ import annotations

import json
from pathlib import Path

import pytest

from script.benchmarks import __main__ as bench

MODULE = """from __future__ import annotations
from django.conf import settings
from tasks.models import Task

def run(*, quick):
    assert Task.objects.count() == 0
    row = {"name": "start", "ours": 24.04, "beside": 1430, "unit": "ms", "note": str(quick)}
    return [row, {"name": "alone", "ours": 7, "beside": None, "unit": "s", "note": ""}]
"""


@pytest.fixture
def made_up_module(monkeypatch, tmp_path) -> Path:
    file = tmp_path / "made_up.py"
    file.write_text(MODULE)
    monkeypatch.setattr(bench, "MODULES", {"made_up": "made_up"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return file


def bench_with(monkeypatch, *options: str) -> int:
    monkeypatch.setattr("sys.argv", ["bench", *options])
    return bench.main()


def test_figures_are_printed_and_written(monkeypatch, capsys, tmp_path, made_up_module):
    report = tmp_path / "figures.json"
    assert bench_with(monkeypatch, "--quick", "--json", str(report)) == 0
    printed = capsys.readouterr().out
    assert "24" in printed
    assert "1,430" in printed
    results = json.loads(report.read_text())["results"]
    assert [(row["module"], row["ours"], row["note"]) for row in results] == [
        (made_up_module.stem, 24.04, "True"),
        (made_up_module.stem, 7, ""),
    ]


def test_a_module_that_fails_fails_the_whole(monkeypatch, capsys, made_up_module):
    made_up_module.write_text("def run(*, quick): raise RuntimeError('broken')\n")
    assert bench_with(monkeypatch) == 1
    assert made_up_module.stem in capsys.readouterr().out
