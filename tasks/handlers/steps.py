"""What can be known of a pipeline's step without running its code: the run itself looks closer."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

from django.utils.translation import gettext as _

from tasks.runtime.own_code import is_file_of_project, is_of_product

_CLASS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)


def problem_of_step(path: str, project: Path) -> str:
    """A sentence with places for number and name, or nothing. A module that is nowhere yet is no
    problem: it may come with the next deploy."""
    if not _CLASS.fullmatch(path):
        return _("Step %(number)s: “%(name)s” is not the path of a class, such as shop.steps.Load.")
    module, _dot, name = path.rpartition(".")
    source = _source(module, project)
    if is_of_product(module, project) or (source is None and _is_installed(module, project)):
        return _("Step %(number)s: %(name)s is not a class of this project.")
    if source is not None and not _names(source, name):
        return _("Step %(number)s: there is no %(name)s in this project.")
    return ""


def _source(module: str, project: Path) -> Path | None:
    stem = project.joinpath(*module.split("."))
    candidates = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _is_installed(module: str, project: Path) -> bool:
    """Looking for a package, not for one inside it, imports nothing."""
    top = module.split(".", maxsplit=1)[0]
    if (project / top).exists():
        return False
    if top in sys.stdlib_module_names:
        return True
    spec = find_spec(top)
    origin = spec.origin if spec else None
    return bool(origin) and not is_file_of_project(Path(str(origin)), project)


def _names(source: Path, name: str) -> bool:
    text = source.read_text(encoding="utf-8", errors="replace")
    return re.search(rf"\b{name}\b", text) is not None
