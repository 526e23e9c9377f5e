from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from coverage import Coverage

from tests.measuring.__main__ import FOLDER, hook_into_every_process, prepare
from tests.measuring.marking import HITS, marked
from tests.measuring.report import Report, tell

SAMPLE = '''"""What decides, in each way that Python knows."""

from __future__ import annotations

import contextlib


def once(function):
    return function


@once
@once
class Shop:
    """A docstring."""

    open = True

    @once
    def name(self):
        return "shop"


def decide(n):
    """Another."""
    if n > 3:
        kind = "many"
    elif n == 3:
        kind = "three"
    else:
        kind = "few"
    if n == 1:
        return kind
    for each in range(n):
        if each == 1:
            continue
        if each == 2:
            break
    else:
        kind += "!"
    while n:
        n -= 1
        if n == 4:
            return (
                kind
                + "?"
            )
    return kind


def fit(thing):
    match thing:
        case int() if thing > 3:
            return "large"
        case [first, *_] | (
            {"first": first}
        ):
            return first
        case str():
            thing = thing.upper()
    match thing:
        case "NO":
            return "refused"
        case _:
            return thing


def survive(number):
    try:
        with contextlib.suppress(KeyError):
            if number == 1:
                raise KeyError
            if number == 2:
                raise ValueError
        if number == 3:
            raise OSError
    except (ValueError, TypeError):
        return "value"
    except OSError as error:
        return error
    except:
        raise
    else:
        number += 1
    finally:
        number = [
            each
            for each in range(number)
            if each
        ]
    return number


async def count():
    async for each in numbers():
        if each:
            yield each
    async with contextlib.nullcontext():
        pass


async def numbers():
    while True:
        yield 1
        return


async def use():
    return [each async for each in count()]


def never():
    for each in ():
        return each
'''


def told(coverage, file, tmp_path):
    out = tmp_path / "report.json"
    coverage.json_report(morfs=[str(file)], outfile=str(out))
    (found,) = json.loads(out.read_text())["files"].values()
    names = ["executed_lines", "missing_lines", "executed_branches", "missing_branches"]
    return {name: found[name] for name in names}


def traced(calls, file, tmp_path):
    coverage = Coverage(data_file=None, config_file=False, branch=True, include=[str(file)])
    with coverage.collect():
        run(compile(SAMPLE, str(file), "exec"), {}, calls)
    return told(coverage, file, tmp_path)


def measured(calls, file, tmp_path):
    code, marks = marked(SAMPLE, str(file), 0)
    hits = bytearray(len(marks))
    run(code, {HITS: hits}, calls)
    coverage = Coverage(data_file=None, config_file=False, branch=True)
    tell(coverage, {str(file): marks}, hits)
    return told(coverage, file, tmp_path)


def run(code, names, calls):
    exec(code, names)
    with suppress(TypeError):
        exec(calls, names)


@pytest.mark.parametrize(
    "calls",
    [
        "",
        *(f"decide({n})" for n in (0, 1, 2, 3, 4, 6)),
        *(f"fit({thing})" for thing in (5, 1, [4], {"first": 2}, "'yes'", "'no'", None)),
        *(f"survive({n})" for n in (0, 1, 2, 3, "None")),
        "import asyncio; asyncio.run(use())",
        "Shop().name()",
        "never()",
    ],
)
def test_what_is_marked_is_what_a_tracer_sees(calls, tmp_path):
    file = tmp_path / "sample.py"
    file.write_text(SAMPLE)
    assert measured(calls, file, tmp_path) == traced(calls, file, tmp_path)


PROCESSES = """
import os
import signal
import sys

if "replaced" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
elif child := os.fork():
    os.waitpid(child, 0)
    os.execv(sys.executable, [*sys.orig_argv, "replaced"])
else:
    os._exit(0)
"""


@pytest.fixture
def site(tmp_path):
    """Of which one file was measured."""
    file = tmp_path / "tasks" / "work.py"
    file.parent.mkdir()
    file.write_text(PROCESSES)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.coverage]\nrun.branch = true\nreport.fail_under = 90\n"
    )
    return SimpleNamespace(root=tmp_path, folder=prepare(tmp_path))


def start(site):
    hook_into_every_process(site.root)
    code = f"import site; site.addsitedir({str(site.root)!r}); import tasks.work"
    environment = {**os.environ, FOLDER: str(site.folder)}
    subprocess.run([sys.executable, "-c", code], cwd=site.root, env=environment, check=False)


def end(site):
    report, session = Report(site.folder, site.root), SimpleNamespace(exitstatus=0)
    report.pytest_sessionfinish(session)
    return session.exitstatus, report.text


def test_processes_that_are_forked_replaced_or_killed_are_measured(site):
    start(site)
    status, text = end(site)
    assert status == 0
    assert "The floor of 90 % is reached: 100.00 %" in text
    assert not site.folder.exists()


def test_below_the_floor_the_tests_have_failed(site):
    status, text = end(site)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "The floor of 90 % is not reached: 0.00 %" in text
