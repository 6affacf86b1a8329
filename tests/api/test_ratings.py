"""Rating over the API: the JSON of the interface, its refusals, and nothing that tells too much."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Project, Rater
from accounts.roles import Role, Scope
from annotation.models import Assignment, Item, Rating, Round
from annotation.rules import display
from annotation.states import RoundState
from tests import builders

pytestmark = pytest.mark.django_db

FOURS = dict.fromkeys(builders.FOUR, "4")


class Machine:
    """A caller with a token."""

    def __init__(self, secret: str) -> None:
        self.client = Client()
        self.secret = secret

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1/{path}",
            json.dumps(body or {}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}", **headers},
        )


@pytest.fixture
def project() -> Project:
    return builders.make_project()


def make_rater(project: Project, name: str) -> Rater:
    user = builders.join(project, builders.make_user(username=name), Role.RATER)
    return builders.rater_of(project, user)


@pytest.fixture
def ana(project: Project) -> Rater:
    return make_rater(project, "ana")


@pytest.fixture
def round_(project: Project, ana: Rater) -> Round:
    dataset = builders.make_dataset(project)
    items = [
        builders.make_item(dataset, external_id=f"sys-{n}", systems=("alpha",)) for n in (1, 2)
    ]
    return builders.make_round(
        dataset, builders.make_guideline(project), items=items, raters=[ana], overlap=1
    )


@pytest.fixture
def machine(project: Project, ana: Rater) -> Machine:
    return Machine(builders.make_token(project, scopes=[Scope.RATE], rater=ana)[1])


def next_path(round_: Round) -> str:
    return f"projects/support/rounds/{round_.pk}/next"


def test_next_answers_the_assignment_in_the_agreed_shape(machine: Machine, round_: Round) -> None:
    answer = machine.post(next_path(round_))
    assert answer.status_code == 200
    given = answer.json()["assignment"]
    row = Assignment.objects.get(pk=given["id"])
    assert set(given) == {"id", "lease_until", "item", "dimensions"}
    assert given["item"] == {
        "id": row.item_id,
        "kind": "single",
        "input": "How do I cancel?",
        "context": "",
        "messages": [],
        "responses": [{"shown_as": "", "text": "Go to billing and choose cancel."}],
    }
    assert given["dimensions"][0] == {"key": "accuracy", "labels": ["1", "2", "3", "4", "5"]}


def test_next_tells_neither_the_system_nor_the_external_id(machine: Machine, round_: Round) -> None:
    text = machine.post(next_path(round_)).content.decode()
    assert "alpha" not in text
    assert "sys-" not in text


def test_a_pair_is_shown_in_the_raters_order(
    machine: Machine, project: Project, ana: Rater
) -> None:
    dataset = builders.make_dataset(project, name="pairs")
    pairs = [builders.make_pair(dataset, external_id=f"p{n}") for n in range(6)]
    version = builders.make_guideline(project, name="Preference", pairwise=True)
    round_ = builders.make_round(dataset, version, items=pairs, raters=[ana], name="Pairs")
    # Drawn salts show all six in one order once in thirty-two times.
    salts = (f"salt {number}" for number in itertools.count())
    both = {True, False}
    round_.salt = next(
        salt
        for salt in salts
        if {display.is_swapped(salt, rater=ana.pk, item=pair.pk) for pair in pairs} == both
    )
    round_.save(update_fields=["salt"])
    seen = set()
    for _ in pairs:
        given = machine.post(next_path(round_)).json()["assignment"]
        first = given["item"]["responses"][0]
        row = Assignment.objects.get(pk=given["id"])
        assert first["shown_as"] == "A"
        assert first["text"] == ("Write to support." if row.is_swapped else "Cancel under billing.")
        seen.add(row.is_swapped)
        machine.post(f"assignments/{row.pk}/submit", {"labels": {"preference": "A"}})
        stored = Rating.objects.get(assignment=row).label
        assert stored == ("B" if row.is_swapped else "A")
    assert seen == both


def test_submit_stores_the_answer_and_the_end_is_204(machine: Machine, round_: Round) -> None:
    for _ in range(2):
        given = machine.post(next_path(round_)).json()["assignment"]
        answer = machine.post(
            f"assignments/{given['id']}/submit",
            {"labels": {**FOURS, "safety": 5}, "rationale": "fine", "active_seconds": 2.5},
        )
        assert answer.status_code == 200
        assert answer.json()["state"] == "submitted"
    assert machine.post(next_path(round_)).status_code == 204
    assert Rating.objects.count() == 8


def test_a_label_outside_the_scale_is_422_by_field(machine: Machine, round_: Round) -> None:
    given = machine.post(next_path(round_)).json()["assignment"]
    answer = machine.post(
        f"assignments/{given['id']}/submit", {"labels": {**FOURS, "clarity": "6"}}
    )
    assert answer.status_code == 422
    assert set(answer.json()) == {"code", "message", "fields"}
    assert list(answer.json()["fields"]) == ["clarity"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"labels": ["4"]},
        {"labels": {"accuracy": {"a": 1}}},
        {"labels": FOURS, "active_seconds": "long"},
        {"labels": FOURS, "active_seconds": -1},
        {"labels": FOURS, "rationale": {}},
        [1],
    ],
)
def test_a_body_of_another_shape_is_422(machine: Machine, round_: Round, body: object) -> None:
    given = machine.post(next_path(round_)).json()["assignment"]
    answer = machine.post(f"assignments/{given['id']}/submit", body)
    assert answer.status_code == 422
    assert not Rating.objects.exists()


def test_another_answer_to_a_submitted_item_is_409(machine: Machine, round_: Round) -> None:
    given = machine.post(next_path(round_)).json()["assignment"]
    path = f"assignments/{given['id']}/submit"
    assert machine.post(path, {"labels": FOURS}).status_code == 200
    assert machine.post(path, {"labels": FOURS}).status_code == 200
    answer = machine.post(path, {"labels": {**FOURS, "safety": "1"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_submitted")


def test_an_idempotency_key_gives_the_same_assignment_again(
    machine: Machine, round_: Round
) -> None:
    key = {"Idempotency-Key": "k1"}
    first = machine.post(next_path(round_), **key)
    given = first.json()["assignment"]
    machine.post(f"assignments/{given['id']}/submit", {"labels": FOURS})
    again = machine.post(next_path(round_), **key)
    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("state", "code"), [(RoundState.PAUSED, "round_paused"), (RoundState.CLOSED, "round_closed")]
)
def test_a_round_that_is_not_open_is_409(
    machine: Machine, round_: Round, state: RoundState, code: str
) -> None:
    Round.objects.update(state=state)
    answer = machine.post(next_path(round_))
    assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_the_slot_of_another_rater_is_not_there(
    project: Project, machine: Machine, round_: Round, item_of_ben: Assignment
) -> None:
    answer = machine.post(f"assignments/{item_of_ben.pk}/submit", {"labels": FOURS})
    assert answer.status_code == 404


@pytest.fixture
def item_of_ben(project: Project, round_: Round) -> Assignment:
    ben = make_rater(project, "ben")
    item = Item.objects.order_by("pk")[0]
    return builders.make_rating(round_, item, ben, labels=FOURS)


def test_a_token_without_the_scope_is_403(project: Project, round_: Round) -> None:
    other = Machine(builders.make_token(project, scopes=[Scope.READ])[1])
    answer = other.post(next_path(round_))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_nobody_rates_without_a_token(round_: Round) -> None:
    assert Machine("nonsense").post(next_path(round_)).status_code == 401


def test_a_round_of_others_is_not_there(project: Project, machine: Machine, round_: Round) -> None:
    round_.round_raters.all().delete()
    assert machine.post(next_path(round_)).status_code == 404
