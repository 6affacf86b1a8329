"""Every page that people reach: axe finds nothing in either theme, and a phone shows all of it."""

from __future__ import annotations

from collections import deque
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Page, ViewportSize

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.test_rounds_and_lists import is_wider_than_its_window
from tests.e2e.walking import sign_in
from tests.guards.permissions import PAGES

pytestmark = pytest.mark.e2e

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 800}
PEOPLE = ("lea", "ada", "ana", "noor")
MOST_OF_ONE = 2
"""So many addresses of one kind are opened: with and without what the first one holds."""

FILES = {"work_download", "export_download", "guidelines_file", "guideline_file", "ledger_download"}
"""What a browser keeps instead of showing it."""
OTHERS = {"docs", "schema", "healthz", "readyz", "metrics", "favicon", "logout"}
"""Not drawn by us, or no page."""


def test_every_page_is_sound_in_both_themes_and_on_a_phone(new_page: NewPage) -> None:
    seen: set[str] = set()
    problems: list[str] = []
    for person in PEOPLE:
        page = new_page()
        sign_in(page, person)
        seen |= _walk(page, known=seen, problems=problems)
    print("NEVER SEEN", sorted(_names() - seen))
    assert problems == []


def _names() -> set[str]:
    return {line.removeprefix("GET ") for line in PAGES if line.startswith("GET ")}


def _walk(page: Page, *, known: set[str], problems: list[str]) -> set[str]:
    """Follow the links from the first page on; what somebody else saw is only passed through."""
    visited: dict[str, int] = {}
    waiting, met = deque(["/"]), {"/"}
    while waiting:
        path = waiting.popleft()
        name = _name_of(path)
        if name is None or name in FILES | OTHERS or visited.get(name, 0) >= MOST_OF_ONE:
            continue
        visited[name] = visited.get(name, 0) + 1
        page.goto(path)
        if name not in known:
            problems += _problems(page, path)
        for link in _links(page):
            if link not in met:
                met.add(link)
                waiting.append(link)
    return set(visited)


def _problems(page: Page, path: str) -> list[str]:
    page.set_viewport_size(DESK)
    found = violations(page)
    page.set_viewport_size(PHONE)
    if is_wider_than_its_window(page):
        found.append("is wider than a phone")
    page.set_viewport_size(DESK)
    return [f"{path}: {one}" for one in found]


def _links(page: Page) -> list[str]:
    addresses: list[str] = page.evaluate("[...document.links].map((link) => link.href)")
    here = urlsplit(page.url).netloc
    parts = [urlsplit(address) for address in addresses]
    return [part.path for part in parts if part.netloc == here]


def _name_of(path: str) -> str | None:
    try:
        return resolve(path).url_name
    except Resolver404:
        return None
