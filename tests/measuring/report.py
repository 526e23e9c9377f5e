"""What ran, told to coverage.py: it knows what could have, and prints both."""

from __future__ import annotations

import io
import os
import pickle
import shutil
from pathlib import Path

import pytest
from coverage import Coverage
from coverage.python import PythonFileReporter

from tests.measuring.marking import Mark, arcs_of


def tell(coverage: Coverage, marks: dict[str, list[Mark]], hits: bytes) -> None:
    data, first = coverage.get_data(), 0
    for path, of_file in marks.items():
        passed = [mark for number, mark in enumerate(of_file, first) if hits[number]]
        first += len(of_file)
        possible = PythonFileReporter(path, coverage).arcs()
        data.add_arcs({path: set(arcs_of(passed, possible))})
        data.touch_file(path)


class Report:
    """A plugin of the pytest that measures."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.coverage = Coverage(data_file=None, config_file=str(root / "pyproject.toml"))
        self.text = ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        marks = pickle.loads((self.folder / "marks").read_bytes())
        tell(self.coverage, marks, (self.folder / "hits").read_bytes())
        shutil.rmtree(self.folder)
        out = io.StringIO()
        total = self.coverage.report(file=out)
        floor = self.coverage.get_option("report:fail_under")
        reached = "reached" if total >= floor else "not reached"
        self.text = f"{out.getvalue()}\nThe floor of {floor:g} % is {reached}: {total:.2f} %"
        if total < floor and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("branch coverage")
        terminalreporter.write_line(self.text)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ["SPIDER_SCHEDULER_MEASURED"])
        config.pluginmanager.register(Report(folder, config.rootpath))
