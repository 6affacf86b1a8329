"""A control: what no page of the product may have is found when a page has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.accessibility import violations

pytestmark = pytest.mark.e2e

UNSOUND = """<!doctype html><html lang="en"><title>Unsound</title><style>
p { color: #000; background: #fff }
@media (prefers-color-scheme: dark) { p { color: #333; background: #222 } }
</style><main><h1>Unsound</h1><p>Grey on grey at night.</p><img src="data:,"></main></html>"""


def test_what_is_unsound_is_found_in_the_theme_that_has_it(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(UNSOUND)
    found = sorted(breach.partition(" (")[0] for breach in violations(page))
    page.close()
    assert found == ["dark: color-contrast", "dark: image-alt", "light: image-alt"]
