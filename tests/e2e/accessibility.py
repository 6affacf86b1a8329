"""What axe finds on a page, in both themes."""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # What passes is not told node by node: it is most of the answer, and nobody reads it.
    "resultTypes": ["violations"],
}
FIND = """async (rules) => (await axe.run(rules)).violations.map(({ id, help, nodes }) =>
    `${id} (${help}) at ${nodes.slice(0, 5).map((node) => node.target[0]).join(", ")}`)"""


def violations(page: Page) -> list[str]:
    """One line for each breach of WCAG 2.2 AA in either theme; empty when the page is sound."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found += [f"{theme}: {breach}" for breach in page.evaluate(FIND, RULES)]
    return found
