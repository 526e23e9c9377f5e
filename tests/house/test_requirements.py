"""The pinned files against pyproject.toml and what is installed, without a package index."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.environment import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = {
    "requirements.txt": PROJECT["dependencies"],
    "requirements-dev.txt": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"],
}
HINT = "Run script/lock and commit what it writes."
files = pytest.mark.parametrize("name", DIRECT)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = [Requirement(line) for line in re.findall(r"^\w.*", text, re.MULTILINE)]
    here = [line for line in lines if line.marker is None or line.marker.evaluate()]
    return {canonicalize_name(line.name): str(line.specifier).removeprefix("==") for line in here}


def applies(wanted: Requirement, extra: str) -> bool:
    environment = {**default_environment(), "extra": extra}
    return wanted.marker is None or wanted.marker.evaluate(environment)


def needed_by(requirement: Requirement) -> list[Requirement]:
    try:
        lines = requires(requirement.name) or []
    except PackageNotFoundError:
        return []
    wanted = [Requirement(line) for line in lines]
    extras = ["", *requirement.extras]
    return [each for each in wanted if any(applies(each, extra) for extra in extras)]


def closure(lines: list[str]) -> list[Requirement]:
    waiting, seen, found = [Requirement(line) for line in lines], set(), []
    while waiting:
        each = waiting.pop()
        if (key := (canonicalize_name(each.name), frozenset(each.extras), str(each))) in seen:
            continue
        seen.add(key)
        found.append(each)
        waiting += needed_by(each)
    return found


@files
def test_every_requirement_is_pinned_to_a_version_that_it_allows(name):
    pinned = pins(name)
    wrong = [
        str(each)
        for each in closure(DIRECT[name])
        if not each.specifier.contains(pinned.get(canonicalize_name(each.name), "0"), True)
    ]
    assert wrong == [], HINT


@files
def test_nothing_is_pinned_that_nobody_asks_for(name):
    asked = {canonicalize_name(each.name) for each in closure(DIRECT[name])}
    strangers = {package for package in set(pins(name)) - asked if is_installed(package)}
    assert strangers == set(), HINT


def test_development_uses_the_versions_that_users_get():
    users, developers = pins("requirements.txt"), pins("requirements-dev.txt")
    assert users.items() <= developers.items(), HINT


def test_the_tests_run_on_the_pinned_versions():
    here = {name: version(name) for name in pins("requirements-dev.txt") if is_installed(name)}
    assert here.items() <= pins("requirements-dev.txt").items()


def is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


@files
def test_no_package_index_is_named(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links", text)


def test_every_direct_dependency_has_its_reason_in_the_decisions():
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").lower()
    lines = [*PROJECT["dependencies"]]
    for group in PROJECT["optional-dependencies"].values():
        lines += group
    names = {Requirement(line).name.lower() for line in lines}
    assert {name for name in names if f"`{name}`" not in text} == set()
