"""What axe-core finds wrong with a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = "color-contrast"
# Told in the page: the whole report is megabytes, which Playwright checks value by value.
FIND = """
async options => {
  const found = (await axe.run(options)).violations
  return found.map(each => `${each.id}: ${each.nodes[0].html.slice(0, 200)}`)
}
"""


def violations(page: Any, *, only: str = "", without: str = "") -> list[str]:
    """`only` names one rule, for a page whose others were looked at before; `without` one that was
    looked at elsewhere."""
    chosen = {"type": "rule", "values": [only]} if only else {"type": "tag", "values": WCAG}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # What passes need not be named. None of these rules wants the preload, which writes imported
    # styles into the page later on.
    left_out = {without: {"enabled": False}} if without else {}
    options = {
        "runOnly": chosen,
        "rules": left_out,
        "resultTypes": ["violations"],
        "preload": False,
    }
    found: list[str] = page.evaluate(FIND, options)
    return found
