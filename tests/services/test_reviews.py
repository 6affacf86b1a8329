"""Who was right: what is drawn, who answers, what a closed review says and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.roles import Role
from annotation.models import Assignment, Item, ReferenceLabel, Round, SealedSet
from annotation.queries import adjudication as adjudication_queries
from annotation.services.adjudication import TAKEN_BACK
from annotation.states import Method, Part, ReferenceState, RoundState
from calibration.models import ClauseNote, Review, ReviewAnswer, ReviewItem
from calibration.queries import reviews as queries
from calibration.queries import sessionitems, tables
from calibration.rules.reviews import UNCLEAR, Outcome
from calibration.services import reviews, sessiontalk
from core.errors import Conflict, DomainError, Invalid, NotAllowed, NotReady
from core.models import AuditEvent
from judges.models import EvidenceSnapshot, JudgeLabel, Run
from judges.queries import people
from judges.queries.references import development_labels
from judges.states import RunPurpose, RunState
from measurement.intervals import wilson
from tests import approving, builders, tuning
from tests.builders import NOON
from tests.reviewing import Scene, make_scene
from tests.tuning import SEALED_MARK

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def refused(code: str, act: Any, **more: object) -> None:
    answers = ReviewAnswer.objects.count()
    with pytest.raises(DomainError) as problem:
        act(**more)
    assert problem.value.code == code
    assert ReviewAnswer.objects.count() == answers


# Drawing ------------------------------------------------------------------------------------------


def test_differences_and_as_many_agreements_stand_in_one_order() -> None:
    scene = make_scene()
    places = scene.places()
    assert [place.position for place in places] == list(range(1, 9))
    assert len(scene.places(differing=True)) == len(scene.places(differing=False)) == 4
    assert {(place.judge_label, place.people_label) for place in scene.places(differing=True)} == {
        ("B", "A")
    }
    # With the foil every item shows the same two labels, whoever gave them.
    assert {tuple(sorted(place.shown)) for place in places} == {("A", "B")}
    assert (scene.review.differing, scene.review.agreeing) == (4, 8)
    assert scene.review.before["value"] == pytest.approx(8 / 12)


def test_a_count_bounds_both_halves() -> None:
    scene = make_scene(misses=9, hits=9, count=3)
    assert len(scene.places(differing=True)) == len(scene.places(differing=False)) == 3


def test_one_review_of_a_run_and_dimension_is_open_at_once() -> None:
    scene = make_scene()
    again = {"run": scene.tuned.run, "dimension": scene.dimension, "count": 5}
    with pytest.raises(Conflict, match="open already"):
        reviews.start(**again, by=scene.cast.noor)  # type: ignore[arg-type]
    scene.close()
    assert reviews.start(**again, by=scene.cast.noor).pk != scene.review.pk  # type: ignore[arg-type]


def test_nothing_to_review_is_said() -> None:
    scene = make_scene(misses=1, hits=3)
    scene.close()
    JudgeLabel.objects.filter(run=scene.tuned.run).update(label="A")
    refused(
        "no_difference",
        reviews.start,
        run=scene.tuned.run,
        dimension=scene.dimension,
        count=5,
        by=scene.cast.lea,
    )


@pytest.mark.parametrize("count", [0, 201])
def test_a_count_outside_its_bounds_is_refused(count: int) -> None:
    scene = make_scene()
    with pytest.raises(Invalid, match="From 1 to 200"):
        reviews.start(
            run=scene.tuned.run, dimension=scene.dimension, count=count, by=scene.cast.lea
        )


@pytest.mark.parametrize("purpose", [RunPurpose.APPROVAL, RunPurpose.SERVING, RunPurpose.PROBE])
def test_runs_that_may_touch_sealed_items_are_not_reviewed(purpose: RunPurpose) -> None:
    scene = make_scene()
    other = tuning.make_combined(scene.tuned.version, {scene.tuned.items[0]: "B"}, purpose=purpose)
    with pytest.raises(NotReady):
        reviews.start(run=other, dimension=scene.dimension, count=5, by=scene.cast.lea)
    assert Review.objects.count() == 1


def test_the_database_keeps_a_foil_where_they_agree_and_only_there() -> None:
    scene = make_scene()
    place, other = scene.places(differing=True)[0], scene.places(differing=False)[0]
    for row, changes in (
        (place, {"foil": "tie"}),
        (other, {"foil": ""}),
        (other, {"foil": "A"}),
        (place, {"judge_label": ""}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReviewItem.objects.filter(pk=row.pk).update(**changes)


# Answering ----------------------------------------------------------------------------------------


def test_a_changed_answer_is_a_revision_and_the_older_one_stays() -> None:
    scene = make_scene()
    place = scene.places()[0]
    scene.answer(place, "A")
    scene.answer(place, UNCLEAR, seen=1)
    rows = ReviewAnswer.objects.order_by("revision").values_list("revision", "label")
    assert list(rows) == [(1, "A"), (2, "")]
    refused("answered_meanwhile", scene.answer, place=place, label="B", seen=1)


def test_each_reviewer_has_answers_of_their_own() -> None:
    scene = make_scene()
    place = scene.places()[0]
    scene.answer(place, "A")
    scene.answer(place, "B", by="noor")
    assert ReviewAnswer.objects.filter(revision=1).count() == 2
    own = queries.own_places(scene.review, user_id=scene.cast.lea.pk)
    assert [one.is_answered for one in own] == [True] + [False] * 7
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewAnswer.objects.create(
            place=place, reviewer=scene.cast.lea, revision=1, label="B", reason="Again."
        )


def test_the_audit_trail_names_no_label_while_the_review_is_open() -> None:
    scene = make_scene()
    scene.answer(scene.places(differing=True)[0], "A")
    for event in AuditEvent.objects.filter(object_type="review"):
        assert not {"A", "B", "label"} & {str(part) for pair in event.data.items() for part in pair}


def test_another_label_and_no_reason_are_refused() -> None:
    scene = make_scene()
    place = scene.places()[0]
    refused("label_invalid", scene.answer, place=place, label="C")
    with pytest.raises(Invalid, match="Say why"):
        reviews.answer(place_id=place.pk, label="A", reason=" ", seen=0, by=scene.cast.lea)


def test_who_rated_an_item_or_may_yet_rate_it_does_not_answer_it() -> None:
    scene = make_scene()
    builders.join(scene.project, scene.cast.noor, Role.ADJUDICATOR, Role.RATER)
    rater = builders.rater_of(scene.project, scene.cast.noor)
    first, second = scene.places()[:2]
    round_ = builders.make_round(
        scene.tuned.scene.dataset,
        scene.tuned.scene.guideline,
        items=[first.item, second.item],
        raters=[rater],
        overlap=1,
    )
    builders.make_rating(round_, first.item, rater, labels={"preference": "A"})
    with pytest.raises(NotAllowed, match="may yet rate"):
        scene.answer(second, "A", by="noor")
    Round.objects.filter(pk=round_.pk).update(state=RoundState.CLOSED)
    with pytest.raises(NotAllowed, match="rated this item yourself"):
        scene.answer(first, "A", by="noor")
    own = queries.own_places(scene.review, user_id=scene.cast.noor.pk)
    assert own[0].position == 2
    scene.answer(second, "A", by="noor")


def test_after_the_close_nothing_is_answered_or_changed() -> None:
    scene = make_scene()
    place = scene.places()[0]
    scene.answer(place, "A")
    scene.close()
    refused("review_closed", scene.answer, place=place, label="B", seen=1)
    refused("review_closed", scene.close)
    assert scene.review.closed_at == NOON


# What was found -----------------------------------------------------------------------------------


def figures(scene: Scene) -> queries.Figures:
    return queries.figures(scene.review, queries.lines(scene.review))


def test_agreement_after_the_review_counts_each_half_by_its_items() -> None:
    scene = make_scene()
    scene.answer_all(wrong=1, unclear=1)
    scene.close()
    found = figures(scene)
    assert found.before.value == pytest.approx(8 / 12)
    # The judge is right on 1 of 4 differences and on 4 of 4 agreements.
    assert found.after.value == pytest.approx((4 * 0.25 + 8 * 1.0) / 12)
    assert found.at_most.value == pytest.approx((4 * 0.5 + 8 * 1.0) / 12)
    assert found.after.n == 8
    assert found.after.interval is not None
    by_outcome = {one.outcome: one for one in found.shares}
    assert by_outcome[Outcome.PEOPLE_WRONG].differing.value == pytest.approx(0.25)
    assert by_outcome[Outcome.JUDGE_WRONG].differing.value == pytest.approx(0.5)
    upheld = by_outcome[Outcome.UPHELD].agreeing
    assert (upheld.value, upheld.n) == (1.0, 4)
    assert upheld.interval is not None
    assert upheld.interval.low == pytest.approx(wilson(4, 4).low)


def test_without_the_sample_of_agreements_there_is_no_agreement_after_it() -> None:
    scene = make_scene()
    for place in scene.places(differing=True):
        scene.answer(place, "B")
    scene.close()
    found = figures(scene)
    assert found.after.value is None
    assert "4 of 8 items were not answered" in found.after.undefined_because
    assert found.at_most.value is None


def test_reviewers_who_differ_settle_nothing() -> None:
    scene = make_scene()
    scene.answer_all()
    place = scene.places(differing=True)[0]
    scene.answer(place, "B", by="noor")
    scene.close()
    line = queries.line_of(place)
    assert (line.outcome, line.right) == (Outcome.APART, "")
    assert figures(scene).after.value == pytest.approx(8 / 12)


# What comes of it ---------------------------------------------------------------------------------


def closed(**more: int) -> tuple[Scene, ReviewItem]:
    """A closed review that found people wrong on one item."""
    scene = make_scene()
    scene.answer_all(wrong=1, **more)
    scene.close()
    (place,) = [
        line.place for line in queries.lines(scene.review) if line.outcome is Outcome.PEOPLE_WRONG
    ]
    place.review = scene.review
    return scene, place


def fix(scene: Scene, place: ReviewItem, point: str = "B", *, seen: int = 0) -> ReferenceLabel:
    return reviews.correct(
        place=place, point=point, reason="The judge saw it.", seen=seen, by=scene.cast.noor
    )


def test_a_correction_is_in_force_for_development_and_kept_with_its_history() -> None:
    scene, place = closed()
    made = fix(scene, place)
    assert (made.method, made.label, made.version) == (Method.CORRECTED, "B", 1)
    assert (made.actor, made.reason) == (scene.cast.noor.actor, "The judge saw it.")
    guideline = scene.tuned.scene.guideline
    assert development_labels(guideline, is_pairwise=True)[place.item_id]["preference"] == "B"
    assert place.item_id not in {
        case.item_id for case in people.misses(scene.tuned.run, user_id=scene.cast.lea.pk)
    }
    with pytest.raises(Conflict, match="Somebody else decided"):
        fix(scene, place)
    fix(scene, place, TAKEN_BACK, seen=1)
    assert development_labels(guideline, is_pairwise=True)[place.item_id]["preference"] == "A"
    rows = adjudication_queries.corrections(place.item, scene.dimension)
    assert [(row.version, row.state) for row in rows] == [
        (2, ReferenceState.WITHDRAWN),
        (1, ReferenceState.DECIDED),
    ]
    with pytest.raises(Conflict, match="No correction"):
        fix(scene, place, TAKEN_BACK, seen=2)


def test_only_what_was_found_right_is_put_in_its_place() -> None:
    scene, place = closed()
    with pytest.raises(Invalid, match="found B right"):
        fix(scene, place, "tie")
    other = next(line.place for line in queries.lines(scene.review) if line.right == "A")
    other.review = scene.review
    with pytest.raises(Conflict, match="did not find"):
        fix(scene, other, "A")
    assert not ReferenceLabel.objects.filter(method=Method.CORRECTED).exists()


def test_nothing_is_corrected_while_it_is_answered_blind() -> None:
    scene = make_scene()
    scene.answer_all(wrong=1)
    place = scene.places(differing=True)[0]
    with pytest.raises(NotReady):
        fix(scene, place)
    with pytest.raises(NotReady):
        reviews.note_clause(place=place, line=1, note="Say more.", by=scene.cast.lea)


def test_a_correction_names_its_person_and_reason_in_the_database() -> None:
    scene, place = closed()
    made = fix(scene, place)
    for changes in ({"actor": ""}, {"reason": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReferenceLabel.objects.filter(pk=made.pk).update(**changes)


def test_the_gate_reads_no_correction() -> None:
    scene, place = closed()
    asked = {
        "dataset": scene.tuned.scene.dataset,
        "version": scene.tuned.scene.guideline,
        "dimension": scene.dimension,
    }
    before = tables.people(**asked)  # type: ignore[arg-type]
    fix(scene, place)
    after = tables.people(**asked)  # type: ignore[arg-type]
    assert (after.digest, after.adjudicated) == (before.digest, before.adjudicated)


def test_a_corrected_item_is_a_worked_example_with_the_reason() -> None:
    scene, place = closed()
    fix(scene, place)
    (found,) = people.labelled(
        scene.tuned.scene.guideline,
        [place.item_id],
        project_id=scene.project.pk,
        user_id=scene.cast.lea.pk,
    )
    assert found.labels == (("preference", "B"),)
    assert found.rationale == "The judge saw it."
    assert found.version.startswith("preference: corrected 1")


def test_a_clause_goes_on_the_guidelines_list_and_is_ticked_off_there() -> None:
    scene, place = closed(unclear=1)
    made = reviews.note_clause(place=place, line=1, note="Say for whom.", by=scene.cast.lea)
    guideline = scene.tuned.scene.guideline.guideline
    assert list(sessionitems.clause_notes(guideline_id=guideline.pk)) == [made]
    sessiontalk.mark_clause(note_id=made.pk, is_done=True, by=scene.cast.lea, now=NOON)
    assert ClauseNote.objects.get().done_at == NOON
    assert AuditEvent.objects.get(verb="clause.done").data["review"] == scene.review.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        ClauseNote.objects.update(review_place=None)


# Sealed -------------------------------------------------------------------------------------------


def test_no_path_reads_a_sealed_item_or_one_beside_it() -> None:
    """Labels of sealed items lie in the very run, and a drawn item is sealed afterwards: the rows
    that every query returns are looked through."""
    scene = make_scene()
    scene.close()
    sealed = {item.pk for item in tuning.seal_beside(scene.tuned)}
    assert JudgeLabel.objects.filter(run=scene.tuned.run, item__in=sealed).count() == 4
    lea = scene.cast.lea
    with CaptureQueriesContext(connection) as captured:
        review = reviews.start(run=scene.tuned.run, dimension=scene.dimension, count=200, by=lea)
        own = queries.own_places(review, user_id=lea.pk)
        reviews.answer(
            place_id=review.items.get(position=1).pk, label="A", reason="So.", seen=0, by=lea
        )
        reviews.close(review_id=review.pk, by=lea, now=NOON)
        review.refresh_from_db()
        lines = queries.lines(review)
        queries.figures(review, lines)
        queries.corrected(review, lines)
    assert len(own) == 8
    assert not sealed & set(review.items.values_list("item", flat=True))
    assert (review.differing, review.agreeing) == (4, 8)
    reads = 0
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            sql = query["sql"]
            if sql.lstrip().upper().startswith("SELECT") and " FOR " not in sql:
                cursor.execute(sql.replace("%", "%%"))
                assert SEALED_MARK not in repr(cursor.fetchall())
                reads += 1
    assert reads > 8


def test_an_item_that_becomes_sealed_is_out_of_every_review() -> None:
    scene = make_scene()
    place = scene.places()[0]
    Item.objects.filter(pk=place.item_id).update(part=Part.SEALED)
    lea = scene.cast.lea
    assert 1 not in [one.position for one in queries.own_places(scene.review, user_id=lea.pk)]
    assert not queries.readable(scene.review, user_id=lea.pk).filter(pk=place.item_id).exists()
    with pytest.raises(NotAllowed):
        scene.answer(place, "A")


def test_what_a_look_froze_is_not_corrected() -> None:
    """Labels of a set that retired are development labels, and stay as they were measured."""
    scene, place = closed()
    SealedSet.objects.create(
        dataset=scene.tuned.scene.dataset, frozen_at=NOON, retired_at=NOON, salt="1"
    )
    type(scene.tuned.scene.dataset).objects.update(share=0.99)
    with pytest.raises(Conflict, match="measured against"):
        fix(scene, place)


def test_after_a_sealed_look_a_review_changes_nothing_of_it(settings: Settings) -> None:
    """A real look; then the judge's errors on the development part are reviewed and corrected."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    scene = approving.make_scene()
    approving.measured(scene)
    evidence = EvidenceSnapshot.objects.get()
    dimension = scene.guideline.dimensions.select_related("version__guideline").get()
    dev = list(Item.objects.filter(dataset=scene.dataset, part=Part.DEVELOPMENT).order_by("pk"))
    right = people.people_labels(scene.guideline, Item.objects.filter(pk__in=[i.pk for i in dev]))
    dev = [item for item in dev if item.pk in right]
    said = {
        item: "B" if (right[item.pk]["preference"].label == "A") == bool(n % 2) else "A"
        for n, item in enumerate(dev)
    }
    run = tuning.make_combined(scene.version, said)

    def sealed_now() -> tuple[str, dict[str, str], list[Any]]:
        found = tables.people(
            dataset=scene.dataset, version=scene.guideline, dimension=dimension, part=Part.SEALED
        )
        evidence.refresh_from_db()
        frozen = [evidence.numbers, evidence.labels_digest, evidence.verdicts_digest, evidence.gate]
        return found.digest, dict(found.adjudicated), frozen

    before = sealed_now()
    assert before[0] == evidence.labels_digest
    review = reviews.start(run=run, dimension=dimension, count=50, by=scene.cast.noor)
    assert not review.items.exclude(item__part=Part.DEVELOPMENT).exists()
    for place in review.items.all():
        reviews.answer(
            place_id=place.pk, label=place.judge_label, reason="So.", seen=0, by=scene.cast.noor
        )
    review = reviews.close(review_id=review.pk, by=scene.cast.noor, now=NOON)
    wrong = [one.place for one in queries.lines(review) if one.outcome is Outcome.PEOPLE_WRONG]
    assert wrong
    for place in wrong:
        place.review = Review.objects.select_related("dimension__version").get(pk=review.pk)
        reviews.correct(
            place=place, point=place.judge_label, reason="So.", seen=0, by=scene.cast.noor
        )
    assert ReferenceLabel.objects.filter(method=Method.CORRECTED).count() == len(wrong)
    assert sealed_now() == before
    assert not Assignment.objects.filter(item__part=Part.SEALED, state="withdrawn").exists()
    assert Run.objects.filter(state=RunState.DONE).count() == 2
