from __future__ import annotations

import pytest

from tests.accessibility import violations

PAGES = ("", "category/garden/", "product/zinc-watering-can/", "search/?q=oak", "arrivals/")


@pytest.mark.needs("chromium")
def test_everybody_can_use_the_shop_in_both_themes_and_nothing_is_blocked(live_server, browser):
    page = browser.new_page(color_scheme="light")
    said = []
    page.on("console", lambda message: said.append(message.text))
    for path in PAGES:
        page.goto(f"{live_server.url}/demo/{path}")
        assert (path, violations(page)) == (path, [])
        page.emulate_media(color_scheme="dark")
        assert (path, violations(page, only="color-contrast")) == (path, [])
        page.emulate_media(color_scheme="light")
    assert said == []
    page.close()


@pytest.mark.needs("chromium")
def test_the_shop_fits_on_a_narrow_phone(live_server, browser):
    page = browser.new_page(viewport={"width": 360, "height": 800})
    for path in PAGES:
        page.goto(f"{live_server.url}/demo/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
