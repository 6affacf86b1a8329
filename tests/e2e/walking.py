"""Steps that several walks share: signing in, bringing a file in, waiting for what polls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Page, expect

DEMO_PASSWORD = "plumbline"
BACKGROUND_MS = 180_000


def sign_in(page: Page, name: str) -> None:
    """Sign in as one of the demo's people."""
    page.goto("/sign-in/")
    page.locator("input[type=text][name=username]").fill(name)
    page.locator("input[type=password][name=password]").fill(DEMO_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("input[type=password]")).to_have_count(0)


def main_button(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).first.click()


def import_items(page: Page, file: Path, *, shape: str, columns: Mapping[str, str]) -> None:
    """From the upload page: choose the file, map its columns, wait until it is in.

    A value with a dot or `~` is written as a path, any other is chosen from the columns.
    """
    page.get_by_label("File").set_input_files(file)
    main_button(page, "Upload and look at the columns")
    page.locator(f"[name=shape][value={shape}]").check()
    for field, column in columns.items():
        if "." in column or "~" in column:
            open_paths(page, field)
            page.locator(f"[name=path_{field}]").fill(column)
        else:
            page.locator(f"[name=column_{field}]").select_option(column)
    main_button(page, "Start the import")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"added|came in|new", re.IGNORECASE), timeout=BACKGROUND_MS
    )


def open_paths(page: Page, field: str) -> None:
    """Unfold what hides the field for a written path, if anything does."""
    box = page.locator(f"[name=path_{field}]")
    if not box.is_visible():
        page.locator(f"details:has([name=path_{field}])").last.locator("summary").first.click()
