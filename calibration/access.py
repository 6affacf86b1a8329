"""The doors to rows of this room: each returns the row of this project, or raises."""

from __future__ import annotations

from accounts.models import Membership, Project, User
from accounts.roles import STAFF
from annotation.models import Dimension, Item, ReferenceLabel, Round
from annotation.queries import adjudication
from annotation.queries.items import may_yet_rate, visible_items
from annotation.states import Part, ReferenceState, RoundKind
from calibration.models import (
    CalibrationReport,
    CalibrationSession,
    ClauseNote,
    Review,
    ReviewItem,
    SessionItem,
)
from calibration.queries import reviews, sessionitems
from calibration.queries.sessionitems import Reader
from calibration.states import SessionState
from core.errors import NotHere
from judges.models import ApprovalRequest, Decision, Run, Standing
from judges.states import RunPurpose

REPORTED = (RunPurpose.ORDINARY, RunPurpose.IMPORTED)
"""Runs that never touch anything sealed, so that their reports hide nothing."""


def round_of(project: Project, round_id: int) -> Round:
    """A round whose agreement can be shown; a session has a page of its own."""
    found = (
        Round.objects.select_related("guideline_version__guideline", "dataset")
        .filter(project=project, pk=round_id)
        .exclude(kind=RoundKind.SESSION)
        .first()
    )
    if found is None:
        raise NotHere("There is no such round in this project.")
    return found


def contested_of(
    project: Project, label_id: int, *, user: User, is_adjudicator: bool
) -> tuple[ReferenceLabel, Dimension]:
    """A label that raters left contested and this person may look into, with its dimension.

    One of a sealed item is as good as none to all but the adjudicators who read its part.
    """
    label = (
        ReferenceLabel.objects.select_related("item__dataset", "item__content", "guideline")
        .filter(
            item__in=visible_items(project_id=project.pk).values("pk"),
            pk=label_id,
            method__in=adjudication.COMPUTED,
            state=ReferenceState.CONTESTED,
        )
        .first()
    )
    dimension = adjudication.dimension_of(label) if label is not None else None
    if (
        label is None
        or dimension is None
        or not _is_open_to(label.item, user, is_adjudicator=is_adjudicator)
    ):
        raise NotHere("There is no such contested item in this project for you.")
    return label, dimension


def differing_of(round_: Round, item_id: int, key: str, *, user: User) -> tuple[Item, Dimension]:
    """An unsealed item of a round, and one of the dimensions that it is rated on."""
    item = (
        visible_items(project_id=round_.project_id)
        .select_related("dataset", "content")
        .filter(pk=item_id, round_items__round=round_)
        .first()
    )
    dimension = (
        round_.guideline_version.dimensions.select_related("version__guideline")
        .filter(key=key)
        .first()
    )
    if item is None or dimension is None or not _is_open_to(item, user, is_adjudicator=False):
        raise NotHere("There is no such item in this round for you.")
    return item, dimension


def _is_open_to(item: Item, user: User, *, is_adjudicator: bool) -> bool:
    if may_yet_rate(item, user.pk):
        return False
    if item.part == Part.SEALED and not is_adjudicator:
        return False
    return not adjudication.why_closed(item, user=user)


def run_of(project: Project, run_id: int) -> Run:
    """A run with a report of its own; those of approvals belong to their requests."""
    found = (
        Run.objects.select_related("version__judge", "version__guideline_version", "dataset")
        .filter(project=project, pk=run_id, purpose__in=REPORTED, dataset__isnull=False)
        .first()
    )
    if found is None:
        raise NotHere("There is no such run in this project.")
    return found


def report_of(project: Project, report_id: int) -> CalibrationReport:
    """A report of an open dataset or a development part; sealed ones are read as approvals."""
    found = (
        CalibrationReport.objects.select_related("run__version__judge", "dataset")
        .filter(project=project, pk=report_id, request__isnull=True)
        .first()
    )
    if found is None:
        raise NotHere("There is no such report in this project.")
    return found


def approval_of(project: Project, request_id: int) -> ApprovalRequest:
    found = (
        ApprovalRequest.objects.select_related(
            "project",
            "version__judge",
            "version__guideline_version__guideline",
            "sealed_set__dataset",
            "run",
        )
        .filter(project=project, pk=request_id)
        .first()
    )
    if found is None:
        raise NotHere("There is no such approval request in this project.")
    return found


