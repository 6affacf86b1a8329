"""A calibration session from its draft to its close: each step once, and for good."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import services as accounts
from accounts.models import Membership, Project, Rater, User
from annotation.models import Assignment, Dataset, GuidelineVersion, Item, Round
from annotation.queries.items import items_yet_rated_by_raters
from annotation.rules.display import shuffle_key
from annotation.rules.keys import fitting
from annotation.services import laying, sessionrounds
from annotation.services.sessionrounds import MOST_ITEMS
from annotation.states import AssignmentState, GuidelineForm, Part
from calibration.models import CalibrationSession, SessionItem, SessionParticipant
from calibration.rules.sessions import Act, after
from calibration.services.sessionchoice import too_many
from calibration.states import SessionState, Stage
from core import audit
from core.errors import Conflict, Invalid, NotReady
from core.words import number_of

NAME_CHARS = 110
LEAST_PEOPLE = 2
MOST_PEOPLE = 30
FIRST_NAME, SECOND_NAME = "first", "second"


def create(
    *,
    project: Project,
    dataset: Dataset,
    version: GuidelineVersion,
    name: str,
    items: Sequence[int],
    people: Collection[User],
    by: User,
    source: Round | None = None,
    simulated: Collection[Rater] = (),
) -> CalibrationSession:
    """A session in draft: nobody rates before it is started, and everything can be changed.

    `simulated` raters have no account; with any of them the session says so on every page.
    """
    name = _name(name)
    _demand_people(project, people, simulated)
    _demand_whole(project, dataset, version, items)
    try:
        with transaction.atomic(durable=True):
            session = CalibrationSession.objects.create(
                project=project,
                dataset=dataset,
                guideline_version=version,
                name=name,
                author=by,
                source=source,
                is_simulated=bool(simulated),
            )
            _put_in(session, items, people, simulated)
            record(session, "session.created", by.actor, {"items": len(items)})
    except IntegrityError:
        raise _name_taken(name) from None
    return session


def change(
    *,
    session_id: int,
    dataset: Dataset,
    version: GuidelineVersion,
    name: str,
    items: Sequence[int],
    people: Collection[User],
    by: User,
    source: Round | None = None,
) -> None:
    """Other items, people, version or name for a session that is still a draft."""
    name = _name(name)
    try:
        with transaction.atomic(durable=True):
            session = held(session_id, SessionState.DRAFT)
            _demand_people(session.project, people)
            _demand_whole(session.project, dataset, version, items)
            session.items.all().delete()
            session.participants.all().delete()
            CalibrationSession.objects.filter(pk=session.pk).update(
                dataset=dataset, guideline_version=version, name=name, source=source
            )
            _put_in(session, items, people)
            record(session, "session.changed", by.actor, {"items": len(items)})
    except IntegrityError:
        raise _name_taken(name) from None


@transaction.atomic(durable=True)
def discard(*, session_id: int, by: User) -> None:
    """Throw a draft away."""
    session = held(session_id, SessionState.DRAFT)
    record(session, "session.discarded", by.actor, {})
    session.delete()


@transaction.atomic(durable=True)
def start(*, session_id: int, by: User, now: datetime) -> CalibrationSession:
    """Blind from here: items and people are frozen, and each rates every item in the workbench."""
    session = held(session_id, SessionState.DRAFT)
    _demand_usable_people(session)
    round_ = sessionrounds.open_blind(
        dataset=session.dataset,
        version=session.guideline_version,
        name=f"{session.name} ({FIRST_NAME})",
        items=list(session.items.values_list("item_id", flat=True)),
        raters=_raters(session),
        by=by,
        is_simulated=session.is_simulated,
        now=now,
    )
    return _move(session, Act.START, "session.started", by, first_round=round_)


@transaction.atomic(durable=True)
def reveal(*, session_id: int, by: User, now: datetime) -> CalibrationSession:
    """End the first blind rating, done or not, and show it item by item."""
    session = held(session_id, SessionState.BLIND)
    assert session.first_round_id is not None
    sessionrounds.reveal(round_id=session.first_round_id, by=by, now=now)
    return _move(session, Act.REVEAL, "session.revealed", by)


@transaction.atomic(durable=True)
def begin_second(
    *, session_id: int, version: GuidelineVersion, count: int, by: User, now: datetime
) -> CalibrationSession:
    """A second blind rating of `count` fresh items, drawn by the first round's salt.

    Fresh: of the same dataset, unsealed, in no session of the project, of no prompt that this one
    talked about, and never rated by any of its people. Raises `Invalid` when there are too few,
    or when the version is of another guideline.
    """
    session = held(session_id, SessionState.REVEALED)
    if version.guideline_id != session.guideline_version.guideline_id:
        sentence = "The second round goes by a version of the guideline that the session is about."
        raise Invalid("other_guideline", sentence, {"version": [sentence]})
    items = _drawn(session, version, count)
    round_ = sessionrounds.open_blind(
        dataset=session.dataset,
        version=version,
        name=f"{session.name} ({SECOND_NAME})",
        items=items,
        raters=_raters(session),
        by=by,
        is_simulated=session.is_simulated,
        now=now,
    )
    _add_items(session, items, Stage.SECOND)
    return _move(session, Act.SECOND, "session.second_begun", by, second_round=round_)


@transaction.atomic(durable=True)
def close(*, session_id: int, by: User, now: datetime) -> CalibrationSession:
    """End the session; a second blind rating is revealed with it. What was said stays."""
    session = held(session_id, SessionState.REVEALED, SessionState.SECOND)
    if session.second_round_id is not None:
        sessionrounds.reveal(round_id=session.second_round_id, by=by, now=now)
    return _move(session, Act.CLOSE, "session.closed", by, closed_at=now)


def fresh_items(session: CalibrationSession) -> QuerySet[Item]:
    """What a second round can be drawn from."""
    about = Item.objects.filter(session_items__session=session)
    raters = _raters(session)
    rated = Assignment.objects.filter(
        rater__in=raters, state__in=(AssignmentState.SUBMITTED, AssignmentState.WITHDRAWN)
    )
    items = Item.objects.filter(dataset=session.dataset).exclude(part=Part.SEALED)
    return (
        sessionrounds.choosable(dataset=session.dataset, items=items)
        .exclude(pk__in=SessionItem.objects.filter(session__project=session.project).values("item"))
        .exclude(cluster_key__in=about.values("cluster_key"))
        .exclude(prompt_key__in=about.values("prompt_key"))
        .exclude(pk__in=rated.values("item"))
        .exclude(pk__in=items_yet_rated_by_raters(raters).values("item"))
    )


def held(session_id: int, *states: SessionState) -> CalibrationSession:
    """Inside a transaction: the session, locked, in one of these states, or `Conflict`."""
    session = (
        CalibrationSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project", "dataset", "guideline_version__guideline")
        .get(pk=session_id)
    )
    if session.state not in states:
        raise _wrong_state(session)
    return session


def record(
    session: CalibrationSession, verb: str, actor: str, data: dict[str, object] | None = None
) -> None:
    """One row of the audit trail about the session."""
    audit.record(
        actor=actor,
        verb=verb,
        object_type="session",
        object_id=session.pk,
        project_id=session.project_id,
        data={"session": session.name, **(data or {})},
    )


def _move(
    session: CalibrationSession, act: Act, verb: str, by: User, **fields: object
) -> CalibrationSession:
    before = SessionState(session.state)
    state = after(before, act)
    rows = CalibrationSession.objects.filter(pk=session.pk, state=before)
    if state is None or rows.update(state=state, **fields) != 1:
        session.refresh_from_db()
        raise _wrong_state(session)
    session.refresh_from_db()
    record(session, verb, by.actor)
    return session


def _drawn(session: CalibrationSession, version: GuidelineVersion, count: int) -> list[int]:
    if count > MOST_ITEMS:
        raise too_many(count)
    if count < 1:
        raise Invalid("count", "Draw at least one item.", {"count": ["From 1."]})
    found = fresh_items(session)
    laying.demand_fitting(found, GuidelineForm(version.guideline.form))
    assert session.first_round is not None
    salt = f"{session.first_round.salt}/second"
    ids = found.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=5000)
    drawn = heapq.nsmallest(count, ids, key=lambda pk: (shuffle_key(salt, item=pk), pk))
    if len(drawn) < count:
        sentence = (
            f"Only {number_of(len(drawn), 'item')} of {session.dataset.name} is fresh: unsealed, "
            "rated by none of these people, of no prompt that was talked about. Draw fewer, or "
            "import more."
        )
        raise Invalid("too_few_fresh", sentence, {"count": [sentence]})
    return drawn


def _put_in(
    session: CalibrationSession,
    items: Sequence[int],
    people: Collection[User],
    simulated: Collection[Rater] = (),
) -> None:
    _add_items(session, items, Stage.FIRST)
    raters = {accounts.rater_of(project=session.project, user=user).pk for user in people}
    raters |= {rater.pk for rater in simulated if rater.is_simulated}
    SessionParticipant.objects.bulk_create(
        SessionParticipant(session=session, rater_id=pk) for pk in sorted(raters)
    )


def _add_items(session: CalibrationSession, items: Sequence[int], stage: Stage) -> None:
    SessionItem.objects.bulk_create(
        SessionItem(session=session, item_id=pk, stage=stage, position=position)
        for position, pk in enumerate(items, start=1)
    )


def _raters(session: CalibrationSession) -> list[Rater]:
    return list(Rater.objects.filter(sessions__session=session).order_by("pk"))


def _demand_whole(
    project: Project,
    dataset: Dataset,
    version: GuidelineVersion,
    items: Sequence[int],
) -> None:
    if {dataset.project_id, version.guideline.project_id} != {project.pk}:
        raise Invalid("other_project", "Dataset and guideline have to be of the same project.")
    if not items:
        raise Invalid("no_items", "Choose the items to talk about.", {"ids": ["None is chosen."]})
    if len(items) > MOST_ITEMS:
        raise too_many(len(items))
    chosen = Item.objects.filter(pk__in=items)
    free = sessionrounds.choosable(dataset=dataset, items=chosen)
    if free.count() < len(set(items)):
        sentence = (
            "Some of these items cannot be in a session: sealed, of a sealed prompt, gold, "
            "withdrawn, without a text, or of another dataset. Choose others."
        )
        raise Invalid("items_not_for_sessions", sentence, {"ids": [sentence]})
    laying.demand_fitting(free, GuidelineForm(version.guideline.form))


def _demand_people(
    project: Project, people: Collection[User], simulated: Collection[Rater] = ()
) -> None:
    count = len(people) + len(simulated)
    if not LEAST_PEOPLE <= count <= MOST_PEOPLE:
        sentence = f"A session takes {LEAST_PEOPLE} to {MOST_PEOPLE} people; {count} are chosen."
        raise Invalid("people", sentence, {"people": [sentence]})
    if _usable(project.pk, [person.pk for person in people]) < len(people):
        sentence = "Only raters and leads of the project take part in a session."
        raise Invalid("people", sentence, {"people": [sentence]})


def _demand_usable_people(session: CalibrationSession) -> None:
    users = [rater.user_id for rater in _raters(session) if not rater.is_simulated]
    if _usable(session.project_id, [pk for pk in users if pk]) < len(users):
        raise NotReady(
            "people_gone",
            "Somebody who was to take part rates and leads no more in this project. Change the "
            "draft first.",
        )


def _usable(project_id: int, users: Collection[int]) -> int:
    members = Membership.objects.filter(
        project=project_id, user__in=users, user__is_active=True
    ).only("is_rater", "is_lead")
    return sum(member.is_rater or member.is_lead for member in members)


def _name(name: str) -> str:
    name = name.strip()
    if not name:
        raise Invalid("name_missing", "Give the session a name.", {"name": ["A name is needed."]})
    return fitting(name, "name", limit=NAME_CHARS)


def _name_taken(name: str) -> Conflict:
    return Conflict(
        "session_name_taken",
        f"This project has a session named {name!r} already; choose another name.",
        {"name": ["This name is taken."]},
    )


def _wrong_state(session: CalibrationSession) -> Conflict:
    words = {
        SessionState.DRAFT: "is still a draft",
        SessionState.BLIND: "is being rated blind",
        SessionState.REVEALED: "is revealed",
        SessionState.SECOND: "is in its second blind round",
        SessionState.CLOSED: "is closed",
    }
    return Conflict(
        "session_state", f"This session {words[SessionState(session.state)]}; nothing changed."
    )
