"""A named person's word on contested items: who, on what, kept how, and what reads it."""

from __future__ import annotations

import pytest

from accounts.roles import Role
from annotation.models import Assignment, ReferenceLabel, Round, SealedReading, SealedSet
from annotation.queries import adjudication as queries
from annotation.queries.adjudication import ContestedFilter
from annotation.services import adjudication, reference
from annotation.states import Method, Part, ReferenceState, RoundState
from calibration.queries import tables
from calibration.services import measuring
from core.errors import Conflict, DomainError, Invalid, NotAllowed
from core.models import AuditEvent
from judges.queries.references import development_labels
from tests import builders, judging
from tests.builders import NOON
from tests.contested import Scene, make_scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def refused(code: str, scene: Scene, **more: object) -> None:
    with pytest.raises(DomainError) as problem:
        scene.decide(**more)  # type: ignore[arg-type]
    assert problem.value.code == code
    assert not ReferenceLabel.objects.filter(method=Method.ADJUDICATED).exists()


# Deciding -----------------------------------------------------------------------------------------


def test_a_decision_is_kept_with_its_person_its_reason_and_the_ratings_behind_it() -> None:
    scene = make_scene()
    made = scene.decide("B", reason=" The second answers the question. ")
    assert (made.state, made.label, made.point) == (ReferenceState.DECIDED, "B", "B")
    assert (made.actor, made.reason) == (scene.cast.noor.actor, "The second answers the question.")
    assert (made.version, made.votes) == (1, 3)
    assert made.ratings_digest == scene.label().ratings_digest
    assert "B" not in str(AuditEvent.objects.get(verb="label.adjudicated").data.values())


def test_a_point_of_a_scale_is_kept_beside_what_is_tested() -> None:
    scene = make_scene(("5", "1", "not_applicable"), pairwise=False)
    assert scene.label().state == ReferenceState.CONTESTED
    made = scene.decide("4")
    assert (made.point, made.label, made.median) == ("4", "pass", 4.0)


def test_a_change_appends_a_version_and_leaves_the_older_one_as_it_was() -> None:
    scene = make_scene()
    scene.decide("B")
    scene.decide("A", seen=1, reason="I overlooked the context.")
    rows = ReferenceLabel.objects.filter(method=Method.ADJUDICATED).order_by("version")
    assert [(row.version, row.label, row.reason) for row in rows] == [
        (1, "B", "Read again."),
        (2, "A", "I overlooked the context."),
    ]


def test_nothing_settles_it_is_a_word_too() -> None:
    made = make_scene().decide(adjudication.STILL_CONTESTED)
    assert (made.state, made.label, made.point) == (ReferenceState.CONTESTED, "", "")


def test_who_looked_at_an_older_word_is_told_and_writes_nothing() -> None:
    scene = make_scene()
    scene.decide("B")
    with pytest.raises(Conflict, match="Somebody else decided"):
        scene.decide("A", seen=0)
    assert ReferenceLabel.objects.filter(method=Method.ADJUDICATED).count() == 1


@pytest.mark.parametrize(
    ("more", "code"), [({"label": "C"}, "label_invalid"), ({"reason": "  "}, "reason_missing")]
)
def test_a_label_outside_the_scale_and_a_missing_reason_are_refused(
    more: dict[str, object], code: str
) -> None:
    scene = make_scene()
    with pytest.raises(Invalid):
        scene.decide(**more)  # type: ignore[arg-type]
    refused(code, scene, **more)


def test_what_raters_settled_is_not_decided() -> None:
    refused("not_contested", make_scene(("A", "A", "B")))


def test_what_is_not_rated_to_the_end_is_not_decided() -> None:
    refused("not_rated_enough", make_scene(("A", "B")))


def test_one_person_does_not_stand_in_for_missing_ratings() -> None:
    scene = make_scene(("A",))
    Assignment.objects.filter(round=scene.round, state="open").delete()
    reference.refresh(item_ids=[scene.item.pk])
    assert scene.label().state == ReferenceState.CONTESTED
    refused("not_rated_enough", scene)


def test_who_rated_the_item_does_not_decide_it() -> None:
    scene = make_scene()
    builders.join(scene.project, scene.cast.noor, Role.ADJUDICATOR, Role.RATER)
    rater = builders.rater_of(scene.project, scene.cast.noor)
    Assignment.objects.filter(rater__user=scene.cast.ana).update(rater=rater)
    Round.objects.update(state=RoundState.CLOSED)
    refused("may_not_decide", scene)


# Sealed -------------------------------------------------------------------------------------------


def reading(scene: Scene) -> SealedSet:
    sealed_set = SealedSet.objects.select_related("dataset").get(dataset=scene.dataset)
    adjudication.read_sealed(sealed_set=sealed_set, by=scene.cast.noor)
    return sealed_set


def shown(scene: Scene, *, is_adjudicator: bool = True) -> list[int]:
    rows = queries.contested(
        project_id=scene.project.pk,
        user=scene.cast.noor,
        wanted=ContestedFilter(),
        is_adjudicator=is_adjudicator,
    )
    return [row.item_id for row in rows]


def test_a_sealed_item_is_decided_only_by_who_chose_to_read_its_part() -> None:
    scene = make_scene(part=Part.SEALED)
    assert shown(scene) == []
    refused("may_not_decide", scene)
    reading(scene)
    assert shown(scene) == [scene.item.pk]
    assert shown(scene, is_adjudicator=False) == []
    assert scene.decide("A").label == "A"


def test_of_sealed_items_it_is_not_told_who_said_what() -> None:
    scene = make_scene(part=Part.SEALED)
    reading(scene)
    assert {(one.rater, one.at) for one in queries.opinions(scene.item, scene.dimension)} == {
        ("", None)
    }