def decision_of(project: Project, decision_id: int) -> Decision:
    """A decision with all that its certificate is made of."""
    found = (
        Decision.objects.select_related(
            "judge__project", "version__judge", "version__guideline_version__guideline", "request"
        )
        .filter(judge__project=project, pk=decision_id)
        .first()
    )
    if found is None:
        raise NotHere("There is no such decision in this project.")
    return found


def standing_of(project: Project, judge_id: int) -> Standing:
    found = (
        Standing.objects.select_related(
            "judge__project", "version__judge", "version__guideline_version__guideline", "decision"
        )
        .filter(judge__project=project, judge=judge_id)
        .first()
    )
    if found is None:
        raise NotHere("No approval stands for this judge.")
    return found


def drift_round_of(standing: Standing, round_id: int) -> Round:
    """A drift round whose labels are held against what stands here."""
    by = standing.version.guideline_version
    found = (
        Round.objects.select_related("dataset")
        .filter(
            project=standing.judge.project_id,
            pk=round_id,
            kind=RoundKind.DRIFT,
            guideline_version__guideline=by.guideline_id,
            guideline_version__major=by.major,
        )
        .first()
    )
    if found is None:
        raise NotHere("There is no such drift round for this judge.")
    return found


def session_of(project: Project, session_id: int) -> CalibrationSession:
    """A session of the project, for its staff."""
    found = (
        CalibrationSession.objects.select_related(
            "project",
            "dataset",
            "source",
            "guideline_version__guideline",
            "first_round__guideline_version__guideline",
            "second_round__guideline_version__guideline",
        )
        .filter(project=project, pk=session_id)
        .first()
    )
    if found is None:
        raise NotHere("There is no such session in this project.")
    return found


def session_for(membership: Membership, session_id: int) -> CalibrationSession:
    """A session that this member may open: staff every one, others those they take part in, once
    they are no drafts any more."""
    found = session_of(membership.project, session_id)
    if membership.roles & frozenset(STAFF):
        return found
    takes_part = found.participants.filter(rater__user=membership.user_id).exists()
    if not takes_part or found.state == SessionState.DRAFT:
        raise NotHere("There is no such session in this project.")
    return found


def session_place_for(
    membership: Membership, session_id: int, item_id: int
) -> tuple[SessionItem, Round]:
    """An item of a session with its revealed round; before the reveal nobody opens it."""
    session = session_for(membership, session_id)
    place = session.items.select_related("item__content", "session").filter(item=item_id).first()
    round_ = sessionitems.round_of(session, place.stage) if place is not None else None
    if place is None or round_ is None or round_.revealed_at is None:
        raise NotHere("There is no such item in this session, or it is not revealed yet.")
    place.session = session
    return place, round_


def talked_about_for(membership: Membership, session_id: int, item_id: int) -> SessionItem:
    """An item that this member may talk about: one that is not hidden from them."""
    place, round_ = session_place_for(membership, session_id, item_id)
    if sessionitems.hidden_from(round_, [place.item_id], reader_of(membership)):
        raise NotHere("What was said of this item is not shown to you, so you cannot answer it.")
    return place


def reader_of(membership: Membership) -> Reader:
    """How far this member reads the revealed items of a session."""
    return Reader(membership.user_id, is_staff=bool(membership.roles & frozenset(STAFF)))


def review_of(project: Project, review_id: int) -> Review:
    """A review of the project; whose a label is stays untold while it is open."""
    found = (
        Review.objects.select_related(
            "run__version__judge", "dimension__version__guideline", "author"
        )
        .filter(project=project, pk=review_id)
        .first()
    )
    if found is None:
        raise NotHere("There is no such review in this project.")
    return found


def review_place_of(review: Review, position: int, *, user: User) -> ReviewItem:
    """An item of a review that this person may read: development, beside nothing sealed."""
    items = reviews.readable(review, user_id=user.pk)
    place = (
        review.items.select_related("item__content", "item__dataset")
        .filter(position=position, item__in=items.values("pk"))
        .first()
    )
    if place is None:
        raise NotHere("There is no such item in this review for you.")
    place.review = review
    return place


def clause_note_of(project: Project, guideline_id: int, note_id: int) -> ClauseNote:
    found = ClauseNote.objects.filter(
        guideline_version__guideline__project=project,
        guideline_version__guideline=guideline_id,
        pk=note_id,
    ).first()
    if found is None:
        raise NotHere("There is no such note on this guideline.")
    return found
