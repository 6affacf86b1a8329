"""One person who takes a sealed item to rate and saves a judge version at the same moment: one of
both is refused. The race is run first with its guard taken away, where it has to go wrong."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Rater, User
from accounts.roles import Role
from annotation.models import Assignment, Draft, GuidelineVersion, Round
from annotation.services import claim, rating
from annotation.states import AssignmentState, Part
from core.errors import Conflict, NotAllowed
from judges.models import Judge, JudgeVersion
from judges.queries import authors
from tests import builders, judging
from tests.concurrency.racing import PATIENCE, at_once, claim_now

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

AGAIN = range(6)
one_writer = threading.Lock()


@dataclass(frozen=True, slots=True)
class Both:
    """Noor may do either: she rates, and leads."""

    round: Round
    rater: Rater
    judge: Judge
    version: GuidelineVersion
    noor: User

    def takes(self) -> bool:
        return claim_now(self.round, self.rater).assignment_id is not None

    def writes(self) -> bool:
        try:
            judging.make_version(self.judge, self.version, author=self.noor)
        except NotAllowed:
            return False
        return True


def make_both() -> Both:
    project = builders.make_project()
    noor = builders.join(project, builders.make_user(username="noor"), Role.LEAD, Role.RATER)
    rater = builders.rater_of(project, noor)
    dataset = builders.make_dataset(project, share=0.5)
    version = builders.make_guideline(project, pairwise=True)
    items = [builders.make_pair(dataset, external_id=f"p{n}", part=Part.SEALED) for n in range(3)]
    round_ = builders.make_round(dataset, version, items=items, raters=[rater])
    return Both(round_, rater, judging.make_judge(project, version), version, noor)


def leased() -> int:
    return Assignment.objects.filter(state=AssignmentState.LEASED).count()


def test_control_without_the_common_row_somebody_rates_and_writes() -> None:
    """Each looks before the other has written: with the line taken away both go on."""
    both = make_both()
    looked = threading.Barrier(2, timeout=PATIENCE)

    def naive_take() -> None:
        is_author = authors.has_authored(both.judge.project_id, both.noor.pk)
        looked.wait()
        with one_writer:
            if not is_author:
                slot = Assignment.objects.filter(round=both.round).values("pk")[:1]
                Assignment.objects.filter(pk__in=slot).update(
                    state=AssignmentState.LEASED,
                    rater=both.rater,
                    leased_at=timezone.now(),
                    lease_until=timezone.now() + claim.lease_time(),
                    guideline_version=both.version,
                )

    def naive_write() -> None:
        rates = Assignment.objects.filter(rater=both.rater).exists()
        looked.wait()
        with one_writer:
            if not rates:
                judging.naive_version(both.judge, both.version, both.noor)

    at_once([naive_take, naive_write])
    assert leased() == 1
    assert JudgeVersion.objects.count() == 1


@pytest.mark.parametrize("_", AGAIN)
def test_nobody_takes_a_sealed_item_and_writes_a_judge_at_once(_: int) -> None:
    both = make_both()
    done = at_once([both.takes, both.writes])
    assert sorted(done) == [False, True]
    assert leased() == int(done[0])
    assert JudgeVersion.objects.count() == int(done[1])
    assert both.takes() is done[0]
    assert both.writes() is done[1]


def test_an_answer_that_comes_after_its_lease_and_after_a_judge_is_kept_and_not_counted() -> None:
    both = make_both()
    given = claim_now(both.round, both.rater).assignment_id
    assert given is not None
    assert claim.expire(timezone.now() + timedelta(days=1)) == 1
    assert both.writes() is True
    with pytest.raises(Conflict) as refusal:
        rating.submit(
            assignment_id=given,
            rater=both.rater,
            labels={"preference": "A"},
            now=timezone.now() + timedelta(days=1),
        )
    assert refusal.value.code == "wrote_a_judge"
    assert not Assignment.objects.filter(state=AssignmentState.SUBMITTED).exists()
    assert Draft.objects.get(rater=both.rater).labels


def test_without_a_judge_an_answer_that_comes_after_its_lease_counts() -> None:
    both = make_both()
    given = claim_now(both.round, both.rater).assignment_id
    assert given is not None
    assert claim.expire(timezone.now() + timedelta(days=1)) == 1
    labels = {"preference": "A"}
    rating.submit(assignment_id=given, rater=both.rater, labels=labels, now=timezone.now())
    assert Assignment.objects.filter(state=AssignmentState.SUBMITTED).count() == 1
    assert both.writes() is False
