"""The manners that every page shares, tried on the style guide: it holds every part."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import django_htmx
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from core import styleguide
from tests.e2e.accessibility import violations

pytestmark = pytest.mark.e2e

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"


class StrictHandler(SimpleHTTPRequestHandler):
    """Files under the product's content security policy, without a line for each request."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The style guide as a file, with the static files beside it: no database, no other room."""
    folder = tmp_path_factory.mktemp("guide")
    static = folder / "static"
    static.mkdir()
    for name in ("css", "js", "img"):
        (static / name).symlink_to(settings.BASE_DIR / "static" / name)
    package = Path(django_htmx.__file__).parent
    (static / "django_htmx").symlink_to(package / "static" / "django_htmx")
    with override_settings(ROOT_URLCONF="core.urls"):
        context = {**styleguide.samples(), "user": User(username="ada", is_staff=True)}
        (folder / "index.html").write_text(render_to_string("styleguide.html", context))
    handler = partial(StrictHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def guide(browser: Browser, address: str) -> Iterator[Page]:
    """The open style guide; an error in a script or a break of the policy fails the test."""
    problems: list[str] = []
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(address)
    yield page
    context.close()
    assert problems == []


def ground(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


@pytest.mark.parametrize("width", [1280, 375])
def test_every_part_is_accessible_in_both_themes(guide: Page, width: int) -> None:
    guide.set_viewport_size({"width": width, "height": 900})
    assert violations(guide) == []


@pytest.mark.parametrize("width", [1280, 375, 320])
def test_the_page_itself_never_scrolls_sideways(guide: Page, width: int) -> None:
    guide.set_viewport_size({"width": width, "height": 900})
    assert guide.evaluate("document.documentElement.scrollWidth") == width


def test_the_chosen_theme_outlives_the_page_and_can_be_given_back(guide: Page) -> None:
    light = ground(guide)
    guide.get_by_text("ada", exact=True).click()
    guide.get_by_role("button", name="Dark").click()
    dark = ground(guide)
    guide.reload()
    assert dark != light
    assert ground(guide) == dark
    guide.get_by_text("ada", exact=True).click()
    expect(guide.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    guide.get_by_role("button", name="As the device").click()
    assert ground(guide) == light


def test_the_menu_closes_by_escape_and_by_a_click_elsewhere(guide: Page) -> None:
    entry = guide.get_by_role("link", name="My work and projects")
    guide.get_by_text("ada", exact=True).click()
    expect(entry).to_be_visible()
    guide.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    guide.get_by_text("ada", exact=True).click()
    guide.get_by_role("heading", level=1).click()
    expect(entry).to_be_hidden()


def test_the_question_mark_lists_the_keys_of_the_page(guide: Page) -> None:
    guide.keyboard.press("?")
    keys = guide.get_by_role("region", name="Keys on this page")
    expect(keys).to_contain_text("Completeness 4")
    expect(keys).to_be_focused()
    guide.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_a_key_presses_its_element(guide: Page) -> None:
    guide.keyboard.press("4")
    expect(guide.locator("input[name=completeness][value='4']")).to_be_checked()


def test_keys_are_letters_while_somebody_types(guide: Page) -> None:
    name = guide.get_by_label("Name of the dataset").first
    name.focus()
    guide.keyboard.type("r4?")
    expect(name).to_have_value("r4?")
    expect(guide.locator("input[name=completeness]:checked")).to_have_count(0)
    expect(guide.locator(".keys")).to_have_count(0)


def test_a_frame_is_a_tab_stop_only_while_it_scrolls(guide: Page) -> None:
    frame = guide.get_by_role("group", name="Judge versions")
    expect(frame).to_have_attribute("tabindex", "-1")
    guide.set_viewport_size({"width": 375, "height": 900})
    expect(frame).to_have_attribute("tabindex", "0")


def test_a_wide_table_of_a_response_is_scrolled_by_keys(guide: Page) -> None:
    guide.evaluate(
        """() => {
            const response = document.querySelector(".reading");
            const row = `<tr>${"<td>cell</td>".repeat(80)}</tr>`;
            response.insertAdjacentHTML("beforeend", `<table>${row}</table>`);
            const loaded = { bubbles: true, detail: { elt: response } };
            response.dispatchEvent(new CustomEvent("htmx:load", loaded));
        }"""
    )
    expect(guide.locator(".reading table").last).to_have_attribute("tabindex", "0")


def test_a_message_is_announced_and_can_be_put_away(guide: Page) -> None:
    guide.evaluate("import('/static/js/page.js').then(m => m.announce('Not reached.'))")
    toast = guide.locator("#toasts .toast")
    expect(toast).to_contain_text("Not reached.")
    toast.get_by_role("button", name="Put this message away").click()
    expect(toast).to_have_count(0)


def test_a_message_that_stands_is_not_said_again(guide: Page) -> None:
    for _ in range(2):
        guide.evaluate("import('/static/js/page.js').then(m => m.announce('Not reached.'))")
    expect(guide.locator("#toasts .toast")).to_have_count(1)


def test_everything_is_readable_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.get_by_text("ada", exact=True).click()
    expect(page.get_by_role("link", name="My work and projects")).to_be_visible()
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()
    context.close()
