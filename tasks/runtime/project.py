from __future__ import annotations

import importlib
import os
import pkgutil
import re
import sys
import traceback
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy import Spider
from scrapy.spiderloader import SpiderLoader, get_spider_loader
from scrapy.utils.project import get_project_settings
from scrapy.utils.spider import iter_spider_classes

from . import reactor
from .files import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.settings import Settings
    from scrapy.spiderloader import SpiderLoaderProtocol

PROJECT_VARIABLE = "SPIDER_SCHEDULER_PROJECT"
PRESETS_SETTING = "SPIDER_SCHEDULER_PRESETS"


@dataclass
class Project:
    settings: Settings
    loader: SpiderLoaderProtocol
    errors: dict[str, str] = field(default_factory=dict)
    """Traceback by module, of the spider modules that don't import."""
    versions: dict[str, str] = field(default_factory=dict)
    is_warm: bool = False
    """What is the same for each of its runs is done already."""


class TolerantSpiderLoader(SpiderLoader):
    """Scrapy's own stops at the first file that doesn't import and hides those after it."""

    def _load_all_spiders(self) -> None:
        self.errors: dict[str, str] = {}
        for name in self.spider_modules:
            self._load_tree(name)
        self._check_name_duplicates()

    def _load_tree(self, name: str) -> None:
        try:
            module = importlib.import_module(name)
            self._load_spiders(module)
        except (Exception, SystemExit):  # noqa: BLE001 - a spider file may raise anything
            self.errors[name] = traceback.format_exc(limit=-8)
            return
        for child in sorted(_modules_below(getattr(module, "__path__", None), name)):
            self._load_tree(child)


def _modules_below(path: list[str] | None, name: str) -> Iterator[str]:
    return (f"{name}.{info.name}" for info in pkgutil.iter_modules(path or []))


def enter_project(path: str) -> None:
    """Stand where `scrapy crawl` would be started: relative paths and imports then work alike."""
    os.chdir(path)
    if path not in sys.path:
        sys.path.insert(0, path)


def load_project(*, reactor_first: bool = False) -> Project:
    settings = get_project_settings()
    if reactor_first:
        reactor.install(settings)
    if settings.get("SPIDER_LOADER_CLASS") != "scrapy.spiderloader.SpiderLoader":
        return Project(settings, get_spider_loader(settings))
    loader = TolerantSpiderLoader(settings)
    return Project(settings, loader, loader.errors)


def spiders_of_module(name: str) -> list[type[Spider]]:
    return list(iter_spider_classes(sys.modules[name]))


def error_of_spider(project: Project, spider: str) -> str | None:
    """The traceback of the broken module that would have held this spider."""
    pattern = re.compile(rf"""\bname\s*(:\s*\w+\s*)?=\s*["']{re.escape(spider)}["']""")
    for module, error in project.errors.items():
        source = _source(module)
        if source and pattern.search(source):
            return error
    return None


def names_in_source(module: str) -> list[str]:
    """Spider names as they stand in a file that can't be imported."""
    source = _source(module) or ""
    return re.findall(r"""^\s+name\s*(?::\s*\w+\s*)?=\s*["']([^"']+)["']""", source, re.MULTILINE)


def _source(module: str) -> str | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or not spec.origin:
        return None
    try:
        return Path(spec.origin).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def project_path() -> str:
    return os.environ.get(PROJECT_VARIABLE) or str(Path.cwd())


def metadata_of(spider: type[Spider]) -> Json:
    """What it says of itself: title, description, gives, columns, may_find_nothing."""
    found = getattr(spider, "metadata", None)
    return found if isinstance(found, dict) else {}


def relies_on_start_requests(spider: type[Spider]) -> bool:
    """Scrapy no longer calls start_requests(): the spider would end without a single request."""
    old = getattr(spider, "start_requests", None)
    own_old = old is not getattr(Spider, "start_requests", None)
    return own_old and spider.start is Spider.start
