from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from judges.rules import checklists, prompting
from judges.rules.fingerprint import differences, fingerprint
from judges.rules.spec import Checklist, Example, ItemKind, VersionSpec, as_json, from_json
from judges.rules.templates import findings, lint, shows_reference
from judges.rules.verdicts import Outcome, parse
from judges.simulator import answers
from judges.simulator.judges import PLANTED
from tests.unit.judges.builders import ACCURACY, KEY, make_pair, make_single, make_version

THREE = Checklist("accuracy", ("Is it true?", "Is it whole?", "Is it clear?"), ("1", "2", "4", "5"))


def version(checklist: Checklist = THREE, **changes: object) -> VersionSpec:
    return make_version("single", checklists=(checklist,), **changes)


def rendered(spec: VersionSpec) -> prompting.RenderedRequest:
    return prompting.render(
        spec, make_single(reference="Six legs."), order="", sample=0, fence_key=KEY
    )


def said(*answered: str, why: str = "It says six.") -> str:
    checks = {f"check_{n}": answer for n, answer in enumerate(answered, 1)}
    return json.dumps({"accuracy": {"reasoning": why, **checks}})


# The templates to start from as they were then: a version keeps those that it was saved with.
PAIR_OF_THEN = (
    (
        "You compare two responses to the same question, by the rubric. "
        "The place in which a response stands and its length say nothing about its quality.\n\n"
        "{{ guideline }}\n\n{{ rubric }}\n\n{{ examples }}\n"
    ),
    "{{ input }}\n\n{{ context }}\n\n{{ reference }}\n\n{{ response_a }}\n\n{{ response_b }}\n",
)
SINGLE_OF_THEN = (
    (
        "You grade one response to a question, each dimension of the rubric for itself.\n\n"
        "{{ guideline }}\n\n{{ rubric }}\n\n{{ examples }}\n"
    ),
    "{{ input }}\n\n{{ context }}\n\n{{ reference }}\n\n{{ response }}\n",
)


def of_then(kind: ItemKind, **changes: Any) -> VersionSpec:
    system, user = PAIR_OF_THEN if kind == "pair" else SINGLE_OF_THEN
    return make_version(kind, system_template=system, user_template=user, **changes)


def test_versions_saved_before_these_levers_keep_their_fingerprints() -> None:
    example = Example(make_single(reference="Six"), (("accuracy", "5"),), "why", "v1")
    assert fingerprint(of_then("pair")).startswith("2b49442135671ff8")
    assert fingerprint(of_then("single", examples=(example,))).startswith("9b2fc594838621")
    request = prompting.render(
        of_then("single"), make_single(reference="Six"), order="", sample=0, fence_key=KEY
    )
    assert request.digest.startswith("4a5def9b0856d618")
    assert not {"with_reference", "checklists"} & set(as_json(make_version()))


def test_a_version_with_the_levers_comes_back_as_it_was() -> None:
    spec = version(with_reference=False)
    assert from_json(json.loads(json.dumps(as_json(spec)))) == spec


def test_what_differs_names_the_levers() -> None:
    found = differences(make_version("single"), version(with_reference=False))
    assert [one.field for one in found] == ["with_reference", "checklists"]
    assert any("Is it true?" in line for line in found[1].lines)
    assert found[1].name == "checklists in place of scales"


@pytest.mark.parametrize(("yes", "point"), [(0, "1"), (1, "2"), (2, "4"), (3, "5")])
def test_the_point_follows_from_the_declared_mapping(yes: int, point: str) -> None:
    parsed = parse(said(*["yes"] * yes, *["no"] * (3 - yes)), "end_turn", version())
    assert parsed.outcome is Outcome.OK, parsed.problem
    assert parsed.labels == {"accuracy": point}
    assert "It says six." in parsed.rationales["accuracy"]
    assert "check_3" in parsed.rationales["accuracy"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (said("yes", "no"), "leaves out: check_3"),
        (said("yes", "no", "maybe"), "check_3 of accuracy is"),
        (said("yes", "no", "yes", "no"), "nobody asked for: check_4"),
        (json.dumps({"accuracy": {"reasoning": "x", "label": 4}}), "leaves out: check_1"),
        (json.dumps({"accuracy": 4}), "must be an object"),
    ],
)
def test_an_answer_outside_the_checklist_is_invalid(text: str, words: str) -> None:
    parsed = parse(text, "end_turn", version())
    assert parsed.outcome is Outcome.INVALID
    assert words in parsed.problem


def test_the_judge_is_asked_the_questions_and_not_the_points() -> None:
    request = rendered(version())
    assert "- check_2: Is it whole?" in request.system
    assert "anchor 4" not in request.system
    part = request.schema["properties"]["accuracy"]  # type: ignore[index]
    assert list(part["properties"]) == ["reasoning", "check_1", "check_2", "check_3"]
    assert part["properties"]["check_1"] == {"enum": ["yes", "no"]}


