from __future__ import annotations

import pytest

from tests.environment import ROOT

from .tools import passes, python, run, tracked, tracked_below


def test_the_code_is_clean_by_ruff():
    assert passes(python("-m", "ruff", "check", "--quiet", "."))


def test_the_code_is_formatted_by_ruff():
    assert passes(python("-m", "ruff", "format", "--quiet", "--diff", "."))


@pytest.mark.long
def test_the_types_hold_under_strict_mypy():
    assert passes(python("-m", "mypy", "--no-error-summary"))


@pytest.mark.long
def test_the_types_hold_on_macos_too(tmp_path):
    """Typeshed knows what Python lacks there: whatever only Linux has must stand behind a check."""
    line = ("--no-error-summary", "--platform", "darwin", "--cache-dir", str(tmp_path))
    assert passes(python("-m", "mypy", *line))


def test_imports_run_one_way():
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    assert passes(python("-c", command))


def test_the_templates_are_clean_by_djlint():
    assert passes(python("-m", "djlint", "templates", "--lint", "--quiet"))


def shell_scripts() -> list[str]:
    return [
        str(file.relative_to(ROOT))
        for file in tracked()
        if not file.suffix and file.read_bytes()[:2] == b"#!" and b"sh" in file.read_bytes()[:20]
    ]


@pytest.mark.parametrize("script", shell_scripts())
def test_shell_scripts_parse_and_may_be_executed(script):
    shell = (ROOT / script).read_text(encoding="utf-8").splitlines()[0].split("/")[-1].split()[-1]
    assert passes(run(shell, "-n", script))
    assert (ROOT / script).stat().st_mode & 0o111


def test_there_are_shell_scripts_to_check():
    assert {"script/bootstrap", "script/server", "script/test"} <= set(shell_scripts())
    assert tracked_below("tasks")
