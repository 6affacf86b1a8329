"""Qualifications: made of gold items, passed by answers, demanded by other rounds."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import Admission, Assignment, Dataset, GoldItem, GoldLabel, Round, RoundItem
from annotation.queries import admissions as queries
from annotation.queries import gold, health, progress
from annotation.services import admissions, claim, rating, removing, rounds, withdrawing
from annotation.services import gold as golds
from annotation.services.claim import Reason
from annotation.services.goldplans import GoldPlan
from annotation.states import AssignmentState, RoundKind, RoundState
from core.errors import Conflict, Invalid, NotReady
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db

RIGHT = dict.fromkeys(builders.FOUR, "4")
WRONG = dict.fromkeys(builders.FOUR, "1")


class Scene:
    """A qualification of `gold` gold items, and a round of six items that demands it."""

    def __init__(self, *, gold: int = 6, share: float = 0.75, items: int = 3) -> None:
        self.project: Project = builders.make_project()
        self.lea: User = builders.join(self.project, builders.make_user(username="lea"), Role.LEAD)
        self.ana, self.ben = (
            builders.rater_of(
                self.project,
                builders.join(self.project, builders.make_user(username=name), Role.RATER),
            )
            for name in ("ana", "ben")
        )
        self.dataset: Dataset = builders.make_dataset(self.project)
        self.version = builders.make_guideline(self.project)
        self.golds: list[GoldItem] = [
            builders.make_gold(builders.make_item(self.dataset, external_id=f"g{n}"), self.version)
            for n in range(gold)
        ]
        for number in range(6):
            builders.make_item(self.dataset, external_id=f"i{number}")
        self.first = self.make(
            name="First", kind=RoundKind.QUALIFICATION, pass_share=share, pass_items=items
        )
        self.round = self.make(name="Round", qualification=self.first)

    def make(
        self,
        *,
        name: str,
        kind: RoundKind = RoundKind.STANDARD,
        is_open: bool = True,
        **plan: Any,
    ) -> Round:
        made = rounds.create(
            project=self.project,
            dataset=self.dataset,
            version=self.version,
            name=name,
            raters=[self.ana, self.ben],
            by=self.lea,
            overlap=2,
            kind=kind,
            checks=GoldPlan(**plan),
        )
        if is_open:
            rounds.open_round(round_id=made.pk, by=self.lea, now=NOON)
        return Round.objects.get(pk=made.pk)

    def ask(self, round_: Round, rater: Rater) -> claim.Claim:
        return claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=NOON)

    def answer(self, rater: Rater, labels: dict[str, str]) -> Assignment:
        given = self.ask(self.first, rater)
        assert given.assignment_id is not None
        return rating.submit(
            assignment_id=given.assignment_id, rater=rater, labels=labels, now=NOON
        )

    def passed(self, rater: Rater) -> bool:
        return Admission.objects.filter(qualification=self.first, rater=rater).exists()


def test_a_qualification_holds_the_gold_items_of_its_dataset_and_no_slots() -> None:
    scene = Scene()
    inside = set(scene.first.round_items.values_list("item", flat=True))
    assert inside == {one.item_id for one in scene.golds}
    assert not Assignment.objects.filter(round=scene.first).exists()
    assert scene.round.round_items.count() == 6


def test_every_rater_may_take_all_of_a_qualification() -> None:
    scene = Scene(share=1.0)
    for rater in (scene.ana, scene.ben):
        had = {scene.answer(rater, WRONG).gold_id for _ in scene.golds}
        assert had == {one.pk for one in scene.golds}
        assert scene.ask(scene.first, rater) == claim.Claim(None, Reason.NOTHING_LEFT)


def test_who_reaches_the_mark_on_enough_items_is_admitted_and_rates() -> None:
    scene = Scene()
    for done in range(3):
        assert not scene.passed(scene.ana)
        assert scene.ask(scene.round, scene.ana).reason == Reason.NOT_QUALIFIED
        scene.answer(scene.ana, WRONG if done == 3 else RIGHT)
    row = Admission.objects.get()
    assert (row.rater, row.actor, row.figures["items"]) == (scene.ana, "", 3)
    assert row.figures["share"]["value"] == 1.0
    assert row.figures["share"]["n"] == 12
    assert AuditEvent.objects.filter(verb="round.qualification_passed").count() == 1
    assert scene.ask(scene.first, scene.ana).reason == Reason.QUALIFIED
    assert scene.ask(scene.round, scene.ana).assignment_id is not None
    assert scene.ask(scene.round, scene.ben).reason == Reason.NOT_QUALIFIED


def test_the_mark_may_be_reached_later_and_exactly() -> None:
    scene = Scene(gold=4)
    for labels in (WRONG, RIGHT, RIGHT):
        scene.answer(scene.ana, labels)
    assert not scene.passed(scene.ana)
    scene.answer(scene.ana, RIGHT)
    assert scene.passed(scene.ana)


def test_who_falls_short_is_not_admitted_until_a_lead_lets_them_in() -> None:
    scene = Scene(gold=3)
    for _ in range(3):
        scene.answer(scene.ana, WRONG)
    state = queries.own_state(round_=scene.first, rater_id=scene.ana.pk)
    assert state.fell_short
    assert state.score is not None
    assert (state.score.items, state.score.share.value) == (3, 0.0)
    assert scene.ask(scene.round, scene.ana).reason == Reason.NOT_QUALIFIED

    admissions.let_in(
        round_id=scene.first.pk, rater_id=scene.ana.pk, reason="An expert.", by=scene.lea
    )

    assert scene.ask(scene.round, scene.ana).assignment_id is not None
    event = AuditEvent.objects.get(verb="round.rater_let_in")
    assert (event.actor, event.data["reason"]) == (scene.lea.actor, "An expert.")
    with pytest.raises(Conflict, match="already"):
        admissions.let_in(
            round_id=scene.first.pk, rater_id=scene.ana.pk, reason="Again.", by=scene.lea
        )


@pytest.mark.parametrize("reason", ["", "  ", "x" * 401])
def test_letting_in_needs_a_reason(reason: str) -> None:
    scene = Scene()
    with pytest.raises(Invalid):
        admissions.let_in(
            round_id=scene.first.pk, rater_id=scene.ana.pk, reason=reason, by=scene.lea
        )
    assert not Admission.objects.exists()


def test_nobody_is_let_in_by_a_round_that_is_no_qualification_or_of_another_project() -> None:
    scene = Scene()
    other = builders.make_project(slug="other")
    stranger = builders.rater_of(
        other, builders.join(other, builders.make_user(username="olu"), Role.RATER)
    )
    with pytest.raises(Conflict):
        admissions.let_in(
            round_id=scene.round.pk, rater_id=scene.ana.pk, reason="So.", by=scene.lea
        )
    with pytest.raises(Invalid):
        admissions.let_in(round_id=scene.first.pk, rater_id=stranger.pk, reason="So.", by=scene.lea)


def test_a_share_is_told_only_when_the_qualification_is_over() -> None:
    scene = Scene()
    scene.answer(scene.ana, RIGHT)
    assert queries.own_state(round_=scene.first, rater_id=scene.ana.pk).score is None


def test_an_answer_of_a_qualification_is_final_and_its_labels_stay_untold() -> None:
    scene = Scene()
    row = scene.answer(scene.ana, WRONG)
    with pytest.raises(Conflict, match="as it was first given"):
        rating.amend(assignment_id=row.pk, rater=scene.ana, labels=RIGHT, now=NOON)
    row = Assignment.objects.select_related("round").get(pk=row.pk)
    assert row.told_at is not None
    assert gold.told(row) == []


def test_corrected_gold_admits_when_the_rater_asks_next() -> None:
    scene = Scene(gold=3)
    for _ in range(3):
        scene.answer(scene.ana, WRONG)
    assert not scene.passed(scene.ana)
    GoldLabel.objects.update(label="1")
    assert scene.ask(scene.round, scene.ana).assignment_id is not None
    assert scene.passed(scene.ana)


def test_an_admission_stands_when_the_gold_changes_afterwards() -> None:
    scene = Scene(gold=3)
    for _ in range(3):
        scene.answer(scene.ana, RIGHT)
    GoldLabel.objects.update(label="1")
    assert scene.ask(scene.round, scene.ana).assignment_id is not None


def test_gold_that_was_taken_back_counts_for_nobody() -> None:
    scene = Scene(gold=4)
    row = scene.answer(scene.ana, WRONG)
    scene.answer(scene.ana, RIGHT)
    assert row.gold_id is not None
    golds.take_back(gold_id=row.gold_id, reason="Its label was wrong.", by=scene.lea, now=NOON)
    score = queries.scores(round_=scene.first, rater_ids=[scene.ana.pk])[scene.ana.pk]
    assert (score.items, score.share.value) == (1, 1.0)
    scene.answer(scene.ana, RIGHT)
    assert not scene.passed(scene.ana)
    scene.answer(scene.ana, RIGHT)
    assert scene.passed(scene.ana)


def test_withdrawn_answers_count_for_nobody_and_an_item_comes_back_as_gold() -> None:
    scene = Scene()
    row = scene.answer(scene.ana, RIGHT)
    made = withdrawing.withdraw_item(
        round_id=scene.first.pk, item_id=row.item_id, reason="Broken.", by=scene.lea, now=NOON
    )
    score = queries.scores(round_=scene.first, rater_ids=[scene.ana.pk])[scene.ana.pk]
    assert score.items == 0
    withdrawing.take_back_item(withdrawal_id=made.pk, by=scene.lea, now=NOON)
    place = RoundItem.objects.get(round=scene.first, item=row.item_id)
    assert (place.taken, place.is_full) == (0, True)
    assert queries.scores(round_=scene.first, rater_ids=[scene.ana.pk])[scene.ana.pk].items == 1
    assert health.counters_are_true().is_ok


def test_a_late_answer_to_a_gold_item_that_was_taken_out_is_refused() -> None:
    scene = Scene()
    given = claim.next_slot(round_id=scene.first.pk, rater_id=scene.ana.pk, now=NOON)
    assert given.assignment_id is not None
    held = Assignment.objects.get(pk=given.assignment_id)
    withdrawing.withdraw_item(
        round_id=scene.first.pk, item_id=held.item_id, reason="Broken.", by=scene.lea, now=NOON
    )
    with pytest.raises(Conflict):
        rating.submit(assignment_id=held.pk, rater=scene.ana, labels=RIGHT, now=NOON)
    score = queries.scores(round_=scene.first, rater_ids=[scene.ana.pk])[scene.ana.pk]
    assert score.items == 0


def test_a_rater_taken_out_of_a_qualification_gets_nothing_more_there() -> None:
    scene = Scene()
    scene.answer(scene.ana, RIGHT)
    removing.remove_rater(
        round_id=scene.first.pk,
        rater_id=scene.ana.pk,
        keep_answers=False,
        reason="Clicks through.",
        by=scene.lea,
        now=NOON,
    )
    assert scene.ask(scene.first, scene.ana).reason == Reason.NOT_A_RATER
    assert scene.ask(scene.round, scene.ana).reason == Reason.NOT_QUALIFIED


def test_who_may_have_to_pass_comes_into_the_qualification() -> None:
    scene = Scene()
    cem = builders.rater_of(
        scene.project, builders.join(scene.project, builders.make_user(username="cem"), Role.RATER)
    )
    rounds.add_raters(round_id=scene.round.pk, raters=[cem], by=scene.lea)
    assert scene.first.round_raters.filter(rater=cem).count() == 1


def test_a_demand_that_comes_while_a_slot_is_taken_is_seen_by_the_same_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene()
    monkeypatch.setattr(claim, "_unqualified", lambda *_: None)
    with pytest.raises(Conflict):
        scene.ask(scene.round, scene.ana)
    assert not Assignment.objects.filter(round=scene.round, state=AssignmentState.LEASED).exists()


def test_what_a_rater_holds_may_be_finished_when_the_demand_comes_later() -> None:
    scene = Scene()
    Round.objects.filter(pk=scene.round.pk).update(qualification=None)
    held = scene.ask(scene.round, scene.ana).assignment_id
    assert held is not None
    Round.objects.filter(pk=scene.round.pk).update(qualification=scene.first)
    assert scene.ask(scene.round, scene.ana).assignment_id == held
    rating.submit(assignment_id=held, rater=scene.ana, labels=RIGHT, now=NOON)
    assert scene.ask(scene.round, scene.ana).reason == Reason.NOT_QUALIFIED


def test_a_claim_in_a_round_that_demands_a_qualification_costs_one_query_more() -> None:
    scene = Scene()
    admissions.let_in(
        round_id=scene.first.pk, rater_id=scene.ana.pk, reason="An expert.", by=scene.lea
    )
    with CaptureQueriesContext(connection) as demanding:
        given = scene.ask(scene.round, scene.ana)
    assert given.assignment_id is not None
    claim.release(assignment_id=given.assignment_id, rater_id=scene.ana.pk, now=NOON)
    Round.objects.filter(pk=scene.round.pk).update(qualification=None)
    with CaptureQueriesContext(connection) as plain:
        scene.ask(scene.round, scene.ana)
    assert len(demanding) == len(plain) + 1


def test_the_first_page_counts_what_a_qualification_has_left_and_names_it_first() -> None:
    scene = Scene()
    assert scene.ana.user_id is not None
    scene.answer(scene.ana, RIGHT)
    first, then = progress.own_rounds(user_id=scene.ana.user_id)
    assert (first.round, first.done, first.left, first.may_continue) == (scene.first, 1, 5, True)
    assert (then.round, then.first, then.may_continue) == (scene.round, scene.first, False)
    for _ in range(2):
        scene.answer(scene.ana, RIGHT)
    after = {one.round: one for one in progress.own_rounds(user_id=scene.ana.user_id)}
    assert after[scene.first].is_passed
    assert not after[scene.first].may_continue
    assert after[scene.round].may_continue


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"pass_share": 0.8}, "pass_items"),
        ({"pass_items": 3}, "pass_share"),
        ({"pass_share": 1.2, "pass_items": 3}, "pass_share"),
        ({"pass_share": 0.8, "pass_items": 7}, "pass_items"),
        ({"pass_share": 0.8, "pass_items": 3, "gold_every": 4}, "gold_every"),
    ],
)
def test_a_qualification_that_could_not_be_passed_is_refused(
    plan: dict[str, Any], field: str
) -> None:
    scene = Scene()
    with pytest.raises(Invalid) as refused:
        scene.make(name="Second", kind=RoundKind.QUALIFICATION, **plan)
    assert list(refused.value.fields) == [field]
    assert not Round.objects.filter(name="Second").exists()


@pytest.mark.parametrize(
    ("plan", "field"),
    [({"gold_every": 1}, "gold_every"), ({"pass_share": 0.5}, "pass_share")],
)
def test_a_plain_round_with_a_senseless_plan_is_refused(plan: dict[str, Any], field: str) -> None:
    scene = Scene()
    with pytest.raises(Invalid) as refused:
        scene.make(name="Second", **plan)
    assert list(refused.value.fields) == [field]


def test_a_gold_rate_needs_gold_items_beside_those_of_the_qualification() -> None:
    scene = Scene()
    scene.make(name="Without", gold_every=2)
    with pytest.raises(Invalid, match="0 gold items of Helpfulness 1, beside") as refused:
        scene.make(name="With", gold_every=2, qualification=scene.first)
    assert list(refused.value.fields) == ["gold_every"]


def test_a_qualification_by_another_guideline_is_refused() -> None:
    scene = Scene()
    other = builders.make_guideline(scene.project, name="Tone")
    scene.version = other
    with pytest.raises(Invalid, match="same major version"):
        scene.make(name="Second", qualification=scene.first)
    with pytest.raises(Invalid, match="is no qualification"):
        scene.make(name="Second", qualification=scene.round)


def test_a_quota_in_a_qualification_is_refused() -> None:
    scene = Scene()
    with pytest.raises(Invalid, match="no quota"):
        rounds.add_raters(round_id=scene.first.pk, raters=[scene.ana], quota=2, by=scene.lea)


def test_a_round_opens_only_after_its_qualification_and_that_only_with_enough_gold() -> None:
    scene = Scene()
    second = scene.make(
        name="Second",
        kind=RoundKind.QUALIFICATION,
        is_open=False,
        pass_share=0.5,
        pass_items=6,
    )
    waiting = scene.make(name="Waiting", is_open=False, qualification=second)
    with pytest.raises(NotReady, match="not open yet"):
        rounds.open_round(round_id=waiting.pk, by=scene.lea, now=NOON)
    golds.take_back(gold_id=scene.golds[0].pk, reason="Wrong.", by=scene.lea, now=NOON)
    with pytest.raises(NotReady, match="has 5 gold items"):
        rounds.open_round(round_id=second.pk, by=scene.lea, now=NOON)
    assert Round.objects.get(pk=second.pk).state == RoundState.DRAFT
