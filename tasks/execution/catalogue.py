"""Keeps the table of spiders fresh. Spiders are imported in a child process only."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tasks.executors.local import BOOT, launcher_environment
from tasks.models import Preset, SpiderInfo
from tasks.outcomes import Said, sentence
from tasks.runtime.files import Json, parse_json
from tasks.services.addresses import demo_url

logger = logging.getLogger(__name__)

IMPORT_SECONDS = 60
LOOK_EVERY = 2.0
PRUNED = {"__pycache__", "node_modules", "site-packages"}


class CatalogueUnreadable(RuntimeError):
    """The project's spiders could not be listed at all; the table stays as it was."""

    def __init__(self, code: str, **values: str | int) -> None:
        self.said: Said = {"code": code, **values}
        super().__init__(sentence(self.said))


def refresh_catalogue() -> list[SpiderInfo]:
    return save_catalogue(read_catalogue())


def read_catalogue() -> Json:
    try:
        done = subprocess.run(  # noqa: S603 - no input is in it
            [sys.executable, "-P", str(BOOT), "catalogue"],
            env=project_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CatalogueUnreadable("catalogue_slow", seconds=IMPORT_SECONDS) from None
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    catalogue = parse_json(lines[-1]) if lines else None
    if catalogue is None:
        error = done.stderr.decode("utf-8", "replace")[-2000:]
        error = error or f"exit code {done.returncode}"
        raise CatalogueUnreadable("catalogue_broken", error=error)
    if catalogue.get("error"):
        raise CatalogueUnreadable("catalogue_broken", error=str(catalogue["error"]))
    return catalogue


def project_environment() -> dict[str, str]:
    return launcher_environment(
        project=Path(settings.SCRAPY_PROJECT_PATH),
        configured=settings.SCRAPY_SETTINGS_MODULE,
        base=settings.BASE_DIR,
        demo_url=demo_url(),
    )


def save_catalogue(catalogue: Json) -> list[SpiderInfo]:
    now = timezone.now()
    with transaction.atomic():
        infos = [_save_spider(spider, now) for spider in catalogue["spiders"]]
        SpiderInfo.objects.exclude(name__in=[info.name for info in infos]).delete()
        _save_presets([str(name) for name in catalogue["presets"]])
    return infos


def _save_presets(names: list[str]) -> None:
    Preset.objects.exclude(name__in=names).delete()
    Preset.objects.bulk_create([Preset(name=name) for name in names], ignore_conflicts=True)


def _save_spider(spider: Json, now: Any) -> SpiderInfo:
    """Of one that no longer loads the last known arguments stay, so that its tasks do too."""
    if spider.get("error"):
        found = {"error": spider["error"], "module": spider["module"], "seen_at": now}
    else:
        names = ("title", "description", "module", "schema", "gives", "domains", "inferred")
        found = {name: spider[name] for name in names}
        found |= {"error": "", "warning": _warning(spider), "seen_at": now}
        found["title"] = str(found["title"])[:200]
    info, _created = SpiderInfo.objects.update_or_create(name=spider["name"][:200], defaults=found)
    return info


def _warning(spider: Json) -> str:
    return "start_requests" if spider.get("start_requests") else ""


class CatalogueKeeper:
    """A thread of the worker: reads the catalogue at the start and after each change of code."""

    def __init__(self) -> None:
        self.problem: Said | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="catalogue", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(IMPORT_SECONDS)

    def _run(self) -> None:
        known: dict[str, int] = {}
        try:
            while not self._stopping.is_set():
                stamps = source_stamps(Path(settings.SCRAPY_PROJECT_PATH))
                if stamps != known and self._refresh():
                    known = stamps
                self._stopping.wait(LOOK_EVERY)
        finally:
            connection.close()

    def _refresh(self) -> bool:
        try:
            started = time.monotonic()
            infos = refresh_catalogue()
        except CatalogueUnreadable as error:
            self.problem = error.said
            logger.warning("%s", error)
            return True
        except DatabaseError as error:
            logger.warning("the spiders could not be saved: %s", error)
            connection.close()
            return False
        except Exception:  # the thread goes on, for the next change of code
            logger.exception("the spiders could not be listed")
            return True
        self.problem = None
        logger.info("%s spiders listed in %.1f s", len(infos), time.monotonic() - started)
        return True


def source_stamps(root: Path) -> dict[str, int]:
    """When the project's Python files last changed; data, tests and libraries are left out."""
    return {path: _mtime(path) for path in _sources(root)}


def _sources(root: Path) -> Iterable[str]:
    left_out = {*PRUNED, Path(settings.DATA_DIR).name, "tests", "locale", "static"}
    for parent, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in left_out and name[0] != "."]
        yield from (f"{parent}{os.sep}{name}" for name in files if name.endswith(".py"))


def _mtime(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - in a loop over hundreds
    except OSError:
        return 0
