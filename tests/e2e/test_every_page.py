"""Every page that people reach: axe finds nothing in either theme, and a phone shows all of it."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.test_rounds_and_lists import is_wider_than_its_window
from tests.e2e.walking import main_button, sign_in
from tests.guards.permissions import PAGES

pytestmark = pytest.mark.e2e

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 800}
MOST_OF_ONE = 2
"""So many addresses of one kind are opened: with and without what the first one holds."""

FILES = {
    "audit_download", "certificate_download", "export_download", "guideline_file",
    "guidelines_file", "ledger_download", "work_download",
}  # fmt: skip
"""What a browser keeps instead of showing it."""
SEALS = {"seal_one_shot", "seal_retire"}
OTHERS = {"docs", "schema", "healthz", "readyz", "metrics", "favicon", "logout"}
"""Not drawn by us, or no page."""


UNSEEN = {
    "approval_ask", "approval_revoke", "import_job", "my_round_agreement", "rating_own",
    "version_alignment",
    # tests/e2e/test_demo_walk.py looks at these:
    "certificate", "standing_reinstate", "standing_suspend",
    # tests/e2e/test_round_acts.py looks at these:
    "gold_take_back", "round_correct", "round_item", "round_let_in", "round_passed",
    "round_take_back", "round_withdraw",
    # tests/e2e/test_session.py looks at these:
    "session_discard", "session_edit", "session_of_round", "session_reveal",
    # tests/e2e/test_review.py looks at these:
    "review", "review_close", "review_item",
    # Only after a guideline's second major version (tests/web/test_rerating.py reads it):
    "guideline_rerate",
    # Only with items that came after the approval (tests/web/test_drift_rounds.py reads them):
    "drift_judge", "drift_new",
    # Behind two links of a person (tests/e2e/test_people.py looks at it):
    "person_erase",
    # Only while a run goes on:
    "run_cancel",
    # Pieces of other pages, and a key that the demo does not have:
    "key_remove", "round_agreement_now", "version_profile",
}  # fmt: skip
"""What no link of the demo leads to while nobody has done anything in it yet."""


@pytest.mark.parametrize("half", [0, 1])
def test_every_page_is_sound_in_both_themes_and_on_a_phone(
    new_page: NewPage, tmp_path: Path, half: int
) -> None:
    """Each half of the names walks through all pages, so that two processes can share the work."""
    others = {name for name in _names() if crc32(name.encode()) % 2 != half}
    problems: list[str] = []
    lead = new_page()
    sign_in(lead, "lea")
    draft = _begin_a_version(lead)
    lead.goto(draft.replace("/edit/", "/publish/"))
    problems += _problems(lead, "publishing a draft")
    for part in ("items", "labels"):
        problems += _with_a_file(lead, part, tmp_path)
    unlinked = {"guideline_publish", "import_map", "import_labels_map", "item_erase"} | SEALS
    seen = {*unlinked, *_walk(lead, known=others, problems=problems)}
    for person in ("ada", "ana", "noor"):
        page = new_page()
        sign_in(page, person)
        if person == "ada":
            problems += _of_a_seal(page)
            page.goto("/projects/demo/items/1/erase/")
            expect(page.get_by_role("link", name="Go back")).to_be_visible()
            problems += _problems(page, "erasing the texts of an item")
        seen |= _walk(page, known=seen | others, problems=problems)
    _discard_it(lead)
    assert problems == []
    assert _names() - seen - FILES <= UNSEEN


def _begin_a_version(page: Page) -> str:
    """With a draft there is something to edit, to publish, to discard and to compare: where it is
    edited."""
    page.goto("/projects/demo/guidelines/")
    page.locator("main tbody a.table__name").first.click()
    main_button(page, "Start a new version")
    expect(page.get_by_role("link", name="Discard the draft")).to_be_visible()
    return page.url


def _discard_it(page: Page) -> None:
    page.goto("/projects/demo/guidelines/")
    page.locator("main tbody").get_by_role("link", name=re.compile("Draft")).first.click()
    page.get_by_role("link", name="Discard the draft").click()
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main h1")).to_be_visible()


def _with_a_file(page: Page, part: str, folder: Path) -> list[str]:
    """The page that maps the columns of a file."""
    file = folder / f"{part}.csv"
    file.write_text("item,rater,label,input,response\na,ana,4,Why?,So.\n", encoding="utf-8")
    page.goto(f"/projects/demo/data/2/{part}/")
    page.get_by_label("File").set_input_files(file)
    main_button(page, "Upload and look at the columns")
    expect(page.locator("main form select").first).to_be_visible()
    return _problems(page, f"the columns of {part}")


def _of_a_seal(page: Page) -> list[str]:
    """The acts on a sealed part: of all datasets one has it, and the walk opens the newest two. By
    their addresses, for the look of the demo may have come first."""
    page.goto("/projects/demo/data/")
    page.get_by_role("link", name="Harbour 1.4 against 1.5").first.click()
    expect(page.get_by_role("link", name="Retire the seal …")).to_be_visible()
    dataset, problems = page.url, list[str]()
    for act in ("one-shot/", "retire/"):
        page.goto(dataset + act)
        expect(page.get_by_role("link", name="Go back")).to_be_visible()
        problems += _problems(page, act)
    return problems


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
