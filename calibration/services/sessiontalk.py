"""What people say about a revealed item: comments, the label they settle on, clauses to mend."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.urls import reverse

from accounts.models import User
from accounts.services import notices
from annotation.models import Dimension, GuidelineVersion
from annotation.queries import workbench
from annotation.rules import scales
from calibration.models import (
    CalibrationSession,
    ClauseNote,
    SessionComment,
    SessionItem,
    SessionMention,
    Settlement,
)
from calibration.queries import sessions as queries
from calibration.rules.sessions import OPEN_TO_TALK, lines_of, named_in
from calibration.services.sessions import held, record
from calibration.states import Stage
from core import audit
from core.errors import Conflict, Invalid

COMMENT_CHARS = 4000
NAMED = "session.named"
NAMED_SENTENCE = "Somebody named you in the session {subject}."
REASON_CHARS = 1000


@transaction.atomic(durable=True)
def comment(*, place_id: int, text: str, by: User) -> SessionComment:
    """Say something in an item's thread; whoever is named with @ is told, and finds it on the
    session's page. Nobody talks before the reveal, so nothing is told before it.

    Raises `Conflict` when the session is closed, `Invalid` without words.
    """
    said = words(text, COMMENT_CHARS, "text", "comment")
    session, place = _talked_about(place_id)
    made = SessionComment.objects.create(place=place, author=by, text=said)
    people = {user.username: user for user in queries.people_to_name(session) if user != by}
    named = named_in(said, people)
    SessionMention.objects.bulk_create(
        SessionMention(comment=made, user=people[name]) for name in named
    )
    notices.notify(
        users=[people[name].pk for name in named],
        project=session.project,
        kind=NAMED,
        key=f"{NAMED}:{made.pk}",
        subject=session.name,
        address=reverse("session_item", args=[session.project.slug, session.pk, place.item_id]),
    )
    record(
        session,
        "session.commented",
        by.actor,
        {"item": place.item_id, "named": [people[name].actor for name in named]},
    )
    return made


@transaction.atomic(durable=True)
def settle(
    *, place_id: int, dimension_key: str, label: str, reason: str, seen: int, by: User
) -> Settlement:
    """The label that was agreed on, with the reason; what was settled before stays as history.

    `seen` is the revision that the page showed (0: none): somebody else's meanwhile is a
    `Conflict`. Raises `Invalid` for a label outside the scale.
    """
    why = words(reason, REASON_CHARS, "reason", "reason")
    # Acts on one session stand in line at its row, so nothing comes between look and write.
    session, place = _talked_about(place_id)
    dimension = _dimension(session, dimension_key)
    before = place.settlements.filter(dimension=dimension).aggregate(last=Max("revision"))
    if (before["last"] or 0) != seen:
        raise Conflict(
            "settled_meanwhile",
            "Somebody settled this meanwhile; look at it before you change it.",
        )
    made = Settlement.objects.create(
        place=place,
        dimension=dimension,
        revision=seen + 1,
        label=_label(dimension, label),
        reason=why,
        author=by,
    )
    record(
        session,
        "session.settled",
        by.actor,
        # Never the label: who may yet rate the item elsewhere may read this trail.
        {"item": place.item_id, "dimension": dimension_key, "revision": made.revision},
    )
    return made


@transaction.atomic(durable=True)
def note_clause(*, place_id: int, line: int, note: str, by: User) -> ClauseNote:
    """Say what a line of the guideline lacks: it becomes to do for the next version."""
    said = words(note, REASON_CHARS, "note", "note")
    session, place = _talked_about(place_id)
    version = queries.version_of(session)
    clause = next((one.text for one in lines_of(version.text) if one.number == line), None)
    if clause is None:
        sentence = "Choose a line of the guideline."
        raise Invalid("no_such_line", sentence, {"line": [sentence]})
    made = ClauseNote.objects.create(
        guideline_version=version, place=place, line=line, clause=clause, note=said, author=by
    )
    record(session, "session.clause_noted", by.actor, {"item": place.item_id, "line": line})
    return made


@transaction.atomic(durable=True)
def mark_clause(*, note_id: int, is_done: bool, by: User, now: datetime) -> None:
    """Tick a clause off, or take the tick back. Marked so before, nothing changes."""
    rows = ClauseNote.objects.filter(pk=note_id, done_at__isnull=is_done)
    changed = rows.update(done_at=now if is_done else None, done_by=by.actor if is_done else "")
    if changed != 1:
        return
    note = ClauseNote.objects.select_related(
        "place__session", "review_place", "guideline_version__guideline"
    ).get(pk=note_id)
    where: dict[str, object] = (
        {"session": note.place.session.name}
        if note.place is not None
        else {"review": note.review_place.review_id if note.review_place else 0}
    )
    audit.record(
        actor=by.actor,
        verb="clause.done" if is_done else "clause.reopened",
        object_type="clause_note",
        object_id=note.pk,
        project_id=note.guideline_version.guideline.project_id,
        data={**where, "line": note.line},
    )


def _talked_about(place_id: int) -> tuple[CalibrationSession, SessionItem]:
    """Inside a transaction: an item of the first round and its session, held open to talk."""
    place = SessionItem.objects.get(pk=place_id)
    session = held(place.session_id, *OPEN_TO_TALK)
    if place.stage != Stage.FIRST:
        raise Conflict("not_talked_about", "Only items of the first round are talked about.")
    return session, place


def _dimension(session: CalibrationSession, key: str) -> Dimension:
    version: GuidelineVersion = queries.version_of(session)
    dimension = version.dimensions.filter(key=key).first()
    if dimension is None:
        sentence = "Choose a dimension of the session's guideline."
        raise Invalid("no_such_dimension", sentence, {"dimension": [sentence]})
    return dimension


def _label(dimension: Dimension, label: str) -> str:
    try:
        return scales.check(workbench.rule_of(dimension), label)
    except Invalid as problem:
        raise Invalid("label", problem.sentence, {"label": [problem.sentence]}) from None


def words(text: str, most: int, field: str, name: str) -> str:
    """What somebody wrote, or `Invalid` for the field: nothing, or too much."""
    said = text.replace("\x00", "").strip()
    if not said:
        sentence = f"Write the {name}."
        raise Invalid(f"{field}_missing", sentence, {field: [sentence]})
    if len(said) > most:
        sentence = f"A {name} has at most {most:,} characters; this one has {len(said):,}."
        raise Invalid(f"{field}_too_long", sentence, {field: [sentence]})
    return said
