"""Entry point, started by path: `python -P boot.py launcher|single|catalogue ...`."""

from __future__ import annotations

import gc
import importlib.util
import sys
import time
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path

# Garbage collection during imports costs a third of the start and frees nothing.
gc.disable()

PACKAGE = "spider_scheduler_runtime"
ENTRIES = {"launcher": "launcher", "single": "single", "catalogue": "catalogue"}


def distrust_new_bytecode() -> None:
    """Of what was edited a moment ago no bytecode is kept: Python would take it for that of a later
    edit in the same second that left the file as long as it was."""
    save = SourceFileLoader.set_data

    def save_unless_new(
        loader: SourceFileLoader, path: str, data: bytes, *, _mode: int = 0o666
    ) -> None:
        edited = int.from_bytes(data[8:12], "little")
        if edited < int(time.time()) - 1:
            save(loader, path, data, _mode=_mode)

    SourceFileLoader.set_data = save_unless_new  # type: ignore[method-assign,assignment]


def load_package() -> None:
    """Put this folder into sys.modules under a name that no project uses."""
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{here} is not a package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in ENTRIES:
        sys.stderr.write(f"usage: boot.py {'|'.join(ENTRIES)} ...\n")
        return 2
    distrust_new_bytecode()
    load_package()
    entry = import_module(f"{PACKAGE}.{ENTRIES[arguments[0]]}")
    return int(entry.main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
