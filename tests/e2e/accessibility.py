"""What axe finds on a page, in both themes."""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
}


def violations(page: Page) -> list[str]:
    """One line for each breach of WCAG 2.2 AA in either theme; empty when the page is sound."""
    found = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for breach in Axe().run(page, options=RULES).response["violations"]:
            where = ", ".join(str(node["target"][0]) for node in breach["nodes"][:5])
            found.append(f"{theme}: {breach['id']} ({breach['help']}) at {where}")
    return found
