from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

PAGES = ("", "category/garden/", "product/zinc-watering-can/", "search/?q=oak", "arrivals/")
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_shop_in_both_themes_and_nothing_is_blocked(
    live_server, browser, scheme
):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    for path in PAGES:
        page.goto(f"{live_server.url}/demo/{path}")
        violations = Axe().run(page, options=WCAG).response["violations"]
        assert [(path, each["id"]) for each in violations] == []
    assert said == []
    context.close()


@pytest.mark.needs("chromium")
def test_the_shop_fits_on_a_narrow_phone(live_server, browser):
    page = browser.new_page(viewport={"width": 360, "height": 800})
    for path in PAGES:
        page.goto(f"{live_server.url}/demo/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