def test_a_checklist_may_come_before_its_reasoning() -> None:
    part = rendered(version(reasoning_first=False)).schema["properties"]["accuracy"]  # type: ignore[index]
    assert list(part["properties"]) == ["check_1", "check_2", "check_3", "reasoning"]


def test_a_dimension_that_may_not_apply_is_asked_that_first() -> None:
    dimension = dataclasses.replace(ACCURACY, allow_na=True)
    spec = version(dimensions=(dimension,))
    assert "- applies: does the dimension apply" in rendered(spec).system
    text = json.loads(said("yes", "yes", "yes"))
    text["accuracy"]["applies"] = "no"
    assert parse(json.dumps(text), "end_turn", spec).labels == {"accuracy": "not_applicable"}
    text["accuracy"]["applies"] = "yes"
    assert parse(json.dumps(text), "end_turn", spec).labels == {"accuracy": "5"}


def test_an_example_says_which_scale_its_label_lies_on() -> None:
    example = Example(make_single(), (("accuracy", "4"),), "", "v1")
    assert "accuracy = 4 (of 1, 2, 3, 4, 5)" in rendered(version(examples=(example,))).system


def test_points_are_evenly_spread_where_none_are_named() -> None:
    five = ("1", "2", "3", "4", "5")
    assert checklists.even_points(five, 4) == five
    assert checklists.even_points(five, 2) == ("1", "3", "5")
    assert checklists.even_points(five, 1) == ("1", "5")
    assert checklists.even_points(("low", "high"), 3) == ("low", "low", "high", "high")
    assert checklists.spoken(THREE) == "0 yes = 1, 1 yes = 2, 2 yes = 4, 3 yes = 5"


@pytest.mark.parametrize(
    ("checklist", "words"),
    [
        (dataclasses.replace(THREE, dimension="tone"), "no such dimension"),
        (dataclasses.replace(THREE, questions=(), points=("1",)), "needs 1 to 20 questions"),
        (dataclasses.replace(THREE, questions=("a", "a", "b")), "all different"),
        (dataclasses.replace(THREE, points=("1", "2", "5")), "needs 4 points"),
        (dataclasses.replace(THREE, points=("1", "2", "4", "6")), "'6' is no point"),
        (dataclasses.replace(THREE, points=("1", "4", "2", "5")), "must not fall"),
        (dataclasses.replace(THREE, points=("3", "3", "3", "3")), "nothing is judged"),
    ],
)
def test_a_checklist_with_a_problem_says_it_at_its_field(checklist: Checklist, words: str) -> None:
    ((field, sentence),) = findings(version(checklist))
    assert field == f"checklist_{checklist.dimension}"
    assert words in sentence


def test_only_scales_are_asked_as_checklists_and_once() -> None:
    dimension = dataclasses.replace(ACCURACY, kind="yes_no", points=(), cut=None)
    assert "only a scale" in lint(version(dimensions=(dimension,)))[0]
    assert "more than one checklist" in lint(make_version("single", checklists=(THREE, THREE)))[0]


def test_the_reference_answer_is_hidden_wherever_it_would_stand() -> None:
    example = Example(make_single(reference="Eight legs."), (("accuracy", "4"),), "", "v1")
    shown = rendered(make_version("single", examples=(example,)))
    hidden = rendered(make_version("single", examples=(example,), with_reference=False))
    assert "Six legs." in shown.user
    assert "Eight legs." in shown.system
    assert "legs." not in hidden.user.replace("fly?", "")
    assert "Eight legs." not in hidden.system
    assert shows_reference(make_version("single"))
    assert not shows_reference(make_version("single", with_reference=False))
    assert not shows_reference(make_version("single", user_template="{{ response }}"))


def test_chosen_examples_need_their_place_in_the_prompt() -> None:
    example = Example(make_pair(), (("preference", "A"),), "", "v1")
    spec = make_version(examples=(example,), system_template="{{ rubric }}")
    assert findings(spec) == [
        (
            "system_template",
            "The system template leaves out the chosen examples. Add {{ examples }}.",
        )
    ]


def test_a_simulated_judge_fills_a_checklist_by_its_own_score() -> None:
    four = Checklist("accuracy", ("a?", "b?", "c?", "d?"), ("1", "2", "3", "4", "5"))
    asked, scored = version(four), make_version("single")
    for number in range(20):
        item = make_single(response=f"Six, {number}.")
        judge = PLANTED["sim-plumb-1"]
        labels = [
            parse(
                answers.answer(
                    judge,
                    prompting.render(spec, item, order="", sample=0, fence_key=KEY).user,
                    prompting.answer_schema(spec),
                ),
                "end_turn",
                spec,
            ).labels
            for spec in (asked, scored)
        ]
        assert labels[0] == labels[1]
