"""Calibration sessions for screens: lists, how far a blind rating is, who takes part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from accounts.models import Rater, User
from annotation.models import Assignment, GuidelineVersion, Round
from annotation.states import AssignmentState, RoundKind
from calibration.models import CalibrationSession, SessionItem, SessionMention
from calibration.states import SessionState, Stage

ANSWERED = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)
MINE_SHOWN = 50
MENTIONS_SHOWN = 20
ROUNDS_OFFERED = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a blind rating is, pooled: answers in and wanted, people through and all."""

    done: int
    total: int
    people_done: int
    people: int

    @property
    def is_over(self) -> bool:
        """Whether everybody answered everything."""
        return self.people_done == self.people


@dataclass(frozen=True, slots=True)
class SessionCard:
    """A session in a list."""

    session: CalibrationSession
    items: int
    people: int


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session that somebody takes part in: own answers so far in the blind rating at hand."""

    session: CalibrationSession
    round: Round | None
    done: int
    total: int
    mentions: int

    @property
    def is_rating(self) -> bool:
        """Whether something is left to rate."""
        return self.round is not None and self.done < self.total


def found(*, project_id: int, text: str = "", state: str = "") -> QuerySet[CalibrationSession]:
    """The project's sessions, newest first."""
    sessions = CalibrationSession.objects.filter(project=project_id, name__icontains=text)
    if state:
        sessions = sessions.filter(state=state)
    return sessions.select_related("dataset", "guideline_version__guideline").order_by("-pk")


def cards(sessions: Iterable[CalibrationSession]) -> list[SessionCard]:
    """Sessions with their counts, in two queries."""
    listed = list(sessions)
    ids = [session.pk for session in listed]
    items = _counts(SessionItem.objects.filter(session__in=ids, stage=Stage.FIRST))
    people = dict(
        CalibrationSession.objects.filter(pk__in=ids)
        .annotate(n=Count("participants"))
        .values_list("pk", "n")
    )
    return [SessionCard(one, items.get(one.pk, 0), people.get(one.pk, 0)) for one in listed]


def blind_round(session: CalibrationSession) -> Round | None:
    """The round that is being rated blind at this moment."""
    if session.state == SessionState.BLIND:
        return session.first_round
    return session.second_round if session.state == SessionState.SECOND else None


def progress(round_: Round) -> Progress:
    """How far a blind rating is; nothing by person or by item."""
    items = round_.round_items.count()
    members = round_.round_raters.count()
    by_rater = _answers(round_).values("rater").annotate(n=Count("pk")).values_list("n", flat=True)
    counts = list(by_rater)
    return Progress(
        done=sum(counts),
        total=items * members,
        people_done=sum(count >= items for count in counts),
        people=members,
    )


def own_progress(round_: Round, *, user_id: int) -> tuple[int, int]:
    """Own answers in a blind rating, and the items there are."""
    done = _answers(round_).filter(rater__user=user_id).count()
    return done, round_.round_items.count()


def mine(*, user_id: int) -> list[OwnSession]:
    """The newest sessions that this person takes part in, drafts left out."""
    sessions = list(
        CalibrationSession.objects.filter(
            participants__rater__user=user_id,
            project__memberships__user=user_id,
        )
        .exclude(state=SessionState.DRAFT)
        .select_related("project", "first_round", "second_round")
        .order_by("-pk")[:MINE_SHOWN]
    )
    rounds = {one.pk: blind_round(one) for one in sessions}
    ids = [round_.pk for round_ in rounds.values() if round_ is not None]
    answers = Assignment.objects.filter(round__in=ids, rater__user=user_id, state__in=ANSWERED)
    done = dict(answers.values_list("round").annotate(Count("pk")))
    in_rounds = Round.objects.filter(pk__in=ids).annotate(n=Count("round_items"))
    totals = dict(in_rounds.values_list("pk", "n"))
    named = dict(
        SessionMention.objects.filter(user=user_id, comment__place__session__in=sessions)
        .values_list("comment__place__session")
        .annotate(Count("pk"))
    )
    return [_own(one, rounds[one.pk], done, totals, named) for one in sessions]


