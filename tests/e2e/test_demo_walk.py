"""The demo: a judge runs, two versions are measured, an admin decides, a machine asks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import APIRequestContext, Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.test_round_acts import follow, press, soundly, write
from tests.e2e.walking import BACKGROUND_MS, main_button, sign_in
from tests.harness.house import House

pytestmark = pytest.mark.e2e

PAIR = {
    "id": "from-ci-1",
    "input": "How do I export all invoices as one file?",
    "response_a": "Open Invoices, choose Select all, then Export.",
    "response_b": "This should be possible. Search the help pages.",
}


def test_a_judge_is_run_measured_approved_and_asked(new_page: NewPage, house: House) -> None:
    lead, admin = new_page(), new_page()
    sign_in(lead, "lea")
    sign_in(admin, "ada")
    run_a_new_version(lead)
    failed, passed = wait_for_both_reports(admin)
    read_the_short_form(admin, failed)
    secret = make_token(admin)
    machine = admin.request
    assert ask(machine, house, secret, expect_status=409)["code"] == "judge_not_approved"
    nobody_but_an_admin_decides(lead, passed)
    approve(admin, passed)
    answer = ask(machine, house, secret, expect_status=200)
    assert set(answer["verdicts"]["preference"]) == {"label", "confidence"}
    assert answer["verdicts"]["preference"]["label"] in {"A", "B", "tie"}
    assert answer["version"] == 2
    assert re.fullmatch(r"[0-9a-f]{64}", answer["fingerprint"])
    assert answer["decision"]
    take_the_certificate_out(admin)
    suspend(admin)
    assert ask(machine, house, secret, expect_status=409)["code"] == "approval_suspended"
    reinstate(admin)
    assert ask(machine, house, secret, expect_status=200)["version"] == 2
    see_it_in_the_audit_trail(admin)


def test_the_api_describes_itself_under_the_strict_policy(page: Page) -> None:
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible()
    expect(page.locator("body")).to_contain_text("/verdicts")


def run_a_new_version(page: Page) -> None:
    """A third version over the development part: progress is shown until it is done."""
    page.goto("/projects/demo/judges/")
    page.get_by_role("link", name="New version").first.click()
    page.locator("[name=model]").fill("sim-plumb-1")
    page.locator("[name=max_tokens]").fill("2048")
    page.locator("[name=note]").fill("shorter answers")
    main_button(page, "Save this version")
    page.get_by_role("link", name=re.compile("run", re.IGNORECASE)).last.click()
    main_button(page, "Start the run")
    expect(page.locator("main")).to_contain_text("imulated")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"\bdone\b|finished", re.IGNORECASE), timeout=BACKGROUND_MS
    )
    assert violations(page) == []


def wait_for_both_reports(page: Page) -> tuple[str, str]:
    """The addresses of the two reports: v1, which did not pass, and v2, which did."""
    for path, words in (("1", "does not pass"), ("2", "Passes the gate")):
        page.goto(f"/projects/demo/approvals/{path}/")
        expect(page.locator("main")).to_contain_text(words, timeout=BACKGROUND_MS)
    return "/projects/demo/approvals/1/", "/projects/demo/approvals/2/"


def read_the_short_form(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("main")).to_contain_text("looks left")
    expect(page.locator("main")).not_to_contain_text("Judge against people")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert violations(page) == []


def make_token(page: Page) -> str:
    page.goto("/projects/demo/tokens/")
    page.locator("[name=name]").fill("nightly build")
    page.locator("[name=scopes][value=judge]").check()
    page.locator("main form:has([name=scopes]) button[type=submit]").click()
    found = re.search(r"plb_[A-Za-z0-9_-]{20,}", page.locator("main").inner_html())
    assert found is not None
    page.goto("/projects/demo/tokens/")
    assert found[0] not in page.content(), "a secret is shown once"
    return found[0]


def ask(
    machine: APIRequestContext, house: House, secret: str, *, expect_status: int
) -> dict[str, Any]:
    response = machine.post(
        f"{house.url}/api/v1/projects/demo/judges/preference/verdicts",
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        data=json.dumps(PAIR),
    )
    assert response.status == expect_status, response.text()
    answer: dict[str, Any] = response.json()
    return answer


def nobody_but_an_admin_decides(page: Page, address: str) -> None:
    """The author sees decision, estimate and checks, no matrix and no buttons."""
    page.goto(address)
    expect(page.locator("main")).to_contain_text("The gate")
    expect(page.locator("main")).not_to_contain_text("Judge against people")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def approve(page: Page, address: str) -> None:
    page.goto(address)
    for words in ("Agreement with people", "Judge against people", "simulated", "People agree"):
        expect(page.locator("main")).to_contain_text(words)
    assert violations(page) == []
    page.locator("[name=reason]").fill("The lower bound clears 80 % and every guard holds.")
    main_button(page, "Approve")
    expect(page.locator("main")).to_contain_text("The lower bound clears 80 %")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def open_standing(page: Page) -> None:
    page.goto("/projects/demo/approvals/")
    follow(page, "Preference v2")
    soundly(page, heading="May Preference answer?")


def take_the_certificate_out(page: Page) -> None:
    open_standing(page)
    follow(page, "Certificate")
    soundly(page, heading="Preference v2 was approved")
    with page.expect_download() as given:
        follow(page, "Download the signed file")
    assert given.value.suggested_filename.endswith(".json")


def suspend(page: Page) -> None:
    """By keyboard, with a reason: without one it is asked for."""
    open_standing(page)
    follow(page, "Suspend …")
    soundly(page, heading="Suspend the approval of Preference v2?")
    press(page, "Suspend")
    soundly(page, heading="Suspend the approval of Preference v2?")
    write(page, "Reason", "Somebody complained.")
    press(page, "Suspend")
    expect(page.locator("main")).to_contain_text("approval_suspended")
    soundly(page, heading="May Preference answer?")


def reinstate(page: Page) -> None:
    open_standing(page)
    follow(page, "Reinstate …")
    soundly(page, heading="Reinstate the approval of Preference v2?")
    write(page, "Reason", "It was about another judge.")
    press(page, "Reinstate")
    expect(page.locator("main")).to_contain_text("in force")
    expect(page.locator("main tbody tr")).to_have_count(3)


def see_it_in_the_audit_trail(page: Page) -> None:
    page.goto("/projects/demo/audit/")
    expect(page.locator("main")).to_contain_text("approve")
    expect(page.locator("main")).to_contain_text("Ada")
    assert violations(page) == []
