"""A calibration session by its services: each step once, nobody peeks, fresh means fresh."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import Notice
from annotation.models import (
    Assignment,
    Draft,
    Item,
    Rating,
    ReferenceLabel,
    Round,
    RoundItem,
    SealedSet,
)
from annotation.queries import changes, labels
from annotation.services import claim, handing, laying, rating, rounds, withdrawing
from annotation.states import AssignmentState, Part, RoundKind, RoundState
from calibration.models import CalibrationSession, ClauseNote, SessionMention, Settlement
from calibration.queries import sessionitems
from calibration.queries import sessions as queries
from calibration.queries.sessionitems import Reader
from calibration.rules.sessions import NEXT, Act, after
from calibration.services import sessionchoice, sessions, sessiontalk
from calibration.states import SessionState, Stage
from core.errors import Conflict, DomainError, Invalid
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON
from tests.sessions import LATER, Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def verbs(scene: Scene) -> list[str]:
    found = AuditEvent.objects.filter(object_type="session", project_id=scene.project.pk)
    return list(found.order_by("pk").values_list("verb", flat=True))


ACTS: dict[Act, Callable[[Scene], object]] = {
    Act.START: lambda s: sessions.start(session_id=s.session.pk, by=s.lea, now=NOON),
    Act.REVEAL: lambda s: sessions.reveal(session_id=s.session.pk, by=s.lea, now=LATER),
    Act.SECOND: lambda s: sessions.begin_second(
        session_id=s.session.pk, version=s.version, count=2, by=s.lea, now=LATER
    ),
    Act.CLOSE: lambda s: sessions.close(session_id=s.session.pk, by=s.lea, now=LATER),
}
WAY: dict[SessionState, tuple[Act, ...]] = {
    SessionState.DRAFT: (),
    SessionState.BLIND: (Act.START,),
    SessionState.REVEALED: (Act.START, Act.REVEAL),
    SessionState.SECOND: (Act.START, Act.REVEAL, Act.SECOND),
    SessionState.CLOSED: (Act.START, Act.REVEAL, Act.SECOND, Act.CLOSE),
}


@pytest.mark.parametrize("state", list(SessionState))
@pytest.mark.parametrize("act", list(Act))
def test_each_act_is_possible_in_its_states_and_in_no_other(
    scene: Scene, state: SessionState, act: Act
) -> None:
    for step in WAY[state]:
        ACTS[step](scene)
    expected = after(state, act)
    audited = len(verbs(scene))
    if expected is None:
        with pytest.raises(Conflict) as refused:
            ACTS[act](scene)
        assert refused.value.code == "session_state"
        assert len(verbs(scene)) == audited
    else:
        ACTS[act](scene)
        assert len(verbs(scene)) == audited + 1
    scene.session.refresh_from_db()
    assert scene.session.state == (expected or state)


def test_no_act_leads_back() -> None:
    order = list(SessionState)
    for steps in NEXT.values():
        for before, later in steps.items():
            assert order.index(later) > order.index(before)


def test_the_start_opens_a_round_of_its_own_and_takes_the_items_out_of_development(
    scene: Scene,
) -> None:
    round_ = scene.start()
    assert (round_.kind, round_.state, round_.overlap) == (RoundKind.SESSION, RoundState.OPEN, 3)
    parts = dict(Item.objects.values_list("external_id", "part"))
    assert [parts[f"i{n}"] for n in range(3)] == [Part.NONE, Part.NONE, Part.DEVELOPMENT]
    scene.rate(round_, scene.ana, scene.ben, scene.lea)
    assert queries.progress(round_).is_over
    assert Assignment.objects.filter(round=round_, state=AssignmentState.SUBMITTED).count() == 6


def test_items_and_people_are_frozen_once_it_is_blind(scene: Scene) -> None:
    round_ = scene.start()
    acts: list[Callable[[], object]] = [
        lambda: rounds.add_raters(
            round_id=round_.pk, raters=[scene.rater(scene.cem)], by=scene.lea
        ),
        lambda: laying.add_items(round_id=round_.pk, by=scene.lea),
        lambda: handing.change_quota(
            round_id=round_.pk, rater_id=scene.rater(scene.ana).pk, quota=1, by=scene.lea
        ),
    ]
    for act in acts:
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "session_frozen"


def test_sealed_items_and_those_of_a_sealed_prompt_are_refused(scene: Scene) -> None:
    sealed_set = builders.make_dataset(scene.project, name="sealed", share=0.5)
    SealedSet.objects.create(dataset=sealed_set)
    sealed = builders.make_item(sealed_set, external_id="s", cluster="c", part=Part.SEALED)
    builders.make_item(sealed_set, external_id="beside", cluster="c")
    builders.make_item(sealed_set, external_id="same", input=sealed.title, cluster="d")
    for name in ("s", "beside", "same"):
        with pytest.raises(Invalid, match=name):
            sessionchoice.named_items(dataset=sealed_set, external_ids=[name])


def test_an_item_sealed_after_the_draft_is_refused_at_the_start(scene: Scene) -> None:
    Item.objects.filter(pk=scene.items[0].pk).update(part=Part.SEALED)
    with pytest.raises(Invalid, match="1 item cannot be in a session"):
        scene.start()
    scene.session.refresh_from_db()
    assert scene.session.state == SessionState.DRAFT
    assert not Round.objects.filter(kind=RoundKind.SESSION).exists()


def test_unknown_ids_are_named(scene: Scene) -> None:
    with pytest.raises(Invalid, match="Not in the dataset: x, y"):
        sessionchoice.named_items(dataset=scene.dataset, external_ids=["i0", "x", "y"])


def test_items_that_its_people_may_yet_rate_elsewhere_are_refused(scene: Scene) -> None:
    builders.make_round(
        scene.dataset, scene.version, items=scene.items[:1], raters=[scene.rater(scene.ana)],
        name="Running",
    )  # fmt: skip
    with pytest.raises(Conflict, match="Running"):
        scene.start()


def test_the_items_on_which_raters_differ_most_come_first(scene: Scene) -> None:
    raters = [scene.rater(user) for user in (scene.ana, scene.ben)]
    round_ = builders.make_round(
        scene.dataset, scene.version, items=scene.items[:3], raters=raters, name="R", overlap=2,
        state=RoundState.CLOSED,
    )  # fmt: skip
    for item, pair in zip(scene.items, ("33", "15", "34"), strict=False):
        for rater, label in zip(raters, pair, strict=True):
            builders.make_rating(round_, item, rater, labels={"accuracy": label, "clarity": "3"})
    chosen = sessionchoice.differing_items(round_=round_, count=5, by=scene.lea, now=NOON)
    assert chosen == [scene.items[1].pk, scene.items[2].pk]
    assert (
        sessionchoice.differing_items(round_=round_, count=1, by=scene.lea, now=NOON) == chosen[:1]
    )


def test_nobody_submits_or_changes_anything_after_the_reveal(scene: Scene) -> None:
    round_ = scene.start()
    scene.rate(round_, scene.ana)
    held = claim.next_slot(round_id=round_.pk, rater_id=scene.rater(scene.ben).pk, now=NOON)
    assert held.assignment_id is not None
    scene.reveal()
    labels_of = {"accuracy": "1", "clarity": "1"}
    before = list(Rating.objects.order_by("pk").values_list("pk", "label", "is_current"))
    with pytest.raises(Conflict) as late:
        rating.submit(
            assignment_id=held.assignment_id,
            rater=scene.rater(scene.ben),
            labels=labels_of,
            rationale="Mine.",
            now=LATER,
        )
    assert late.value.code == "round_revealed"
    assert Draft.objects.get(rater=scene.rater(scene.ben)).labels == labels_of
    own = Assignment.objects.filter(rater=scene.rater(scene.ana)).earliest("pk")
    with pytest.raises(Conflict, match="revealed"):
        rating.amend(
            assignment_id=own.pk, rater=scene.rater(scene.ana), labels=labels_of, now=LATER
        )
    assert before == list(Rating.objects.order_by("pk").values_list("pk", "label", "is_current"))
    again = claim.next_slot(round_id=round_.pk, rater_id=scene.rater(scene.lea).pk, now=LATER)
    assert again.assignment_id is None


def test_a_reveal_is_never_before_an_answer_that_it_found(scene: Scene) -> None:
    round_ = scene.start()
    scene.rate(round_, scene.ana)
    early = NOON - timedelta(seconds=5)
    sessions.reveal(session_id=scene.session.pk, by=scene.lea, now=early)
    round_.refresh_from_db()
    answered = Assignment.objects.filter(round=round_, state=AssignmentState.SUBMITTED)
    last = answered.latest("submitted_at").submitted_at
    assert round_.revealed_at is not None
    assert last is not None
    assert round_.revealed_at >= last


def test_session_labels_feed_no_reference_label(scene: Scene) -> None:
    scene.revealed()
    sessiontalk.settle(
        place_id=scene.place().pk, dimension_key="accuracy", label="3", reason="So.", seen=0,
        by=scene.lea,
    )  # fmt: skip
    assert not ReferenceLabel.objects.exists()
    found = labels.item_labels(
        dataset_id=scene.dataset.pk, guideline_id=scene.version.guideline_id, major=1,
        item_ids=[item.pk for item in scene.items],
    )  # fmt: skip
    assert found == {}


def test_a_participant_reads_only_what_they_rated_and_a_lead_all(scene: Scene) -> None:
    round_ = scene.start()
    ana = scene.rater(scene.ana)
    given = claim.next_slot(round_id=round_.pk, rater_id=ana.pk, now=NOON)
    assert given.assignment_id is not None
    both = {"accuracy": "4", "clarity": "4"}
    rating.submit(assignment_id=given.assignment_id, rater=ana, labels=both, now=NOON)
    rated = Assignment.objects.get(pk=given.assignment_id).item_id
    scene.rate(round_, scene.ben)
    scene.reveal()
    round_.refresh_from_db()
    ids = [item.pk for item in scene.items[:2]]
    hidden = sessionitems.hidden_from(round_, ids, Reader(scene.ana.pk, is_staff=False))
    assert set(hidden) == set(ids) - {rated}
    assert not sessionitems.hidden_from(round_, ids, Reader(scene.ben.pk, is_staff=False))
    assert not sessionitems.hidden_from(round_, ids, Reader(scene.lea.pk, is_staff=True))


def test_what_may_yet_be_rated_elsewhere_is_hidden_also_from_a_lead(scene: Scene) -> None:
    session = scene.revealed()
    builders.make_round(
        scene.dataset, scene.version, items=scene.items[:1], raters=[scene.rater(scene.lea)],
        name="Later",
    )  # fmt: skip
    assert session.first_round is not None
    hidden = sessionitems.hidden_from(
        session.first_round,
        [scene.items[0].pk, scene.items[1].pk],
        Reader(scene.lea.pk, True),
    )
    assert set(hidden) == {scene.items[0].pk}


def test_a_comment_names_people_and_is_refused_when_closed(scene: Scene) -> None:
    scene.revealed()
    place = scene.place()
    sessiontalk.comment(place_id=place.pk, text="@Ben. and @noor, not @olu @ana", by=scene.ana)
    named = SessionMention.objects.values_list("user__username", flat=True)
    assert set(named) == {"ben", "noor"}
    told = Notice.objects.filter(kind="session.named")
    assert set(told.values_list("user__username", flat=True)) == {"ben", "noor"}
    assert set(told.values_list("subject", flat=True)) == {scene.session.name}
    assert [m.user for m in queries.mentions(scene.session, user_id=scene.ben.pk)] == [scene.ben]
    for text in ("  ", "x" * (sessiontalk.COMMENT_CHARS + 1)):
        with pytest.raises(Invalid):
            sessiontalk.comment(place_id=place.pk, text=text, by=scene.ana)
    sessions.close(session_id=scene.session.pk, by=scene.lea, now=LATER)
    with pytest.raises(Conflict, match="closed"):
        sessiontalk.comment(place_id=place.pk, text="Late", by=scene.ana)


def test_nobody_is_told_anything_before_the_reveal(scene: Scene) -> None:
    sessions.start(session_id=scene.session.pk, by=scene.lea, now=NOON)
    with pytest.raises(Conflict, match="blind"):
        sessiontalk.comment(place_id=scene.place().pk, text="@ben I said 2.", by=scene.ana)
    assert not Notice.objects.filter(kind="session.named").exists()


def test_an_item_taken_out_of_another_round_stays_in_the_session(scene: Scene) -> None:
    item = scene.items[0]
    round_ = builders.make_round(
        scene.dataset, scene.version, items=scene.items, raters=[], name="Source", overlap=1
    )
    sessions.start(session_id=scene.session.pk, by=scene.lea, now=NOON)
    place = RoundItem.objects.select_related("round").get(round=round_, item=item)
    assert changes.holding(place).sessions == (f"{scene.session.name} (first)",)
    withdrawing.withdraw_item(
        round_id=round_.pk, item_id=item.pk, reason="Broken.", by=scene.lea, now=NOON
    )
    first = CalibrationSession.objects.get(pk=scene.session.pk).first_round
    assert first is not None
    kept = first.round_items.get(item=item)
    assert kept.withdrawal is None
    assert first.assignments.filter(item=item, state="open").count() == first.overlap
    with pytest.raises(Conflict, match="calibration session"):
        withdrawing.withdraw_item(
            round_id=first.pk, item_id=item.pk, reason="Broken.", by=scene.lea, now=NOON
        )


def test_settling_keeps_its_history_and_refuses_what_was_not_seen(scene: Scene) -> None:
    scene.revealed()
    place = scene.place().pk

    def settle(label: str, seen: int) -> Settlement:
        return sessiontalk.settle(
            place_id=place, dimension_key="accuracy", label=label, reason="Why", seen=seen,
            by=scene.noor,
        )  # fmt: skip

    settle("3", 0)
    for seen in (0, 5):
        with pytest.raises(Conflict, match="meanwhile"):
            settle("4", seen)
    with pytest.raises(Invalid):
        settle("9", 1)
    settle("4", 1)
    kept = Settlement.objects.order_by("revision").values_list("revision", "label")
    assert list(kept) == [(1, "3"), (2, "4")]
    round_ = scene.session.first_round
    assert round_ is not None
    reader = Reader(scene.lea.pk, is_staff=True)
    view = sessionitems.view(scene.place(), round_, reader=reader)
    assert view.dimensions[0].settled is not None
    assert view.dimensions[0].settled.label == "4"
    assert [one.rater for one in view.answers] == ["Ana", "Ben"]
    assert view.dimensions[0].counts == (0, 1, 0, 1, 0)


def test_a_clause_is_kept_as_it_stood_and_ticked_off_once(scene: Scene) -> None:
    scene.revealed()
    made = sessiontalk.note_clause(
        place_id=scene.place().pk, line=1, note="Say what “for” means.", by=scene.ana
    )
    assert made.clause == scene.version.text
    with pytest.raises(Invalid):
        sessiontalk.note_clause(place_id=scene.place().pk, line=99, note="x", by=scene.ana)
    for _ in range(2):
        sessiontalk.mark_clause(note_id=made.pk, is_done=True, by=scene.lea, now=LATER)
    assert AuditEvent.objects.filter(verb="clause.done").count() == 1
    assert ClauseNote.objects.get().done_by == scene.lea.actor
    sessiontalk.mark_clause(note_id=made.pk, is_done=False, by=scene.lea, now=LATER)
    assert ClauseNote.objects.get().done_at is None


def test_fresh_items_are_rated_by_none_of_its_people_and_of_no_prompt_talked_about(
    scene: Scene,
) -> None:
    scene.revealed()
    sibling = builders.make_item(
        scene.dataset, external_id="sibling", input="Other?", cluster=scene.items[0].cluster_key
    )
    cousin = builders.make_item(scene.dataset, external_id="cousin", input="Another?")
    Item.objects.filter(pk=cousin.pk).update(prompt_key=scene.items[0].prompt_key)
    rated = builders.make_round(
        scene.dataset, scene.version, items=[scene.items[2]], raters=[scene.rater(scene.ana)],
        name="Before", overlap=1,
    )  # fmt: skip
    builders.make_rating(rated, scene.items[2], scene.rater(scene.ana), labels={"accuracy": "3"})
    Round.objects.filter(pk=rated.pk).update(state=RoundState.CLOSED)
    Item.objects.filter(pk=scene.items[3].pk).update(part=Part.SEALED)
    found = set(sessions.fresh_items(scene.session).values_list("pk", flat=True))
    assert found == {scene.items[4].pk, scene.items[5].pk}
    assert sibling.pk not in found
    with pytest.raises(Invalid, match="Only 2 items"):
        scene.second(count=3)
    scene.second(count=2)
    assert scene.stage_items(Stage.SECOND) == found


def test_the_draw_is_the_same_for_the_same_session(scene: Scene) -> None:
    scene.revealed()
    first = sessions._drawn(scene.session, scene.version, 2)
    assert first == sessions._drawn(scene.session, scene.version, 2)
    round_ = scene.session.first_round
    assert round_ is not None
    drawn = set()
    for n in range(12):
        round_.salt = f"other {n}"
        drawn.add(tuple(sessions._drawn(scene.session, scene.version, 2)))
    assert len(drawn) > 1


def test_closing_reveals_the_second_round_and_nothing_before_does(scene: Scene) -> None:
    scene.revealed()
    second = scene.second()
    scene.rate(second, scene.ana, scene.ben)
    shown = Round.objects.filter(pk=second.pk, revealed_at__isnull=False)
    assert not shown.exists()
    sessions.close(session_id=scene.session.pk, by=scene.lea, now=LATER)
    assert shown.exists()
    assert verbs(scene) == [
        "session.created", "session.started", "session.revealed", "session.second_begun",
        "session.closed",
    ]  # fmt: skip


def test_a_draft_is_changed_and_discarded_and_later_neither(scene: Scene) -> None:
    def change() -> None:
        sessions.change(
            session_id=scene.session.pk, dataset=scene.dataset, version=scene.version,
            name="Wednesday", items=[scene.items[3].pk], people=[scene.ana, scene.cem],
            by=scene.lea,
        )  # fmt: skip

    change()
    assert queries.external_ids(scene.session) == ["i3"]
    assert [rater.user for rater in queries.participants(scene.session)] == [scene.ana, scene.cem]
    scene.start()
    with pytest.raises(Conflict):
        change()
    with pytest.raises(Conflict):
        sessions.discard(session_id=scene.session.pk, by=scene.lea)
    other = sessions.create(
        project=scene.project, dataset=scene.dataset, version=scene.version, name="Other",
        items=[scene.items[4].pk], people=[scene.ana, scene.ben], by=scene.lea,
    )  # fmt: skip
    sessions.discard(session_id=other.pk, by=scene.lea)
    assert not CalibrationSession.objects.filter(pk=other.pk).exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "  "}, "name_missing"),
        ({"name": "Tuesday"}, "session_name_taken"),
        ({"items": []}, "no_items"),
        ({"people": []}, "people"),
        ({"people": ["ana"]}, "people"),
        ({"people": ["ana", "noor"]}, "people"),
    ],
)
def test_a_draft_that_cannot_be_is_refused_with_a_reason(
    scene: Scene, change: dict[str, object], code: str
) -> None:
    plan: dict[str, object] = {
        "name": "New",
        "items": [scene.items[3].pk],
        "people": ["ana", "ben"],
        **change,
    }
    people = [getattr(scene, str(name)) for name in plan.pop("people")]  # type: ignore[attr-defined]
    with pytest.raises(DomainError) as refused:
        sessions.create(
            project=scene.project, dataset=scene.dataset, version=scene.version, people=people,
            by=scene.lea, **plan,  # type: ignore[arg-type]
        )  # fmt: skip
    assert refused.value.code == code
