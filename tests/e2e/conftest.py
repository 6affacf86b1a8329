"""A demo house in real processes, and pages of a real Chromium that look at it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.harness.chromium import find
from tests.harness.house import ROOT, House
from tests.harness.house import house as prepared_house

RESULTS = ROOT / "test-results"
PATIENCE_MS = 30_000
"""So long a page may take where the machine does other things besides."""
FAILED = pytest.StashKey[bool]()
expect.set_options(timeout=PATIENCE_MS)

NewPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest walk first: begun last, it would leave one of two processes idle meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_every_page.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let the fixtures know how the test went: they take the picture."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The product with its demo, as `make run` starts it; `house.url` is where it answers.

    Each process that tests has one of its own.
    """
    with prepared_house(tmp_path_factory.mktemp("house"), demo=True) as one:
        one.start()
        one.wait_until(lambda: one.get("/readyz") == 200, 30)
        yield one


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session; it is installed by `make test`, never by a test."""
    found = find(may_install=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found.path, args=list(found.args), env={**os.environ, **found.env}
        )
        yield started
        started.close()


@pytest.fixture
def new_page(request: pytest.FixtureRequest, browser: Browser, house: House) -> Iterator[NewPage]:
    """Open a page in a context of its own: one for each person who is signed in.

    Options go to `browser.new_context` (`java_script_enabled=False`, `color_scheme="dark"`).
    A script error or a break of the content security policy fails the test.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            problems.append(message.text)

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"base_url": house.url, "locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", listen)
        return page

    yield open_page
    if request.node.stash.get(FAILED, False):
        _take_pictures(request.node.nodeid, contexts)
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page for a test with one person."""
    return new_page()


def _take_pictures(node: str, contexts: list[BrowserContext]) -> None:
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", node.lower()).strip("-")
    for number, context in enumerate(contexts):
        for page in context.pages:
            file = Path(RESULTS / f"{name}-{number}.png")
            page.screenshot(path=file, full_page=True)
            print(f"Picture of {page.url}: {file.relative_to(ROOT)}")
