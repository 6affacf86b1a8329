"""How a round checks its raters: set up, changed, passed, let in, on pages."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import Admission, Dataset, Round
from annotation.queries import rounds as rounds_queries
from annotation.services import admissions, claim, rating, rounds
from annotation.states import RoundKind, RoundState
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON
from tests.cast import ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

RIGHT = dict.fromkeys(builders.FOUR, "4")


class Scene:
    """A project with six gold items and six others, its lead, and a rater."""

    def __init__(self) -> None:
        self.project: Project = builders.make_project()
        self.lea: User = builders.join(self.project, builders.make_user(username="lea"), Role.LEAD)
        self.user: User = builders.join(
            self.project, builders.make_user(username="ana"), Role.RATER
        )
        self.ana: Rater = builders.rater_of(self.project, self.user)
        self.dataset: Dataset = builders.make_dataset(self.project)
        self.version = builders.make_guideline(self.project)
        for number in range(6):
            gold = builders.make_item(self.dataset, external_id=f"g{number}")
            builders.make_gold(gold, self.version)
            builders.make_item(self.dataset, external_id=f"i{number}")

    def form(self, **more: object) -> dict[str, object]:
        return {
            "kind": "standard",
            "name": "Week 47",
            "dataset": self.dataset.pk,
            "version": self.version.pk,
            "raters": [self.ana.pk],
            "overlap": 1,
        } | more

    def url(self, name: str, *numbers: int) -> str:
        return reverse(name, args=[self.project.slug, *numbers])

    def made(self, client_for: ClientFor, **more: object) -> Round:
        answer = client_for(self.lea).post(self.url("round_new"), self.form(**more))
        assert answer.status_code == 302, answer.content.decode()
        return Round.objects.latest("pk")

    def qualification(self, client_for: ClientFor, *, items: int = 2) -> Round:
        made = self.made(
            client_for, kind="qualification", name="Entry", pass_share=80, pass_items=items
        )
        rounds.open_round(round_id=made.pk, by=self.lea, now=NOON)
        return Round.objects.get(pk=made.pk)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_round_is_made_with_a_gold_rate_and_says_so(scene: Scene, client_for: ClientFor) -> None:
    made = scene.made(client_for, gold_every=3, shows_gold="on")
    assert (made.gold_every, made.shows_gold, made.kind) == (3, True, RoundKind.STANDARD)
    page = client_for(scene.lea).get(scene.url("round", made.pk)).content.decode()
    assert "one item in 3" in page


def test_too_few_gold_items_are_a_sentence_at_the_rate(scene: Scene, client_for: ClientFor) -> None:
    other = builders.make_guideline(scene.project, name="Tone", keys=("tone",))
    answer = client_for(scene.lea).post(
        scene.url("round_new"), scene.form(version=other.pk, gold_every=2)
    )
    assert answer.status_code == 422
    assert "0 gold items of Tone" in answer.content.decode()
    assert not Round.objects.exists()


def test_a_qualification_is_made_of_gold_items_and_has_a_mark(
    scene: Scene, client_for: ClientFor
) -> None:
    made = scene.qualification(client_for)
    assert (made.kind, made.pass_share, made.pass_items) == (RoundKind.QUALIFICATION, 0.8, 2)
    assert made.round_items.count() == 6
    page = client_for(scene.lea).get(scene.url("round", made.pk)).content.decode()
    assert "Pass mark" in page
    assert "Agreement now" not in page


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"pass_items": 2}, "Say which share of the gold labels passes"),
        ({"pass_share": 80}, "Say on how many gold items"),
        ({"pass_share": 80, "pass_items": 7}, "would hold 6"),
        ({"pass_share": 80, "pass_items": 2, "quota": 3}, "A qualification has no quota"),
        ({"pass_share": 101, "pass_items": 2}, "less than or equal to 100"),
    ],
)
def test_a_qualification_nobody_could_pass_is_refused(
    scene: Scene, client_for: ClientFor, more: dict[str, object], sentence: str
) -> None:
    answer = client_for(scene.lea).post(
        scene.url("round_new"), scene.form(kind="qualification", **more)
    )
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Round.objects.exists()


def test_a_mark_on_a_plain_round_is_refused(scene: Scene, client_for: ClientFor) -> None:
    answer = client_for(scene.lea).post(scene.url("round_new"), scene.form(pass_share=80))
    assert answer.status_code == 422
    assert "Only a qualification has a pass mark" in answer.content.decode()


def test_checks_are_changed_on_an_open_round_and_audited(
    scene: Scene, client_for: ClientFor
) -> None:
    entry = scene.qualification(client_for)
    made = scene.made(client_for)
    rounds.open_round(round_id=made.pk, by=scene.lea, now=NOON)
    lead = client_for(scene.lea)
    assert "no qualification" in lead.get(scene.url("round_checks", made.pk)).content.decode()
    answer = lead.post(scene.url("round_checks", made.pk), {"qualification": entry.pk})
    assert answer.status_code == 302
    made.refresh_from_db()
    assert made.qualification_id == entry.pk
    event = AuditEvent.objects.get(verb="round.checks_changed")
    assert event.data["after"] == {"qualification": entry.pk}
    given = claim.next_slot(round_id=made.pk, rater_id=scene.ana.pk, now=NOON)
    assert given.assignment_id is None


def test_the_mark_of_an_open_qualification_is_told_and_not_asked(
    scene: Scene, client_for: ClientFor
) -> None:
    entry = scene.qualification(client_for)
    lead = client_for(scene.lea)
    page = lead.get(scene.url("round_checks", entry.pk)).content.decode()
    assert "It stays as it was when the qualification was opened" in page
    assert 'name="pass_share"' not in page
    lead.post(scene.url("round_checks", entry.pk), {"shows_gold": "on", "pass_share": 1})
    entry.refresh_from_db()
    assert (entry.shows_gold, entry.pass_share) == (True, 0.8)


def test_nothing_is_changed_in_a_closed_round(scene: Scene, client_for: ClientFor) -> None:
    made = scene.made(client_for)
    rounds.close(round_id=made.pk, by=scene.lea, now=NOON)
    answer = client_for(scene.lea).post(scene.url("round_checks", made.pk), {"shows_gold": "on"})
    assert Round.objects.get(pk=made.pk).shows_gold is False
    assert Round.objects.get(pk=made.pk).state == RoundState.CLOSED
    assert "closed" in answer.content.decode()


def test_who_passed_stands_there_with_share_and_number(scene: Scene, client_for: ClientFor) -> None:
    entry = scene.qualification(client_for)
    lead = client_for(scene.lea)
    assert "not begun" in lead.get(scene.url("round_passed", entry.pk)).content.decode()
    for _ in range(2):
        given = claim.next_slot(round_id=entry.pk, rater_id=scene.ana.pk, now=NOON)
        assert given.assignment_id is not None
        rating.submit(assignment_id=given.assignment_id, rater=scene.ana, labels=RIGHT, now=NOON)
    page = lead.get(scene.url("round_passed", entry.pk)).content.decode()
    assert "passed" in page
    assert "100" in page
    assert "1 may rate, 1 in the qualification" in page
    assert scene.url("round_let_in", entry.pk, scene.ana.pk) not in page


def test_raters_of_a_qualification_are_found_by_name_and_state(
    scene: Scene, client_for: ClientFor
) -> None:
    entry = scene.qualification(client_for)
    ben = builders.join(scene.project, builders.make_user(username="ben"), Role.RATER)
    rater = builders.rater_of(scene.project, ben)
    rounds.add_raters(round_id=entry.pk, raters=[rater], by=scene.lea)
    admissions.let_in(round_id=entry.pk, rater_id=rater.pk, reason="Knows it.", by=scene.lea)
    lead, address = client_for(scene.lea), scene.url("round_passed", entry.pk)

    def listed(**query: str) -> list[str]:
        lines = lead.get(address, query).context["lines"]
        return [line.rater.name for line in lines]

    assert listed() == listed(q="") == ["Ana", "Ben"]
    assert (listed(q="an"), listed(state="may"), listed(state="not_yet")) == (
        ["Ana"],
        ["Ben"],
        ["Ana"],
    )
    assert listed(state="nonsense") == ["Ana", "Ben"]
    assert "Nobody fits" in lead.get(address, {"q": "zz"}).content.decode()


def test_a_lead_lets_somebody_in_with_a_reason_once(scene: Scene, client_for: ClientFor) -> None:
    entry = scene.qualification(client_for)
    lead, address = client_for(scene.lea), scene.url("round_let_in", entry.pk, scene.ana.pk)
    assert lead.post(address, {"reason": " "}).status_code == 422
    assert not Admission.objects.exists()
    assert lead.post(address, {"reason": "Rated with us last year."}).status_code == 302
    page = lead.get(scene.url("round_passed", entry.pk)).content.decode()
    assert "let in" in page
    assert "Rated with us last year." in page
    again = lead.post(address, {"reason": "Once more."})
    assert again.status_code == 422
    assert "already" in again.content.decode()
    assert Admission.objects.get().reason == "Rated with us last year."


def test_a_round_of_another_kind_has_no_page_of_who_passed(
    scene: Scene, client_for: ClientFor
) -> None:
    made = scene.made(client_for)
    assert client_for(scene.lea).get(scene.url("round_passed", made.pk)).status_code == 404
    away = scene.url("round_let_in", made.pk, scene.ana.pk)
    assert client_for(scene.lea).get(away).status_code == 404


def test_the_pages_that_raters_see_lead_to_the_qualification(
    scene: Scene, client_for: ClientFor
) -> None:
    entry = scene.qualification(client_for)
    made = scene.made(client_for, qualification=entry.pk)
    rounds.open_round(round_id=made.pk, by=scene.lea, now=NOON)
    rater = client_for(scene.user)
    page = rater.get(scene.url("rate", made.pk)).content.decode()
    assert scene.url("rate", entry.pk) in page
    assert "Entry" in rater.get("/").content.decode()


def test_my_agreement_tells_how_a_rater_stands_in_qualifications(
    scene: Scene, client_for: ClientFor
) -> None:
    entry = scene.qualification(client_for)
    rater, mine = client_for(scene.user), scene.url("my_agreement")
    before = rater.get(mine).content.decode()
    assert "not passed yet" in before
    assert scene.url("rate", entry.pk) in before
    for _ in range(2):
        given = claim.next_slot(round_id=entry.pk, rater_id=scene.ana.pk, now=NOON)
        assert given.assignment_id is not None
        rating.submit(assignment_id=given.assignment_id, rater=scene.ana, labels=RIGHT, now=NOON)
    after = rater.get(mine).content.decode()
    assert "not passed yet" not in after
    assert "[34.2, 100.0]" in after


def test_who_was_let_in_without_being_in_it_gets_no_dead_link(
    scene: Scene, client_for: ClientFor
) -> None:
    entry = scene.qualification(client_for)
    entry.round_raters.all().delete()
    lead = client_for(scene.lea)
    lead.post(scene.url("round_let_in", entry.pk, scene.ana.pk), {"reason": "Known to us."})
    page = client_for(scene.user).get(scene.url("my_agreement")).content.decode()
    assert "A lead let you in." in page
    assert scene.url("rate", entry.pk) not in page


def test_a_qualification_is_not_what_the_project_is_about(
    scene: Scene, client_for: ClientFor
) -> None:
    made = scene.made(client_for)
    scene.qualification(client_for)
    current = rounds_queries.current(project_id=scene.project.pk)
    assert current is not None
    assert current.pk == made.pk


def test_the_raters_page_shows_how_many_gold_labels_were_met(
    scene: Scene, client_for: ClientFor
) -> None:
    made = scene.made(client_for, gold_every=2)
    rounds.open_round(round_id=made.pk, by=scene.lea, now=NOON)
    for _ in range(4):
        given = claim.next_slot(round_id=made.pk, rater_id=scene.ana.pk, now=NOON)
        assert given.assignment_id is not None
        rating.submit(assignment_id=given.assignment_id, rater=scene.ana, labels=RIGHT, now=NOON)
    page = client_for(scene.lea).get(scene.url("round_quality", made.pk), {"sort": "-gold"})
    told = page.content.decode()
    assert "gold labels met" in told
    assert "n = 8" in told
    Round.objects.filter(pk=made.pk).update(gold_every=None)
    plain = client_for(scene.lea).get(scene.url("round_quality", made.pk)).content.decode()
    assert "gold labels met" not in plain
