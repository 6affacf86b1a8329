"""How far a rater is in a round: exact where little is left, never counted through a long round."""

from __future__ import annotations

import pytest

from accounts.models import Project, Rater
from accounts.roles import Role
from annotation.models import Round, RoundRater
from annotation.queries import progress
from annotation.services import claim, rating
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
FOURS = dict.fromkeys(builders.FOUR, "4")


@pytest.fixture
def raters(project: Project) -> list[Rater]:
    return [
        builders.rater_of(
            project, builders.join(project, builders.make_user(username=name), Role.RATER)
        )
        for name in ("ana", "ben")
    ]


@pytest.fixture
def round_(project: Project, raters: list[Rater]) -> Round:
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"i{n}") for n in range(6)]
    version = builders.make_guideline(project)
    return builders.make_round(dataset, version, items=items, raters=raters, overlap=1)


def answer(round_: Round, rater: Rater) -> None:
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=builders.NOON)
    assert given.assignment_id is not None
    rating.submit(assignment_id=given.assignment_id, rater=rater, labels=FOURS, now=builders.NOON)


def own(round_: Round, rater: Rater) -> progress.OwnRound:
    return progress.own_round(round_=round_, rater_id=rater.pk)


def test_what_others_took_is_not_left(round_: Round, raters: list[Rater]) -> None:
    ana, ben = raters
    answer(round_, ana)
    answer(round_, ana)
    answer(round_, ben)
    claim.next_slot(round_id=round_.pk, rater_id=ben.pk, now=builders.NOON)
    assert (own(round_, ana).done, own(round_, ana).left) == (2, 2)
    assert (own(round_, ben).done, own(round_, ben).left) == (1, 3)
    assert not own(round_, ana).is_long


def test_what_a_rater_had_is_not_left_while_others_may_have_it(
    round_: Round, raters: list[Rater]
) -> None:
    Round.objects.update(overlap=2)
    answer(round_, raters[0])
    assert own(round_, raters[0]).left == 5
    assert own(round_, raters[1]).left == 6


def test_a_long_round_is_not_counted_to_its_end(
    round_: Round, raters: list[Rater], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "COUNTED", 3)
    answer(round_, raters[0])
    seen = own(round_, raters[0])
    assert (seen.done, seen.place, seen.is_long, seen.may_continue) == (1, 2, True, True)
    answer(round_, raters[1])
    answer(round_, raters[1])
    assert not own(round_, raters[0]).is_long


def test_a_small_quota_is_counted_in_a_long_round_too(
    round_: Round, raters: list[Rater], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "COUNTED", 3)
    RoundRater.objects.update(quota=2)
    answer(round_, raters[0])
    seen = own(round_, raters[0])
    assert (seen.done, seen.left, seen.is_long) == (1, 1, False)