def _own(
    session: CalibrationSession,
    round_: Round | None,
    done: dict[int, int],
    totals: dict[int, int],
    named: dict[int, int],
) -> OwnSession:
    key = round_.pk if round_ is not None else 0
    return OwnSession(
        session, round_, done.get(key, 0), totals.get(key, 0), named.get(session.pk, 0)
    )


def mentions(session: CalibrationSession, *, user_id: int) -> list[SessionMention]:
    """Where this person was named in the session, newest first."""
    return list(
        SessionMention.objects.filter(user=user_id, comment__place__session=session)
        .select_related("comment__author", "comment__place")
        .order_by("-pk")[:MENTIONS_SHOWN]
    )


def participants(session: CalibrationSession) -> list[Rater]:
    """Who rates in the session, by the name that their labels bear."""
    return list(Rater.objects.filter(sessions__session=session).order_by("name"))


def people_to_name(session: CalibrationSession) -> list[User]:
    """Who can be named in a comment: participants, and those who may read the session."""
    staff = (
        Q(memberships__is_lead=True)
        | Q(memberships__is_adjudicator=True)
        | Q(memberships__is_admin=True)
    )
    of_project = User.objects.filter(staff, memberships__project=session.project_id, is_active=True)
    taking_part = User.objects.filter(
        raters__sessions__session=session,
        memberships__project=session.project_id,
        is_active=True,
    )
    ids = {*of_project.values_list("pk", flat=True), *taking_part.values_list("pk", flat=True)}
    return list(User.objects.filter(pk__in=ids).order_by("username"))


def candidates(*, project_id: int) -> QuerySet[User]:
    """Who can take part: raters and leads of the project, by name."""
    may = Q(memberships__is_rater=True) | Q(memberships__is_lead=True)
    return (
        User.objects.filter(may, memberships__project=project_id, is_active=True)
        .distinct()
        .order_by("display_name", "username")
    )


def rounds_to_choose_from(*, project_id: int) -> QuerySet[Round]:
    """Rounds whose raters may differ on items of theirs, newest first."""
    kinds = (RoundKind.STANDARD, RoundKind.IMPORTED, RoundKind.RERATING, RoundKind.DRIFT)
    return (
        Round.objects.filter(
            project=project_id, kind__in=kinds, assignments__state=AssignmentState.SUBMITTED
        )
        .distinct()
        .select_related("dataset")
        .order_by("-pk")
    )


def version_of(session: CalibrationSession) -> GuidelineVersion:
    """The guideline version that the first round went by, or will."""
    round_ = session.first_round
    return session.guideline_version if round_ is None else round_.guideline_version


def external_ids(session: CalibrationSession) -> Sequence[str]:
    """The ids of the items chosen, in their order."""
    places = session.items.filter(stage=Stage.FIRST).order_by("position")
    return list(places.values_list("item__external_id", flat=True))


def chosen(session: CalibrationSession) -> QuerySet[SessionItem]:
    """The items chosen for the first round, in their order."""
    places = session.items.filter(stage=Stage.FIRST)
    return places.select_related("item").order_by("position")


def session_of_round(round_: Round) -> CalibrationSession | None:
    """The session whose blind rating this round is."""
    rounds = Q(first_round=round_) | Q(second_round=round_)
    return CalibrationSession.objects.filter(rounds).first()


def _answers(round_: Round) -> QuerySet[Assignment]:
    return Assignment.objects.filter(round=round_, state__in=ANSWERED, gold__isnull=True)


def _counts(places: QuerySet[SessionItem]) -> dict[int, int]:
    return dict(places.values_list("session").annotate(Count("pk")))
