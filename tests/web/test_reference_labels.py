"""Human labels by each method: what a small dataset shows at once, and a large one by its job."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from annotation.models import Assignment, Item, Rating, ReferenceLabel, Round, RoundRater
from annotation.services import adjudication, reference
from annotation.states import Method, RoundState
from calibration.models import ReferenceFigures
from calibration.queries import referencefigures as queries
from calibration.services import referencefigures
from core import jobs
from core.models import Job, JobState
from tests import builders
from tests.rated import MARK, make_rated

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project, Rater
    from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

KEY = "clarity"


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]


def rated(project: Project, raters: list[Rater], *, sealed: int = 0) -> Round:
    """Five items; the fourth is contested by one pass, one fail and one n/a."""
    made = make_rated(project, raters, ("555", "544", "122", "511", "444"), sealed=sealed)
    Rating.objects.filter(assignment__item__external_id="i3", assignment__rater=raters[2]).update(
        label="not_applicable"
    )
    Round.objects.filter(pk=made.pk).update(state=RoundState.CLOSED)
    reference.refresh(item_ids=list(Item.objects.values_list("pk", flat=True)))
    return made


def read(client: Client, **query: str) -> str:
    answer = client.get(reverse("reference_labels", args=["support"], query=query))
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def listed(text: str) -> list[str]:
    return re.findall(r'dir="auto">Question (\d+)\?</a>', text)


def test_each_method_tells_what_it_decides_and_what_it_leaves_contested(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    rated(project, raters)
    text = read(lea, dimension=KEY)
    assert listed(text) == ["0", "1", "2", "3", "4"]
    for name in ("Plurality", "Median", "Dawid–Skene"):
        assert f'<dt>{name}</dt><dd class="number">4 decided, 1 contested</dd>' in text
    assert "20.0" in text or "0.20" in text  # one of five, with its interval
    assert re.search(r"3 raters, 5 items, 15 votes; settled after \d+ steps?", text)


def test_the_list_is_narrowed_by_state_and_words(
    lea: Client, project: Project, raters: list[Rater], cast: Cast
) -> None:
    made = rated(project, raters)
    assert listed(read(lea, dimension=KEY, state="contested")) == ["3"]
    assert listed(read(lea, dimension=KEY, state="adjudicated")) == []
    assert listed(read(lea, dimension=KEY, q="question 4")) == ["4"]
    dimension = made.guideline_version.dimensions.select_related("version__guideline").get(key=KEY)
    adjudication.decide(
        item_id=Item.objects.get(external_id="i3").pk,
        dimension=dimension,
        label="2",
        reason="It fails.",
        seen=0,
        by=cast.noor,
    )
    text = read(lea, dimension=KEY, state="adjudicated")
    assert listed(text) == ["3"]
    assert "1 decided, 0 still contested" in text
    assert "<b><bdi>2</bdi></b>" in text


def test_of_the_sealed_part_only_numbers_are_told(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    rated(project, raters, sealed=2)
    text = read(lea, dimension=KEY)
    assert listed(text) == ["2", "3", "4"]
    assert MARK not in text
    assert "3 unsealed items" in text
    assert '<dt>Sealed</dt><dd class="number">2 decided, 0 contested</dd>' in text


def test_who_may_yet_rate_an_item_does_not_find_it(
    project: Project, raters: list[Rater], cast: Cast, client_for: ClientFor
) -> None:
    made = rated(project, raters)
    Round.objects.update(state=RoundState.OPEN)
    builders.join(project, cast.lea, Role.LEAD, Role.RATER)
    RoundRater.objects.create(round=made, rater=builders.rater_of(project, cast.lea))
    assert listed(read(client_for(cast.lea), dimension=KEY)) == []


def test_without_labels_the_page_says_what_to_do_first(lea: Client, project: Project) -> None:
    assert "No labels yet" in read(lea)


def test_what_is_asked_for_and_is_not_there_gives_the_newest(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    rated(project, raters)
    assert listed(read(lea, subject="9-9-9", dimension="nothing", after="x")) != []


def test_figures_follow_when_one_item_goes_out_and_another_comes_back(
    project: Project, raters: list[Rater]
) -> None:
    rated(project, raters)
    (subject,) = queries.subjects(project.pk)

    def contested(*, without: str) -> int:
        Assignment.objects.filter(state="withdrawn").update(state="submitted")
        Assignment.objects.filter(item__external_id=without).update(state="withdrawn")
        found = queries.live(subject)["dimensions"]
        kept = next(one for one in found if one["key"] == KEY)
        return int(kept["methods"]["plurality"]["contested"])

    assert (contested(without="i0"), contested(without="i3")) == (1, 0)


# Large --------------------------------------------------------------------------------------------


def test_a_large_dataset_is_measured_by_a_job_that_many_looks_ask_for_once(
    lea: Client, project: Project, raters: list[Rater], monkeypatch: pytest.MonkeyPatch
) -> None:
    rated(project, raters)
    at_once = read(lea, dimension=KEY)
    monkeypatch.setattr(queries, "LIVE_ANSWERS", 2)
    assert "The figures are being made" in read(lea, dimension=KEY)
    assert "The figures are being made" in read(lea, dimension=KEY)
    job = Job.objects.get(kind=referencefigures.MAKE)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.problem) == (JobState.DONE, "")
    by_job = read(lea, dimension=KEY)
    assert "as of" in by_job
    assert listed(by_job) == listed(at_once)
    sentence = r"\d+ raters, \d+ items, \d+ votes; settled after \d+ steps?"
    assert re.findall(sentence, by_job) == re.findall(sentence, at_once) != []
    assert not Job.objects.filter(state=JobState.WAITING).exists()
    earlier = timezone.now() - timedelta(hours=1)
    ReferenceFigures.objects.update(asked_at=earlier, made_at=earlier)
    assert listed(read(lea, dimension=KEY)) != []
    assert Job.objects.filter(state=JobState.WAITING).count() == 1


def test_dawid_skene_makes_no_label_that_a_gate_could_read(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    rated(project, raters)
    read(lea, dimension=KEY)
    assert not ReferenceLabel.objects.filter(method=Method.DAWID_SKENE).exists()
