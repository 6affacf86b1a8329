"""Figures of a large round: made by a job that a look asks for, once, and kept until the next."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Rater
from annotation.queries import rounds
from calibration.models import RoundFigures
from calibration.queries import agreement
from calibration.queries import roundfigures as queries
from calibration.services import roundfigures
from core import jobs
from core.models import Job, JobState
from tests import builders
from tests.rated import make_rated

if TYPE_CHECKING:
    from accounts.models import Project
    from annotation.models import Round
    from calibration.queries.roundfigures import Figures
    from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

GIVEN = ("115", "333", "334", "442")


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]


@pytest.fixture
def round_(project: Project, raters: list[Rater], monkeypatch: pytest.MonkeyPatch) -> Round:
    """Four items count as many here."""
    cache.clear()
    monkeypatch.setattr(rounds, "LARGE", 2)
    return make_rated(project, raters, GIVEN)


def look(round_: Round, *, later: timedelta = timedelta()) -> Figures | None:
    return roundfigures.of_round(round_=round_, actor="system", now=timezone.now() + later)


def work_off() -> None:
    for job in Job.objects.filter(kind=roundfigures.MAKE, state=JobState.WAITING):
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.problem) == (JobState.DONE, "")


def test_the_first_look_asks_for_the_figures_and_many_looks_ask_once(round_: Round) -> None:
    assert (look(round_), look(round_)) == (None, None)
    assert Job.objects.filter(kind=roundfigures.MAKE).count() == 1


def test_kept_figures_are_those_that_a_small_round_shows_at_once(round_: Round) -> None:
    look(round_)
    work_off()
    found = look(round_)
    assert found is not None
    live = queries.live(round_, now=timezone.now())
    assert found.is_kept
    assert found.work == live.work
    assert [one.as_dict() for one in found.dimensions] == [one.as_dict() for one in live.dimensions]


def test_old_figures_are_shown_while_newer_ones_are_asked_for(round_: Round) -> None:
    look(round_)
    work_off()
    assert look(round_) is not None
    assert not Job.objects.filter(state=JobState.WAITING).exists()

    assert look(round_, later=timedelta(hours=1)) is not None

    assert Job.objects.filter(kind=roundfigures.MAKE, state=JobState.WAITING).count() == 1


def test_figures_that_took_long_are_made_anew_later(round_: Round) -> None:
    look(round_)
    work_off()
    RoundFigures.objects.update(seconds=60.0)
    look(round_, later=timedelta(minutes=19))
    assert not Job.objects.filter(state=JobState.WAITING).exists()


def test_a_job_that_failed_does_not_block_the_next_for_ever(round_: Round) -> None:
    look(round_)
    Job.objects.update(state=JobState.FAILED)
    look(round_, later=timedelta(minutes=5))
    assert Job.objects.count() == 1
    look(round_, later=timedelta(minutes=11))
    assert Job.objects.count() == 2


def test_agreement_of_a_large_round_is_measured_by_the_job_and_comes_back_the_same(
    round_: Round,
) -> None:
    now = timezone.now()
    assert roundfigures.agreement_of(round_=round_, actor="system", now=now) is None
    work_off()
    found = roundfigures.agreement_of(round_=round_, actor="system", now=now)
    assert found == agreement.of_round(round_)
    assert found is not None
    assert found.items == len(GIVEN)


def test_what_is_kept_of_a_large_round_names_nobody(round_: Round, raters: list[Rater]) -> None:
    now = timezone.now()
    roundfigures.agreement_of(round_=round_, actor="system", now=now)
    work_off()
    kept = json.dumps(RoundFigures.objects.get().content)
    assert not [rater.name for rater in raters if f'"{rater.name}"' in kept]
    Rater.objects.filter(pk=raters[0].pk).update(name="erased-rater-1")
    found = roundfigures.agreement_of(round_=round_, actor="system", now=now)
    assert found is not None
    assert set(found.dimensions[0].uses) == {"erased-rater-1", raters[1].name, raters[2].name}
    assert {one["a"] for one in found.dimensions[0].kappa} <= set(found.dimensions[0].uses)


def test_what_was_kept_by_names_is_made_anew(round_: Round) -> None:
    now = timezone.now()
    roundfigures.agreement_of(round_=round_, actor="system", now=now)
    work_off()
    row = RoundFigures.objects.get()
    del row.content["agreement"]["rater_ids"]
    row.save()
    assert roundfigures.agreement_of(round_=round_, actor="system", now=now) is None
