"""The page that a run went wrong at, as it was kept: facts to show, text to download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from tasks.execution.folder import open_plain, run_folder
from tasks.models import Run
from tasks.runtime.files import PAGE_FACTS, PAGE_TEXT, read_json

PART = 64 * 1024


@dataclass(frozen=True, slots=True)
class FailingPage:
    words: str
    url: str
    size: str

    @property
    def link(self) -> str:
        """Only what a browser opens as a page of the web."""
        return self.url if self.url.startswith(("http://", "https://")) else ""


def facts_of(run: Run) -> dict[str, Any]:
    path = run_folder(run) / PAGE_FACTS
    return {} if path.is_symlink() else read_json(path) or {}


def failing_page(run: Run) -> FailingPage | None:
    facts = facts_of(run)
    path = run_folder(run) / PAGE_TEXT
    if not facts or path.is_symlink() or not path.is_file():
        return None
    size = filesizeformat(path.stat().st_size)
    return FailingPage(_words(facts), str(facts.get("url", ""))[:2000], size)


def _words(facts: dict[str, Any]) -> str:
    words = {
        "callback": _("At this page the spider stopped at an error."),
        "wall": _("This is what the website showed instead of its content."),
        "status": _("The website answered this page with an error (answer %(code)s)."),
        "empty": _("The first page that the spider read and found nothing in."),
    }
    return words.get(str(facts.get("why")), "") % {"code": facts.get("status", "–")}


def parts_of(run: Run) -> Iterator[bytes]:
    """Nothing where it is gone, or is no plain file."""
    try:
        with open_plain(run_folder(run) / PAGE_TEXT) as file:
            while part := file.read(PART):
                yield part
    except OSError:
        return
