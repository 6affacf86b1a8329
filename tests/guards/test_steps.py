"""The five steps are the navigation of a project: on each page of it, with its own step marked."""

from __future__ import annotations

import re

import pytest

from tests.guards.world import World

# One process, so that the world is made once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("isolation")]

CURRENT = re.compile(
    r'aria-current="step">\s*<span class="steps__name">(?:<span aria-hidden="true">✓ </span>)?(\w+)'
)
STEPS_OF = {
    "Data": "dataset datasets dataset_new exports import_items import_job import_labels "
    "import_labels_map import_map imports item item_erase seal_one_shot seal_retire",
    "Guideline": "guideline guideline_differences guideline_discard guideline_draft guideline_edit "
    "guideline_import guideline_new guideline_publish guideline_rerate guideline_todo "
    "guideline_version guidelines",
    "Rate": "gold gold_take_back item_gold round round_changes round_checks round_close "
    "round_correct round_item round_items_add round_let_in round_new round_passed round_quality "
    "round_rater round_rater_remove round_reports round_take_back round_withdraw rounds work",
    "Agree": "adjudicate adjudication agreement reference_labels round_agreement round_difference "
    "round_differences round_parts session session_close session_discard "
    "session_edit session_item session_new session_reveal session_second session_trend sessions",
    "Judge": "approval_ask approvals baseline_new budgets call judge judge_compare "
    "drift_judge drift_new judge_differences judge_new judges laboratory ledger policy price_new "
    "probe probe_new review review_close review_item review_new reviews run "
    "run_cancel run_differences run_new standing verdicts_import version "
    "version_alignment version_improve version_new",
    "": "audit project project_copy tokens",
}
"""The step that a page belongs to; those of the last line belong to the whole project."""
REPORTS = frozenset({"approval", "certificate", "run_report"})
"""Documents: read from the decision down and printed, so they have no navigation above it."""
NO_PAGE = frozenset(
    {
        "audit_download", "certificate_download", "export_download", "guideline_file",
        "guidelines_file", "work_download",
    }
)  # fmt: skip


def marked(world: World) -> dict[str, list[str]]:
    """For each page that the lead is shown the steps that are marked in it."""
    found = {}
    for answer in world.first_answers("lea"):
        address = answer.address
        if answer.method != "GET" or address.is_api or "slug" not in address.kwargs:
            continue
        if address.name in NO_PAGE | REPORTS:
            continue
        if answer.status == 200 and "<main" in answer.text:
            found[address.name] = [
                *CURRENT.findall(answer.text),
                *([] if 'class="steps"' in answer.text else ["no steps at all"]),
            ]
    return found


def test_every_page_of_a_project_shows_the_steps_and_marks_its_own(world: World) -> None:
    expected = {
        name: [step] if step else [] for step, names in STEPS_OF.items() for name in names.split()
    }
    found = marked(world)
    assert len(found) > 30
    wrong = {name: steps for name, steps in found.items() if expected.get(name) != steps}
    lines = [f"{name}: {steps}, not {expected.get(name)}" for name, steps in wrong.items()]
    assert not wrong, "\n".join(["", *lines])
