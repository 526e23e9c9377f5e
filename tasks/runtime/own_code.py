"""What of all that can be imported is the project's own code. Imports nothing: forms ask it too."""

from __future__ import annotations

import sys
from pathlib import Path

# Where the product itself stands in the project's folder, none of it is the project's.
OWN_PACKAGES = {"tasks", "scheduler_site", "tests", "manage", "script"}
PRODUCT = Path(__file__).resolve().parents[2]


def is_of_product(module: str, project: Path) -> bool:
    """Other projects may have packages of these names."""
    return module.split(".", maxsplit=1)[0] in OWN_PACKAGES and project.resolve() == PRODUCT


def is_file_of_project(file: Path, project: Path) -> bool:
    """A virtual environment inside its folder is none of its code."""
    file, root = file.resolve(), project.resolve()
    if not file.is_relative_to(root):
        return False
    inner = file.relative_to(root).parts
    hidden = any(part.startswith(".") or part == "site-packages" for part in inner)
    return not hidden and not file.is_relative_to(Path(sys.prefix).resolve())