def test_who_wrote_a_judge_reads_no_sealed_rating() -> None:
    scene = make_scene(part=Part.SEALED)
    judge = judging.make_judge(scene.project, scene.dimension.version)
    judging.make_version(judge, scene.dimension.version, author=scene.cast.noor)
    assert queries.sealed_waiting(project_id=scene.project.pk, user=scene.cast.noor) == []
    with pytest.raises(NotAllowed, match="You wrote a judge version"):
        reading(scene)
    SealedReading.objects.create(sealed_set=scene.dataset.sealed_set, user=scene.cast.noor)
    assert shown(scene) == []
    refused("may_not_decide", scene)


def test_who_reads_sealed_ratings_writes_no_judge_until_the_set_retires() -> None:
    scene = make_scene(part=Part.SEALED)
    judge = judging.make_judge(scene.project, scene.dimension.version)
    sealed_set = reading(scene)
    with pytest.raises(NotAllowed, match="cannot author a judge"):
        judging.make_version(judge, scene.dimension.version, author=scene.cast.noor)
    SealedSet.objects.filter(pk=sealed_set.pk).update(retired_at=NOON)
    made = judging.make_version(judge, scene.dimension.version, author=scene.cast.noor)
    assert made.author == scene.cast.noor


def test_frozen_labels_are_not_decided() -> None:
    scene = make_scene(part=Part.SEALED)
    sealed_set = reading(scene)
    SealedSet.objects.filter(pk=sealed_set.pk).update(frozen_at=NOON)
    refused("labels_frozen", scene)
    with pytest.raises(Conflict, match="fixed on 23 November 2026"):
        reading(scene)


def test_what_has_the_prompt_of_a_sealed_item_is_on_nobodys_list() -> None:
    scene = make_scene()
    beside = builders.make_dataset(scene.project, name="sealed", share=0.5)
    builders.make_pair(
        beside, external_id="other", cluster=scene.item.cluster_key, part=Part.SEALED
    )
    assert shown(scene) == []


# What reads it ------------------------------------------------------------------------------------


def test_the_gate_reads_the_decided_label_and_counts_it() -> None:
    scene = make_scene(("A", "B", "tie"), ("A", "A", "B"), ("A", "B", "tie"))
    before = measuring.readiness(dataset=scene.dataset, dimension=scene.dimension, part="")
    assert before.facts.contested == 2
    plain = tables.people(
        dataset=scene.dataset, version=scene.dimension.version, dimension=scene.dimension
    )
    scene.decide("B")
    scene.decide(adjudication.STILL_CONTESTED, item=scene.items[2])
    found = tables.people(
        dataset=scene.dataset, version=scene.dimension.version, dimension=scene.dimension
    )
    assert found.adjudicated == {"i0": "B"}
    assert found.digest != plain.digest
    after = measuring.readiness(dataset=scene.dataset, dimension=scene.dimension, part="")
    assert after.facts.contested == 1


def test_who_tunes_a_judge_reads_the_decided_label_even_when_ratings_come_later() -> None:
    scene = make_scene()
    version = scene.dimension.version
    assert development_labels(version, is_pairwise=True) == {}
    scene.decide("B")
    assert development_labels(version, is_pairwise=True) == {scene.item.pk: {"preference": "B"}}
    ReferenceLabel.objects.create(
        item=scene.item,
        guideline=version.guideline,
        dimension_key="preference",
        major=1,
        method=Method.PLURALITY,
        version=2,
        state=ReferenceState.DECIDED,
        label="A",
        ratings_digest="1" * 64,
    )
    assert development_labels(version, is_pairwise=True) == {scene.item.pk: {"preference": "B"}}


def test_still_contested_gives_way_to_ratings_that_settle_it() -> None:
    scene = make_scene()
    scene.decide(adjudication.STILL_CONTESTED)
    version = scene.dimension.version
    ReferenceLabel.objects.create(
        item=scene.item,
        guideline=version.guideline,
        dimension_key="preference",
        major=1,
        method=Method.PLURALITY,
        version=2,
        state=ReferenceState.DECIDED,
        label="A",
        ratings_digest="1" * 64,
    )
    assert development_labels(version, is_pairwise=True) == {scene.item.pk: {"preference": "A"}}


# The list -----------------------------------------------------------------------------------------


def test_the_list_goes_on_behind_its_last_row_and_asks_for_no_more_than_a_page() -> None:
    scene = make_scene(*[("A", "B", "tie")] * (queries.PAGE_ITEMS + 2))
    rows = queries.contested(
        project_id=scene.project.pk,
        user=scene.cast.noor,
        wanted=ContestedFilter(),
        is_adjudicator=True,
    )
    first = queries.window(rows, after=0)
    second = queries.window(rows, after=first.after)
    assert (len(first.rows), len(second.rows), second.after) == (queries.PAGE_ITEMS, 2, 0)
    assert queries.beside(rows, first.rows[0].pk) == (0, first.rows[1].pk)


@pytest.mark.parametrize(
    ("state", "expected"), [("open", ["i0"]), ("decided", ["i1"]), ("still", ["i2"]), ("", None)]
)
def test_the_list_is_narrowed_by_what_became_of_an_item(
    state: str, expected: list[str] | None
) -> None:
    scene = make_scene(*[("A", "B", "tie")] * 3, ("A", "A", "B"))
    scene.decide("B", item=scene.items[1])
    scene.decide(adjudication.STILL_CONTESTED, item=scene.items[2])
    rows = queries.contested(
        project_id=scene.project.pk,
        user=scene.cast.noor,
        wanted=ContestedFilter(state=state),
        is_adjudicator=True,
    )
    names = [row.item.external_id for row in rows]
    assert names == (expected or ["i0", "i1", "i2"])
