"""A named person's word on an item that raters left contested, or on a label that a review found
wrong: append-only, with its reason.

Two people who decide at once stand in line at the item's row: the second is told what the first
said, and nothing of theirs is written.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts import services as accounts
from accounts.models import User
from annotation.models import (
    Dimension,
    Item,
    ReferenceLabel,
    SealedReading,
    SealedSet,
)
from annotation.queries import adjudication as queries
from annotation.queries.labels import scale_of
from annotation.queries.workbench import rule_of
from annotation.rules import scales
from annotation.services import roundacts
from annotation.states import Method, Part, ReferenceState
from core import audit, registry
from core.errors import Conflict, Invalid, NotAllowed
from measurement.scale import as_number

STILL_CONTESTED = "contested"
"""What is given instead of a label when nothing settles the item."""
TAKEN_BACK = "taken_back"
"""What is given instead of a label to take a correction back."""


def decide(
    *, item_id: int, dimension: Dimension, label: str, reason: str, seen: int, by: User
) -> ReferenceLabel:
    """Append a person's label of one item on one dimension, or that it is still contested.

    `label` is a point of the dimension's scale in the item's own labelling; `seen` the number of
    the adjudicated version that the person looked at, 0 for none. `dimension` comes with its
    version and guideline. Raises `Invalid` (label, reason), `NotAllowed` for somebody who rated
    the item or may not read its sealed part, and `Conflict` where raters agree or say too little,
    labels are frozen, or somebody else decided meanwhile.
    """
    said = roundacts.reason_of(reason)
    try:
        return _decide(item_id, dimension, label, said, seen, by)
    except IntegrityError:
        # The item's lock lines people up; the number's constraint holds whoever comes around it.
        raise _meanwhile() from None


def correct(
    *, item_id: int, dimension: Dimension, label: str, reason: str, seen: int, by: User
) -> ReferenceLabel:
    """Append a corrected label of a development item, or the word that it is taken back.

    It stands above what raters and adjudicators said for whoever tunes a judge, and never feeds
    the gate. `label`, `seen` and what is refused are as in `decide`; contested or not, the item
    has to be of a development part whose labels no look has frozen.
    """
    said = roundacts.reason_of(reason)
    try:
        return _correct(item_id, dimension, label, said, seen, by)
    except IntegrityError:
        raise _meanwhile() from None


@transaction.atomic(durable=True)
def read_sealed(*, sealed_set: SealedSet, by: User) -> bool:
    """Let an adjudicator read the contested items of a sealed part; False: they may already.

    From then on they author no judge version here until the set retires. Raises `NotAllowed` for
    a judge author and `Conflict` for a set that is frozen or retired: nothing is left to decide.
    """
    held = SealedSet.objects.select_for_update(of=("self",), no_key=True).get(pk=sealed_set.pk)
    if held.retired_at is not None or held.frozen_at is not None:
        raise _frozen(held.frozen_at or held.retired_at)
    # Whoever saves a judge version holds the same row: one of both comes second and is refused.
    accounts.hold_member(project_id=sealed_set.dataset.project_id, user_id=by.pk)
    _demand_no_author(sealed_set.dataset.project_id, by)
    _, is_new = SealedReading.objects.get_or_create(sealed_set=held, user=by)
    if is_new:
        audit.record(
            actor=by.actor,
            verb="sealed_set.read_to_decide",
            object_type="sealed_set",
            object_id=held.pk,
            project_id=sealed_set.dataset.project_id,
        )
    return is_new


@transaction.atomic(durable=True)
def _decide(
    item_id: int, dimension: Dimension, label: str, reason: str, seen: int, by: User
) -> ReferenceLabel:
    item = _held(item_id, by, what="This item can no longer be decided")
    basis = queries.computed(item, dimension)
    before = queries.adjudicated(item, dimension)
    if before is None:
        _demand_contested(basis, item)
    if (before.version if before else 0) != seen:
        raise _meanwhile()
    made = _label(item, dimension, label, basis or before)
    made.version, made.actor, made.reason = seen + 1, by.actor, reason
    made.save(force_insert=True)
    audit.record(
        actor=by.actor,
        verb="label.adjudicated",
        object_type="item",
        object_id=item.pk,
        project_id=item.project_id,
        # Never the label: it may be a sealed one, and this trail is read by many.
        data={"dimension": dimension.key, "version": made.version, "item": item.external_id},
    )
    return made


@transaction.atomic(durable=True)
def _correct(
    item_id: int, dimension: Dimension, label: str, reason: str, seen: int, by: User
) -> ReferenceLabel:
    item = _held(item_id, by, what="The label of this item can no longer be corrected")
    if item.part != Part.DEVELOPMENT:
        raise Conflict("not_development", "Only labels of development items are corrected.")
    before = next(iter(queries.corrections(item, dimension)), None)
    if (before.version if before else 0) != seen:
        raise _meanwhile()
    if label == TAKEN_BACK:
        if before is None or before.state == ReferenceState.WITHDRAWN:
            raise Conflict("nothing_to_take_back", "No correction of this label stands.")
        made = _label(item, dimension, STILL_CONTESTED, before)
        made.state = ReferenceState.WITHDRAWN
    else:
        made = _label(item, dimension, label, queries.computed(item, dimension))
    made.method = Method.CORRECTED
    made.version, made.actor, made.reason = seen + 1, by.actor, reason
    made.save(force_insert=True)
    audit.record(
        actor=by.actor,
        verb="label.corrected",
        object_type="item",
        object_id=item.pk,
        project_id=item.project_id,
        data={"dimension": dimension.key, "version": made.version, "item": item.external_id},
    )
    return made


def _label(
    item: Item, dimension: Dimension, given: str, basis: ReferenceLabel | None
) -> ReferenceLabel:
    """The row as it will stand, but for its number, its person and the reason."""
    state, point, tested = _read(dimension, given)
    return ReferenceLabel(
        item=item,
        guideline_id=dimension.version.guideline_id,
        dimension_key=dimension.key,
        major=dimension.version.major,
        method=Method.ADJUDICATED,
        state=state,
        label=tested,
        point=point,
        votes=basis.votes if basis else 0,
        median=as_number(point) if point else None,
        ratings_digest=basis.ratings_digest if basis else "",
    )


def _read(dimension: Dimension, given: str) -> tuple[ReferenceState, str, str]:
    """The state, the point on the whole scale and the label that is tested."""
    if given == STILL_CONTESTED:
        return ReferenceState.CONTESTED, "", ""
    try:
        point = scales.check(rule_of(dimension), given)
    except Invalid as problem:
        raise Invalid("label_invalid", problem.sentence, {"label": [problem.sentence]}) from None
    if point == scales.NOT_APPLICABLE:
        return ReferenceState.NOT_APPLICABLE, point, ""
    scale = scale_of(dimension)
    tested = scale.tested().labels[int(scale.tested_codes()[scale.code(point)])]
    return ReferenceState.DECIDED, point, tested


def _demand_contested(basis: ReferenceLabel | None, item: Item) -> None:
    if basis is None:
        raise Conflict(
            "not_rated_enough", "Its ratings are not all in yet: there is nothing to decide."
        )
    if basis.state != ReferenceState.CONTESTED:
        raise Conflict(
            "not_contested", "The raters' labels settle this item; only contested ones are decided."
        )
    least = queries.least_votes(item.part)
    if basis.votes < least:
        raise Conflict(
            "not_rated_enough",
            f"It has {basis.votes} of the {least} ratings that a human label needs at least. Have "
            "it rated by more people: one person's decision does not stand in for them.",
        )


def _held(item_id: int, by: User, *, what: str) -> Item:
    """Inside a transaction: the item, for somebody who may say what is right of it; `what` begins
    the refusal where a look froze its labels."""
    found = Item.objects.only("dataset_id").get(pk=item_id)
    items = Item.objects.filter(pk=item_id)
    roundacts.demand_unfrozen(dataset_id=found.dataset_id, items=items, what=what)
    item = Item.objects.select_for_update(of=("self",)).get(pk=item_id)
    _demand_may_decide(item, by)
    return item


def _demand_may_decide(item: Item, by: User) -> None:
    because = queries.why_not_decide(item, user=by)
    if because:
        raise NotAllowed(because, code="may_not_decide")


def _demand_no_author(project_id: int, by: User) -> None:
    if registry.is_barred_from_sealed(project_id=project_id, user_id=by.pk):
        raise NotAllowed(
            "You wrote a judge version in this project, so you read no sealed rating. Another "
            "adjudicator can decide these items.",
            code="wrote_a_judge",
        )


def _frozen(at: datetime | None) -> Conflict:
    when = f" on {at:%d %B %Y}" if at else ""
    return Conflict(
        "labels_frozen",
        f"The labels of this sealed part were fixed{when}: nothing in it is decided any more.",
    )


def _meanwhile() -> Conflict:
    return Conflict(
        "decided_meanwhile",
        "Somebody else decided this item while you were looking at it. Their word is shown now; "
        "change it only if you see it otherwise.",
    )
