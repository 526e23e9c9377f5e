"""Imports everything that a crawl needs, so that forked runs find it in memory."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from importlib import import_module
from logging.config import dictConfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.utils.log import DEFAULT_LOGGING
from twisted.internet.ssl import AcceptableCiphers

from .crawl import REMOTE_DOORS, set_bases
from .files import Json
from .machine import connections, count_threads, has_proc
from .project import Project, load_project

if TYPE_CHECKING:
    from scrapy.settings import Settings

PLATFORMS = {"darwin": "macOS"}
COMPONENT_TABLES = (
    "EXTENSIONS",
    "DOWNLOADER_MIDDLEWARES",
    "SPIDER_MIDDLEWARES",
    "ITEM_PIPELINES",
)
COMPONENTS = (
    "SCHEDULER",
    "DUPEFILTER_CLASS",
    "SCHEDULER_PRIORITY_QUEUE",
    "SCHEDULER_MEMORY_QUEUE",
    "SCHEDULER_DISK_QUEUE",
    "SCHEDULER_START_MEMORY_QUEUE",
    "STATS_CLASS",
    "LOG_FORMATTER",
    "REQUEST_FINGERPRINTER_CLASS",
    "DOWNLOADER",
    "ITEM_PROCESSOR",
    "TWISTED_DNS_RESOLVER",
    "ROBOTSTXT_PARSER",
    "REFERRER_POLICY",
)
# Imported at a crawl's first request otherwise.
LATE_MODULES = (
    "concurrent.futures.thread",
    "encodings.idna",
    "encodings.cp1252",
    "encodings.utf_8_sig",
    "scrapy.core.downloader.handlers.http11",
    "scrapy.core.downloader.contextfactory",
    "scrapy.pqueues",
    "scrapy.squeues",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "twisted.web.client",
)


def preload(*, reactor_first: bool = False) -> Project:
    project = load_project(reactor_first=reactor_first)
    for name in LATE_MODULES:
        _try_import(name)
    if not has_proc():
        _try_import("psutil")
    for path in _component_paths(project.settings):
        _try_import(path.rpartition(".")[0])
    project.versions = _versions(project.settings)
    _warm(project)
    return project


def _warm(project: Project) -> None:
    """What Scrapy would do in each run alike, a tenth of its start."""
    set_bases(project.settings)
    dictConfig(DEFAULT_LOGGING)
    remember: Any = AcceptableCiphers.fromOpenSSLCipherString
    with contextlib.suppress(Exception):  # the run itself says what is wrong with them
        remember(project.settings["DOWNLOADER_CLIENT_TLS_CIPHERS"])
    project.is_warm = True


def _component_paths(settings: Settings) -> list[str]:
    found: list[Any] = [settings.get(name) for name in COMPONENTS]
    for table in COMPONENT_TABLES:
        found += [part for part, place in settings.getwithbase(table).items() if place is not None]
    # The reactor's own handlers are in LATE_MODULES; the others (S3, FTP) load when first used.
    return [path for path in found if isinstance(path, str) and path not in REMOTE_DOORS]


def _try_import(name: str) -> None:
    """A part that doesn't import fails in the crawl that needs it, with its own traceback."""
    if not name:
        return
    try:
        import_module(name)
    except Exception:  # noqa: BLE001 - project code may raise anything
        sys.stderr.write(f"could not preload {name}\n")


def _versions(settings: Settings) -> dict[str, str]:
    import scrapy  # noqa: PLC0415 - imported by the project anyway
    from scrapy.utils.versions import get_versions  # noqa: PLC0415

    names = settings.getlist("LOG_VERSIONS")
    return {"Scrapy": scrapy.__version__, **dict(get_versions(names))}


def reasons_against_forking(own: set[int]) -> list[Json]:
    """A fork copies one thread only, and shares sockets and event loops with its parent."""
    reasons: list[Json] = []
    if not has_proc():
        name = PLATFORMS.get(sys.platform, sys.platform)
        reasons.append({"code": "fork_platform", "platform": name})
    if "twisted.internet.reactor" in sys.modules:
        reasons.append({"code": "fork_reactor"})
    if (threads := count_threads()) != 1:
        reasons.append({"code": "fork_threads", "n": threads - 1})
    if any(number not in own for number in connections()):
        reasons.append({"code": "fork_connections"})
    return reasons


class Watch:
    """Notices that loaded code, a spider folder or an installed package has changed."""

    def __init__(self, folders: list[str], *, loading_since: int) -> None:
        files = {*_project_files(), *_package_folders(), *_python_files(folders)}
        self._stamps = {file: _stamp(file) for file in files}
        # Edited while it was being loaded: what is in memory may be the older text.
        span = range(loading_since, time.time_ns())
        self._late = next(
            (file for file, stamp in self._stamps.items() if _at(stamp) in span), None
        )

    def changed(self) -> str | None:
        if self._late is not None:
            return self._late
        for file, stamp in self._stamps.items():
            if _stamp(file) != stamp:
                return file
        return None


def _at(stamp: tuple[int, int] | None) -> int:
    return stamp[0] if stamp else 0


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - in a loop over hundreds
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _project_files() -> list[str]:
    """Of installed packages the folder is enough: installing replaces entries in it."""
    installed = tuple(f"{prefix}{os.sep}lib" for prefix in (sys.prefix, sys.base_prefix))
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return [file for file in files if file and not file.startswith(installed)]


def _package_folders() -> list[str]:
    return [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]


def _python_files(folders: list[str]) -> list[str]:
    """Broken files too: they are in no list of modules, and mending them must be noticed."""
    found: list[str] = []
    for folder in folders:
        for parent, children, files in os.walk(folder):
            children[:] = [name for name in children if not _is_foreign(name)]
            sources = [f"{parent}{os.sep}{name}" for name in files if name.endswith(".py")]
            # A folder's own stamp tells of new files.
            found += [parent, *sources] if sources else []
    return found


def _is_foreign(folder: str) -> bool:
    return folder.startswith(".") or folder in {"__pycache__", "node_modules", "site-packages"}


def spider_folders(project: Project | None) -> list[str]:
    if project is None:
        return [str(Path.cwd())]
    names = project.settings.getlist("SPIDER_MODULES")
    files = [getattr(sys.modules.get(name), "__file__", None) for name in names]
    folders = [str(Path(file).parent) for file in files if file]
    return folders or [str(Path.cwd())]
