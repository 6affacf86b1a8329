"""Do people agree? The page of a round, its fragment, and what it never shows."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Project, Rater
from accounts.roles import Role, Scope
from annotation.models import Item, Round
from annotation.queries import rounds
from annotation.states import RoundState
from calibration.queries import agreement, steps
from core import jobs
from core.models import Job
from tests import builders, pandalm, rated
from tests.builders import FOUR
from tests.cast import Cast, client_for, make_cast
from tests.rated import MARK

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
LABELS = ("545", "434", "112", "554", "221", "333", "455", "121")


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def cast(project: Project) -> Cast:
    return make_cast(project)


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]


def make_rated(project: Project, raters: list[Rater], *, sealed: int = 0) -> Round:
    """Eight items rated by three; the first `sealed` of them are sealed and marked."""
    return rated.make_rated(project, raters, LABELS, sealed=sealed)


def path_of(round_: Round, **query: str) -> str:
    return reverse("round_agreement", args=["support", round_.pk], query=query)


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def written(value: float, low: float, high: float) -> str:
    return f'{value:.3f} <span class="interval">[{low:.3f}, {high:.3f}]</span>'


def test_the_page_shows_every_figure_with_interval_and_n(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    text = read(client_for(cast.lea), path_of(round_))
    summary = agreement.of_round(round_).dimensions[0].summary
    assert written(summary["alpha"]["value"], *summary["alpha"]["interval"]) in text
    assert written(summary["icc"]["value"], *summary["icc"]["interval"]) in text
    for name in ("Pairs that agree", "All agree", "AC1", "Fleiss’ kappa", "ICC(2,1)"):
        assert name in text
    assert "3 raters, 3 an item, 8 items so far" in text
    assert "4 · 5 · 5" in text


def test_the_page_and_the_command_say_the_same(
    project: Project, cast: Cast, raters: list[Rater], tmp_path: Path
) -> None:
    round_ = make_rated(project, raters)
    table = tmp_path / "labels.csv"
    rows = [
        f"i{n},{rater.name},{label},safety,i{n}"
        for n, labels in enumerate(LABELS)
        for rater, label in zip(raters, labels, strict=True)
    ]
    table.write_text("\n".join(["item,rater,label,dimension,cluster", *rows]), encoding="utf-8")
    out = StringIO()
    call_command("agreement", str(table), scale="1-5", json=True, stdout=out)
    said = json.loads(out.getvalue())
    shown = agreement.of_round(round_).as_dict()
    assert shown["dimensions"]["safety"] == said["dimensions"]["safety"]
    assert shown["seed"] == said["seed"]


def test_an_undefined_figure_shows_its_reason(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    dataset = builders.make_dataset(project)
    item = builders.make_item(dataset)
    version = builders.make_guideline(project)
    round_ = builders.make_round(dataset, version, items=[item], raters=raters)
    builders.make_rating(round_, item, raters[0], labels=dict.fromkeys(FOUR, "4"))
    assert "undefined: " in read(client_for(cast.lea), path_of(round_))


def test_another_dimension_is_shown_when_asked_for(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    text = read(client_for(cast.lea), path_of(round_, dimension="clarity"))
    assert "<bdi>Clarity</bdi>, kappa" in text
    first = read(client_for(cast.lea), path_of(round_, dimension="nonsense"))
    assert "<bdi>Accuracy</bdi>, kappa" in first


def test_an_open_round_asks_again_and_a_closed_one_does_not(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    lea = client_for(cast.lea)
    assert 'hx-trigger="every 4s"' in read(lea, path_of(round_))
    Round.objects.filter(pk=round_.pk).update(state=RoundState.CLOSED)
    assert "hx-trigger" not in read(lea, path_of(round_))


def test_a_poll_of_an_unchanged_round_gets_nothing_new(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    shown = agreement.state_of(round_)
    answer = client_for(cast.lea).get(path_of(round_, shown=shown), headers=HTMX)
    assert answer.status_code == 204


def test_a_poll_after_a_new_rating_gets_the_fragment(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    shown = agreement.state_of(round_)
    slot = round_.assignments.order_by("pk").last()
    assert slot is not None
    rating = slot.ratings.order_by("pk").first()
    assert rating is not None
    rating.is_current = False
    rating.save(update_fields=["is_current"])
    slot.ratings.create(dimension=rating.dimension, revision=2, label="5")
    answer = client_for(cast.lea).get(path_of(round_, shown=shown), headers=HTMX)
    assert answer.status_code == 200
    assert answer.content.decode().lstrip().startswith("<div id=")


def test_a_poll_costs_few_queries(
    project: Project,
    cast: Cast,
    raters: list[Rater],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    round_ = make_rated(project, raters)
    lea = client_for(cast.lea)
    path = path_of(round_, shown=agreement.state_of(round_))
    # Session, person, membership, round, whether it is large, and the one that counts.
    with django_assert_max_num_queries(6):
        lea.get(path, headers=HTMX)


def test_of_a_sealed_round_only_pooled_figures_are_shown(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, sealed=len(LABELS))
    text = read(client_for(cast.lea), path_of(round_))
    assert "nothing is shown by item, rater or slice" in text
    assert MARK not in text
    for rater in raters:
        assert rater.name not in text
    assert "Krippendorff" in text


def test_of_a_mixed_round_breakdowns_rest_on_unsealed_items(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, sealed=3)
    found = agreement.of_round(round_)
    one = found.dimensions[0]
    assert one.summary["items"] == 8
    assert {pair["n"] for pair in one.kappa} == {5}
    assert {sum(counts) for counts in one.uses.values()} == {5}
    assert MARK not in read(client_for(cast.lea), path_of(round_))


def test_what_has_the_prompt_of_a_sealed_item_is_in_no_breakdown_either(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, sealed=1)
    sealed = Item.objects.get(external_id="i0")
    Item.objects.filter(external_id="i3").update(cluster_key=sealed.cluster_key)
    found = agreement.of_round(round_)
    assert (found.items, found.sealed_items) == (8, 2)
    assert {pair["n"] for pair in found.dimensions[0].kappa} == {6}
    assert {sum(counts) for counts in found.dimensions[0].uses.values()} == {6}
    text = read(client_for(cast.lea), path_of(round_))
    assert "Question 1?" in text
    assert "Question 3?" not in text


def test_what_a_lead_may_yet_rate_in_another_round_is_not_listed(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    lea = client_for(cast.lea)
    assert "Question 1?" in read(lea, path_of(round_))
    builders.make_round(
        round_.dataset,
        round_.guideline_version,
        items=[Item.objects.get(external_id="i1")],
        raters=[builders.rater_of(project, cast.lea)],
        name="Round 2",
    )
    text = read(lea, path_of(round_))
    assert "Question 1?" not in text
    assert "Question 0?" in text


def test_a_line_leads_to_what_everybody_said_of_the_item(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    widest = agreement.of_round(round_).differences[0]
    path = reverse("round_difference", args=["support", round_.pk, widest.item_id, widest.key])
    assert f'href="{path}"' in read(client_for(cast.lea), path_of(round_))


def test_a_rater_and_an_item_stand_there_as_they_are_called_now(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    lea = client_for(cast.lea)
    assert raters[0].name in read(lea, path_of(round_))
    Rater.objects.filter(pk=raters[0].pk).update(name="Somebody else")
    Item.objects.filter(external_id="i1").update(title="In other words")
    text = read(lea, path_of(round_))
    assert raters[0].name not in text
    assert "Somebody else" in text
    assert "In other words" in text


def test_the_api_gives_nothing_by_rater_of_sealed_items(
    project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, sealed=len(LABELS))
    secret = builders.make_token(project, scopes=[Scope.READ])[1]
    answer = Client().get(
        f"/api/v1/projects/support/rounds/{round_.pk}/agreement",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert answer.status_code == 200
    assert all(one["kappa"] == [] for one in answer.json()["dimensions"].values())
    assert all(rater.name not in answer.content.decode() for rater in raters)


def test_a_lead_who_rates_in_the_round_sees_pooled_figures_until_it_is_closed(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    builders.join(project, cast.ana, Role.RATER, Role.LEAD)
    ana = client_for(cast.ana)
    text = read(ana, path_of(round_))
    assert "You rate in this round yourself" in text
    assert raters[1].name not in text
    assert "4 · 5 · 5" not in text
    Round.objects.filter(pk=round_.pk).update(state=RoundState.CLOSED)
    assert raters[1].name in read(ana, path_of(round_))


@pytest.mark.parametrize(
    ("who", "status"), [("ana", 403), ("olu", 404), ("noor", 200), ("ada", 200)]
)
def test_who_may_read_it(
    project: Project, cast: Cast, raters: list[Rater], who: str, status: int
) -> None:
    round_ = make_rated(project, raters)
    assert client_for(getattr(cast, who)).get(path_of(round_)).status_code == status


def test_the_project_leads_to_the_newest_round_with_labels(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    builders.make_round(
        round_.dataset, round_.guideline_version, items=[], raters=[], name="Not begun"
    )
    answer = client_for(cast.lea).get(reverse("agreement", args=["support"]))
    assert answer["Location"] == path_of(round_)


def test_without_labels_the_page_says_what_to_do_first(project: Project, cast: Cast) -> None:
    assert "No labels yet" in read(client_for(cast.lea), reverse("agreement", args=["support"]))


def test_another_projects_round_is_not_here(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    builders.join(builders.make_project(slug="other"), cast.lea, Role.LEAD)
    path = reverse("round_agreement", args=["other", round_.pk])
    assert client_for(cast.lea).get(path).status_code == 404


def test_the_step_tells_how_many_dimensions_hold_without_computing(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    assert steps.agree(project.pk, "support").number == "96\N{NO-BREAK SPACE}labels"
    agreement.of_round(round_)
    step = steps.agree(project.pk, "support")
    assert (step.number, step.is_done) == ("4 of 4", True)


def test_an_item_that_is_withdrawn_leaves_the_figures(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    before = agreement.of_round(round_)
    Item.objects.filter(external_id="i0").update(withdrawn_at=builders.NOON)
    after = agreement.of_round(round_)
    assert (before.items, after.items) == (8, 7)


def test_another_item_that_is_withdrawn_is_another_state(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    Item.objects.filter(external_id="i0").update(withdrawn_at=builders.NOON)
    without_first = agreement.of_round(round_)
    Item.objects.filter(external_id="i0").update(withdrawn_at=None)
    Item.objects.filter(external_id="i2").update(withdrawn_at=builders.NOON)
    without_third = agreement.of_round(round_)
    assert without_first.digest != without_third.digest
    assert without_first.dimensions != without_third.dimensions


@pytest.mark.reference_data
def test_pandalms_page_shows_the_published_figures(
    project: Project, cast: Cast, shared_data: Path
) -> None:
    """Statistics reference, section 12."""
    pandalm.import_people(project, shared_data)
    round_ = Round.objects.get()
    summary = agreement.of_round(round_).dimensions[0]
    assert summary.summary["alpha"]["value"] == pytest.approx(0.8642206852, abs=1e-10)
    assert summary.summary["fleiss"]["value"] == pytest.approx(0.8641753650, abs=1e-10)
    assert summary.summary["ac1"]["value"] == pytest.approx(0.8864447080, abs=1e-10)
    assert [pair["value"] for pair in summary.kappa] == pytest.approx(
        [0.8520226785, 0.8789438113, 0.8616614541], abs=1e-10
    )
    text = read(client_for(cast.lea), path_of(round_))
    for shown in ("0.864 <", "92.0\N{NO-BREAK SPACE}%", "0.852 <", "0.879 <", "0.862 <", "2,997"):
        assert shown in text


def test_the_rounds_own_page_asks_for_alpha_and_stops_when_nothing_is_new(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    lea = client_for(cast.lea)
    path = reverse("round_agreement_now", args=["support", round_.pk])
    assert f'hx-get="{path}"' in read(lea, reverse("round", args=["support", round_.pk]))

    answer = lea.get(path, headers=HTMX)

    alpha = agreement.of_round(round_).dimensions[0].summary["alpha"]["value"]
    assert f"{alpha:.2f}" in answer.content.decode()
    asked = re.search(r'hx-get="([^"]+)"', answer.content.decode())
    assert asked is not None
    assert lea.get(asked[1], headers=HTMX).status_code == 204


def test_without_script_alpha_is_on_the_agreement_page(
    project: Project, cast: Cast, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters)
    answer = client_for(cast.lea).get(reverse("round_agreement_now", args=["support", round_.pk]))
    assert answer["Location"] == path_of(round_)


def test_a_large_round_is_measured_by_a_job_and_nobody_waits(
    project: Project, cast: Cast, raters: list[Rater], monkeypatch: pytest.MonkeyPatch
) -> None:
    round_ = make_rated(project, raters)
    lea = client_for(cast.lea)
    at_once = read(lea, path_of(round_))
    cache.clear()
    monkeypatch.setattr(rounds, "LARGE", 2)
    assert "The figures are being made" in read(lea, path_of(round_))
    (job,) = Job.objects.filter(kind="calibration.round_figures")
    jobs.run(job.pk)
    by_job = read(lea, path_of(round_))
    figures = re.findall(r'class="estimate">.*?</td>', at_once, flags=re.DOTALL)
    assert re.findall(r'class="estimate">.*?</td>', by_job, flags=re.DOTALL) == figures != []
