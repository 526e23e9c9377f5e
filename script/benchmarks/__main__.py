"""Runs the benchmarks, each module in a process, a data folder and a database of its own.

A module has `run(*, quick: bool) -> list[Result]`, where Result is a dict with `name`, `ours`,
`beside` (the same measure of the comparison, or None), `unit` and `note`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = {
    file.stem: f"script.benchmarks.{file.stem}"
    for file in sorted(HERE.glob("[a-z]*.py"))
    if "\ndef run(" in file.read_text(encoding="utf-8")
}
COLUMNS = ("Measured", "Ours", "Beside", "Unit", "Note")

ONE_MODULE = """
import importlib, json, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
name, quick, file = sys.argv[1:]
results = importlib.import_module(name).run(quick=quick == "quick")
with open(file, "w", encoding="utf-8") as out:
    json.dump(results, out)
"""


def measure(module: str, *, quick: bool, folder: Path) -> list[dict[str, Any]]:
    file = folder / "results.json"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
        "DATA_DIR": str(folder / "data"),
        "ENV_FILE": os.devnull,
        "DEMO": "on",
        # A line for each firing would bury the table.
        "LOG_LEVEL": "WARNING",
    }
    speed = "quick" if quick else "thorough"
    subprocess.run(
        [sys.executable, "-c", ONE_MODULE, MODULES[module], speed, str(file)],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    results: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return [{"module": module, **result} for result in results]


def machine() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def text(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
    return "" if value is None else str(value)


def print_table(console: Console, module: str, results: list[dict[str, Any]]) -> None:
    table = Table(*COLUMNS, title=module, title_justify="left")
    for result in results:
        keys = ("name", "ours", "beside", "unit", "note")
        table.add_row(*(text(result.get(key)) for key in keys))
    console.print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    parser.add_argument("--only", metavar="NAME", action="append", choices=MODULES, default=[])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, rougher figures")
    return parser.parse_args()


def main() -> int:
    options, console, found, broken = arguments(), Console(), [], []
    for module in options.only or MODULES:
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            try:
                results = measure(module, quick=options.quick, folder=Path(folder))
            except subprocess.CalledProcessError:
                broken.append(module)
                continue
        print_table(console, module, results)
        found += results
    if options.json:
        report = {"machine": machine(), "results": found}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for module in broken:
        console.print(f"{module} failed; its own words are above.", style="red")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
