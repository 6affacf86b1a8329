"""What raters report: settled once, with a word back, and open again when more is reported."""

from __future__ import annotations

import pytest

from annotation.models import Assignment, Flag, RoundItem
from annotation.queries import reports
from annotation.services import rating, settling
from annotation.states import AssignmentState, FlagOutcome
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from tests.builders import NOON
from tests.services.test_withdrawing import LATER, Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return Scene()


def settle(scene: Scene, note: str = "") -> int:
    return settling.settle(
        round_id=scene.round.pk, item_id=scene.item.pk, note=note, by=scene.lea, now=LATER
    )


def skipped(scene: Scene, *numbers: int) -> None:
    """Rows of raters who skipped the first item."""
    for number in numbers:
        Assignment.objects.create(
            round=scene.round,
            item=scene.item,
            slot=0,
            rater=scene.raters[number],
            state=AssignmentState.SKIPPED,
            skip_reason="I cannot decide",
        )


def open_items(scene: Scene, kind: str = "") -> list[int]:
    page = reports.page(
        scene.round, wanted=reports.Wanted(kind=kind), number="1", user_id=scene.lea.pk
    )
    return [report.place.item_id for report in page.object_list]


def test_a_flag_puts_its_item_before_the_lead(scene: Scene) -> None:
    row = scene.take(scene.raters[0])
    rating.flag(assignment_id=row.pk, rater=scene.raters[0], reason="Cut off.", now=NOON)
    assert open_items(scene) == [row.item_id]


def test_one_skip_is_no_report_and_two_are(scene: Scene) -> None:
    skipped(scene, 0)
    assert open_items(scene) == []
    skipped(scene, 1)
    assert open_items(scene) == [scene.item.pk]
    assert open_items(scene, "skips") == [scene.item.pk]
    assert open_items(scene, "flags") == []


def test_what_is_settled_is_gone_and_whoever_flagged_gets_the_note(scene: Scene) -> None:
    flag = Flag.objects.create(
        round=scene.round, item=scene.item, rater=scene.raters[0], reason="Cut off."
    )
    assert settle(scene, "It ends like that on purpose.") == 1
    flag.refresh_from_db()
    assert (flag.outcome, flag.settled_by) == (FlagOutcome.NOTHING_WRONG, scene.lea.actor)
    assert open_items(scene) == []
    own = reports.own(round_id=scene.round.pk, rater_id=scene.raters[0].pk)
    assert [(one.note, one.outcome) for one in own] == [
        ("It ends like that on purpose.", "nothing_wrong")
    ]
    assert list(reports.own(round_id=scene.round.pk, rater_id=scene.raters[1].pk)) == []


def test_skips_after_a_settlement_need_two_more(scene: Scene) -> None:
    skipped(scene, 0, 1)
    settle(scene)
    assert RoundItem.objects.get(item=scene.item).skips_settled == 2
    skipped(scene, 2)
    assert open_items(scene) == []


def test_a_report_is_settled_once(scene: Scene) -> None:
    skipped(scene, 0, 1)
    settle(scene)
    with pytest.raises(Conflict, match="already"):
        settle(scene)
    assert AuditEvent.objects.filter(verb="round.report_settled").count() == 1


def test_a_withdrawal_settles_what_was_reported(scene: Scene) -> None:
    Flag.objects.create(round=scene.round, item=scene.item, rater=scene.raters[0], reason="Bad.")
    scene.withdraw()
    assert Flag.objects.get().outcome == FlagOutcome.WITHDRAWN
    assert open_items(scene) == []


def test_a_note_that_does_not_fit_is_refused(scene: Scene) -> None:
    skipped(scene, 0, 1)
    with pytest.raises(Invalid, match="at most 400"):
        settle(scene, "x" * 401)


def test_the_count_of_reports_is_that_of_the_items(scene: Scene) -> None:
    skipped(scene, 0, 1)
    for rater in scene.raters:
        Flag.objects.create(round=scene.round, item=scene.item, rater=rater, reason="Bad.")
    assert reports.count(scene.round) == 1
