"""A rater's answer: drafted, submitted, amended; or the item skipped or flagged instead.

Labels come in as the rater saw them and are stored in the item's own labelling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q, QuerySet

from accounts.models import Rater
from annotation import access
from annotation.models import (
    Assignment,
    Dimension,
    Draft,
    Flag,
    GuidelineVersion,
    Rating,
    Round,
    RoundItem,
    RoundRater,
    SealedSet,
)
from annotation.queries import workbench
from annotation.rules import display, scales, split
from annotation.services import admissions, candidates, claim, goldturns, reference
from annotation.services.worktime import active_seconds as counted
from annotation.states import (
    AssignmentState,
    Part,
    RationaleRule,
    RoundKind,
    RoundState,
)
from core.errors import Conflict, Invalid
from core.prepared import Change, PreparedDelete, PreparedUpdate

GONE = (
    "lease_lost",
    "item_withdrawn",
    "not_in_round",
    "round_closed",
    "round_revealed",
    "wrote_a_judge",
)
"""Why a slot is not the rater's any more: what was written is kept as a draft."""
RATIONALE_CHARS = 20_000
SKIP_CHARS = 200
FLAG_CHARS = 400


class _Raced(Exception):
    """Another window stored an answer meanwhile; undoes what this one did."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Labels by dimension in the item's own labelling, and one rationale for the item."""

    labels: Mapping[Dimension, str]
    rationale: str

    def rationale_for(self, dimension: Dimension) -> str:
        """The rationale stands once: at the first dimension that takes one."""
        takers = [d for d in self.labels if d.rationale != RationaleRule.NONE]
        return self.rationale if takers and takers[0] == dimension else ""


def submit(
    *,
    assignment_id: int,
    rater: Rater,
    labels: Mapping[str, object],
    rationale: str = "",
    active_seconds: float = 0.0,
    now: datetime,
) -> Assignment:
    """Store the answer, for good once this returns; the same answer again is a success.

    After the lease ran out it is taken while a slot of the item is free. Raises `Invalid`
    (labels, rationale), `Conflict` `already_submitted` (other labels than before) or one of `GONE`
    (the draft is kept).
    """
    for _ in range(2):
        try:
            # Looked at without a transaction: SQLite has one writer at a time, and the statements
            # that write ask once more for what they rest on.
            row = access.assignment_once_of(rater, assignment_id)
            before = _answered_before(row, rater)
            if before is not None:
                return _again(before, labels)
            answer = _answer(row, rater, labels, rationale)
            seconds = counted(row, rater, claimed=active_seconds, now=now)
            with transaction.atomic(durable=True):
                stored = _store(row, rater, answer, seconds, now)
        except (IntegrityError, _Raced):
            # A second click wrote between our look and our write: look again.
            continue
        except Conflict as lost:
            if lost.code in GONE:
                save_draft(
                    assignment_id=assignment_id,
                    rater=rater,
                    labels=labels,
                    rationale=rationale,
                    active_seconds=active_seconds,
                    now=now,
                )
            raise
        reference.refresh_once_full(stored)
        return stored
    raise claim.lease_lost()


@transaction.atomic(durable=True)
def save_draft(
    *,
    assignment_id: int,
    rater: Rater,
    labels: Mapping[str, object],
    rationale: str = "",
    active_seconds: float = 0.0,
    now: datetime,
) -> Draft:
    """Keep unfinished work and renew the lease. Labels that do not fit are left out.

    The draft outlives the lease. Raises `Conflict` once the item is submitted.
    """
    row = access.assignment_once_of(rater, assignment_id)
    is_held = claim.hold(assignment_id=row.pk, rater_id=rater.pk, now=now)
    mine = None if is_held else _own_row(row, rater)
    if mine is not None and mine.state == AssignmentState.SUBMITTED:
        raise Conflict("already_submitted", "This item is submitted; there is no draft of it.")
    return _keep_draft(row, rater, labels, rationale, active_seconds=active_seconds, now=now)


def skip(
    *, assignment_id: int, rater: Rater, reason: str, active_seconds: float = 0.0, now: datetime
) -> None:
    """Decline the item for good, with a reason; its slot goes to somebody else."""
    with transaction.atomic(durable=True):
        row = access.assignment_once_of(rater, assignment_id)
        said = _reason(reason, SKIP_CHARS)
        _skip(row, rater, said, counted(row, rater, claimed=active_seconds, now=now))
    claim.after_emptying(row)


def flag(
    *, assignment_id: int, rater: Rater, reason: str, active_seconds: float = 0.0, now: datetime
) -> Flag:
    """Report the item as broken to the leads, and pass it by."""
    with transaction.atomic(durable=True):
        row = access.assignment_once_of(rater, assignment_id)
        said = _reason(reason, FLAG_CHARS)
        seconds = counted(row, rater, claimed=active_seconds, now=now)
        _skip(row, rater, f"flagged: {said}"[:SKIP_CHARS], seconds)
        made = Flag.objects.create(round=row.round, item_id=row.item_id, rater=rater, reason=said)
    claim.after_emptying(row)
    return made


def amend(
    *,
    assignment_id: int,
    rater: Rater,
    labels: Mapping[str, object],
    rationale: str = "",
    now: datetime,
) -> int:
    """Change a submitted answer: each changed label is a new revision; returns how many.

    Only while the round is open or paused, nothing was revealed and the labels are not frozen.
    """
    try:
        with transaction.atomic(durable=True):
            row = access.assignment_of(rater, assignment_id)
            changed = _amend(row, labels, rationale)
    except IntegrityError:
        raise Conflict(
            "changed_meanwhile", "This answer was changed in another window; look at it first."
        ) from None
    if changed:
        reference.refresh_once_full(row)
    return changed


def why_not_editable(row: Assignment) -> str:
    """A sentence when a submitted answer can no longer be changed, else nothing."""
    if row.round.revealed_at is not None:
        return "The ratings of this round were revealed, so they can no longer be changed."
    if row.round.kind == RoundKind.QUALIFICATION:
        return "An answer in a qualification counts as it was first given."
    if row.told_at is not None:
        return "You were told how this answer compares, so it can no longer be changed."
    if row.round.state not in (RoundState.OPEN, RoundState.PAUSED):
        return "This round is closed, so its ratings can no longer be changed."
    if _is_frozen(row):
        return "These labels are in use as evidence, so they can no longer be changed."
    return ""


def _answered_before(row: Assignment, rater: Rater) -> Assignment | None:
    """The rater's row for the item where it is submitted already."""
    if row.rater_id == rater.pk and row.state == AssignmentState.LEASED:
        # A rater has one row for an item: with the lease at hand there is no other to look for.
        return None
    mine = _own_row(row, rater)
    return mine if mine is not None and mine.state == AssignmentState.SUBMITTED else None


def _store(
    row: Assignment, rater: Rater, answer: Answer, seconds: float, now: datetime
) -> Assignment:
    """Inside a transaction: the answer in the slot that the rater holds, or in a free one."""
    _hold_from_reveal(row)
    if row.round.revealed_at is not None:
        raise Conflict(
            "round_revealed",
            "The ratings of this round were revealed meanwhile. What you wrote is kept.",
        )
    is_sealed = row.item.part == Part.SEALED
    if is_sealed:
        # What waited for a look to freeze the labels came after it, and does not count.
        frozen_at = _hold_sealed_set(row)
        now = now if frozen_at is None else max(now, frozen_at + timedelta(microseconds=1))
    is_barred = is_sealed and not candidates.may_have_sealed(
        project_id=row.round.project_id, rater_id=rater.pk
    )
    _count(row, rater, is_skip=False)
    stored = (
        _settle_lease(row, rater, seconds, now)
        or _settle_newer_lease(row, rater, seconds, now)
        or (None if is_barred else _settle_late(row, rater, seconds, now))
    )
    if stored is None:
        # A second click, which waited for the first, finds the answer in.
        mine = _own_row(row, rater)
        if mine is not None and mine.state == AssignmentState.SUBMITTED:
            raise _Raced
        raise _wrote_a_judge() if is_barred else _gone(row, rater)
    _write(stored, answer)
    if stored.gold_id is not None:
        _end_gold(stored, row.round, rater, now)
    _drop_draft.run(round_id=row.round_id, item_id=row.item_id, rater_id=rater.pk)
    return stored


def _end_gold(stored: Assignment, round_: Round, rater: Rater, now: datetime) -> None:
    """Inside the answer's transaction: what is told of it, or comes of it, is told of for good."""
    is_qualification = round_.kind == RoundKind.QUALIFICATION
    if round_.shows_gold or is_qualification:
        # The page says so in the same response: no moment is left to mend it by what is told.
        Assignment.objects.filter(pk=stored.pk).update(told_at=now)
    if is_qualification:
        admissions.settle(qualification=round_, rater_id=rater.pk)


def _count(row: Assignment, rater: Rater, *, is_skip: bool) -> None:
    """Inside a transaction, before the assignment is touched: one more, unless it is undone."""
    _one_more.run(round_id=row.round_id, rater_id=rater.pk, is_skip=is_skip)


def _settle_lease(
    row: Assignment, rater: Rater, seconds: float, now: datetime
) -> Assignment | None:
    """Leased by this rater -> submitted; the count is the answer."""
    changed = _submit_leased.run(assignment_id=row.pk, rater_id=rater.pk, seconds=seconds, now=now)
    if changed != 1:
        return None
    row.state, row.submitted_at, row.lease_until = AssignmentState.SUBMITTED, now, None
    return row


def _settle_newer_lease(
    row: Assignment, rater: Rater, seconds: float, now: datetime
) -> Assignment | None:
    """The lease ran out and the rater was handed the same item again, in another slot."""
    held = (
        Assignment.objects.select_related("round", "item", "guideline_version")
        .filter(round=row.round_id, item=row.item_id, rater=rater, state=AssignmentState.LEASED)
        .first()
    )
    return None if held is None else _settle_lease(held, rater, seconds, now)


def _settle_late(row: Assignment, rater: Rater, seconds: float, now: datetime) -> Assignment | None:
    """The lease ran out: this slot, or another of the item that is still free."""
    if row.round.state not in (RoundState.OPEN, RoundState.PAUSED):
        return None
    if not claim.still_rates(round_id=row.round_id, rater_id=rater.pk):
        return None
    if _own_row(row, rater) is not None:
        return None
    kept = _kept_for_late(row, rater)
    slot = kept or _room_for_late(row)
    if slot is None:
        return None
    # Closed or revealed since we looked: the same statement sees it.
    changed = Assignment.objects.filter(
        Q(kept_for__isnull=True) | Q(kept_for=rater),
        pk=slot,
        state=AssignmentState.OPEN,
        round__state__in=(RoundState.OPEN, RoundState.PAUSED),
        round__revealed_at__isnull=True,
    ).update(
        **claim.NOT_KEPT,
        state=AssignmentState.SUBMITTED,
        rater=rater,
        guideline_version=version_of(row),
        leased_at=now,
        submitted_at=now,
        active_seconds=seconds,
        is_swapped=workbench.seen_swapped(row, rater_id=rater.pk),
    )
    if changed != 1:
        return None
    if kept is None:
        claim.add_taken(row)
    return Assignment.objects.select_related("round", "item").get(pk=slot)


def _room_for_late(row: Assignment) -> int | None:
    if row.gold is None:
        return claim.free_slot(round_id=row.round_id, item_id=row.item_id)
    return goldturns.open_row(round_id=row.round_id, gold=row.gold)


def _kept_for_late(row: Assignment, rater: Rater) -> int | None:
    if row.gold_id is not None:
        return None
    return claim.kept_slot(round_id=row.round_id, item_id=row.item_id, rater_id=rater.pk)


def _again(mine: Assignment, labels: Mapping[str, object]) -> Assignment:
    """The same labels answer as success; other ones need the page for changing them."""
    dimensions = workbench.dimensions_of(version_of(mine))
    given = {
        d.key: label
        for d in dimensions
        if (label := _own_label(d, labels.get(d.key), is_swapped=mine.is_swapped))
    }
    current = dict(
        Rating.objects.filter(assignment=mine, is_current=True).values_list(
            "dimension__key", "label"
        )
    )
    if given == current and set(labels) <= set(current):
        return mine
    raise Conflict(
        "already_submitted",
        "You submitted this item before, with other labels. Open it under Back to change them.",
    )


def _own_row(row: Assignment, rater: Rater) -> Assignment | None:
    """This rater's submitted, skipped or withdrawn row for the item: there is at most one."""
    return (
        Assignment.objects.select_related("round", "item", "guideline_version")
        .filter(round=row.round_id, item=row.item_id, rater=rater)
        .exclude(state=AssignmentState.LEASED)
        .first()
    )


def _gone(row: Assignment, rater: Rater) -> Conflict:
    """Why the slot is no longer this rater's: a lead's act, or the time that went by."""
    places = RoundItem.objects.filter(round=row.round_id, item=row.item_id)
    if places.filter(withdrawal__isnull=False).exists():
        return Conflict(
            "item_withdrawn",
            "A lead took this item out of the round, so nobody is asked about it any more. What "
            "you wrote is kept.",
        )
    members = RoundRater.objects.filter(round=row.round_id, rater=rater)
    if members.filter(removed_at__isnull=False).exists():
        return Conflict(
            "not_in_round", "A lead took you out of this round. What you wrote is kept."
        )
    state = Round.objects.filter(pk=row.round_id).values_list("state", flat=True).first()
    if state == RoundState.CLOSED:
        return Conflict(
            "round_closed",
            "Your time for this item ran out, and the round was closed meanwhile: it takes no "
            "answer any more. What you wrote is kept.",
        )
    return claim.lease_lost()


def _wrote_a_judge() -> Conflict:
    return Conflict(
        "wrote_a_judge",
        "Your time for this item ran out, and you saved a judge version since: you rate no sealed "
        "item any more. What you wrote is kept.",
    )


def version_of(row: Assignment) -> GuidelineVersion:
    """The guideline version that the row was last leased under."""
    return row.guideline_version or row.round.guideline_version


def _answer(row: Assignment, rater: Rater, labels: Mapping[str, object], rationale: str) -> Answer:
    """The answer in the item's own labelling, or `Invalid` with a sentence for each field."""
    dimensions = workbench.dimensions_of(version_of(row))
    is_swapped = workbench.seen_swapped(row, rater_id=rater.pk)
    problems: dict[str, list[str]] = {}
    kept: dict[Dimension, str] = {}
    for dimension in dimensions:
        try:
            shown = scales.check(workbench.rule_of(dimension), labels.get(dimension.key))
        except Invalid as problem:
            problems[dimension.key] = [problem.sentence]
        else:
            kept[dimension] = _to_own(dimension, shown, is_swapped=is_swapped)
    known = {dimension.key for dimension in dimensions}
    for key in labels:
        if key not in known:
            problems[str(key)[:60]] = [f"This rubric has no dimension {str(key)[:60]!r}."]
    said = rationale.strip()
    if not said and any(d.rationale == RationaleRule.REQUIRED for d in dimensions):
        problems["rationale"] = ["Say why: this guideline asks for a reason with each rating."]
    if len(said) > RATIONALE_CHARS:
        problems["rationale"] = [f"A reason has at most {RATIONALE_CHARS:,} characters."]
    if problems:
        raise Invalid("rating_invalid", _first_sentence(problems), problems)
    return Answer(kept, said)


def _first_sentence(problems: Mapping[str, Sequence[str]]) -> str:
    sentences = [sentence for many in problems.values() for sentence in many]
    more = f" ({len(sentences) - 1} more to mend.)" if len(sentences) > 1 else ""
    return sentences[0] + more


def _own_label(dimension: Dimension, raw: object, *, is_swapped: bool) -> str:
    """The label in the item's own labelling; nothing when it does not fit the scale."""
    try:
        shown = scales.check(workbench.rule_of(dimension), raw)
    except Invalid:
        return ""
    return _to_own(dimension, shown, is_swapped=is_swapped)


def _to_own(dimension: Dimension, shown: str, *, is_swapped: bool) -> str:
    # A category may be called "A" too: only a preference changes sides.
    swaps = is_swapped and workbench.rule_of(dimension).is_pairwise
    return display.to_own_label(shown, swapped=swaps)


def _write(row: Assignment, answer: Answer) -> None:
    Rating.objects.bulk_create(
        Rating(
            assignment=row,
            dimension=dimension,
            label=label,
            rationale=answer.rationale_for(dimension),
        )
        for dimension, label in answer.labels.items()
    )


def _amend(row: Assignment, labels: Mapping[str, object], rationale: str) -> int:
    _hold_from_reveal(row)
    _hold_sealed_set(row)
    # The conditional statement holds the row until the commit; a reveal before it is seen.
    changed = Assignment.objects.filter(
        pk=row.pk,
        state=AssignmentState.SUBMITTED,
        told_at__isnull=True,
        round__state__in=(RoundState.OPEN, RoundState.PAUSED),
        round__revealed_at__isnull=True,
    ).update(state=AssignmentState.SUBMITTED)
    if changed != 1 or _is_frozen(row):
        sentence = why_not_editable(row) or "Only a submitted answer can be changed."
        raise Conflict("not_editable", sentence)
    assert row.rater is not None
    answer = _answer(row, row.rater, labels, rationale)
    current = {r.dimension_id: r for r in Rating.objects.filter(assignment=row, is_current=True)}
    revision = (
        Rating.objects.filter(assignment=row).aggregate(last=Max("revision"))["last"] or 0
    ) + 1
    fresh = [
        Rating(
            assignment=row,
            dimension=dimension,
            label=label,
            rationale=answer.rationale_for(dimension),
            revision=revision,
        )
        for dimension, label in answer.labels.items()
        if not _is_same(current.get(dimension.pk), label, answer.rationale_for(dimension))
    ]
    Rating.objects.filter(
        assignment=row, dimension__in=[r.dimension_id for r in fresh], is_current=True
    ).update(is_current=False)
    Rating.objects.bulk_create(fresh)
    return len(fresh)


def _is_same(old: Rating | None, label: str, rationale: str) -> bool:
    return old is not None and old.label == label and old.rationale == rationale


def _is_frozen(row: Assignment) -> bool:
    """The first look at a sealed set ends the editing of its ratings, for good: they stay the
    evidence's also when the set has retired and its items are open."""
    sealed_set = SealedSet.objects.filter(dataset=row.item.dataset_id).first()
    if sealed_set is None or sealed_set.frozen_at is None:
        return False
    if row.item.part == Part.SEALED:
        return True
    share = row.item.dataset.share
    return split.part_of(row.item.cluster_key, salt=sealed_set.salt, share=share) == "sealed"


def _hold_from_reveal(row: Assignment) -> None:
    """Inside a transaction: a reveal comes before this write, which then sees it, or after it.

    A reveal takes the round's row too. A conditional statement would not do: PostgreSQL looks at
    the round as it was when the statement began. Only sessions are revealed, and few rate in one;
    raters of other rounds never stand in line at the round.
    """
    if row.round.kind != RoundKind.SESSION:
        return
    held = Round.objects.select_for_update(no_key=True).only("state", "revealed_at")
    found = held.get(pk=row.round_id)
    row.round.state, row.round.revealed_at = found.state, found.revealed_at


def _hold_sealed_set(row: Assignment) -> datetime | None:
    """Inside a transaction: a freeze of the item's labels comes before this write or after it.
    When it came."""
    found = SealedSet.objects.select_for_update().filter(dataset=row.item.dataset_id).first()
    return found.frozen_at if found is not None else None


def _keep_draft(
    row: Assignment,
    rater: Rater,
    labels: Mapping[str, object],
    rationale: str,
    *,
    active_seconds: float,
    now: datetime,
) -> Draft:
    is_swapped = workbench.seen_swapped(row, rater_id=rater.pk)
    kept = {
        d.key: label
        for d in workbench.dimensions_of(version_of(row))
        if (label := _own_label(d, labels.get(d.key), is_swapped=is_swapped))
    }
    draft = Draft(
        round_id=row.round_id,
        item_id=row.item_id,
        rater=rater,
        labels=kept,
        rationale=rationale.replace("\x00", "")[:RATIONALE_CHARS],
        active_seconds=counted(row, rater, claimed=active_seconds, now=now),
        saved_at=now,
    )
    Draft.objects.bulk_create(
        [draft],
        update_conflicts=True,
        unique_fields=["round", "item", "rater"],
        update_fields=["labels", "rationale", "active_seconds", "saved_at"],
    )
    return draft


def _skip(row: Assignment, rater: Rater, reason: str, seconds: float) -> None:
    if row.rater_id != rater.pk or row.state != AssignmentState.LEASED:
        raise _gone(row, rater)
    _count(row, rater, is_skip=True)
    changed = Assignment.objects.filter(
        pk=row.pk, rater=rater, state=AssignmentState.LEASED
    ).update(
        state=AssignmentState.SKIPPED,
        lease_until=None,
        skip_reason=reason,
        active_seconds=seconds,
    )
    if changed != 1:
        raise _gone(row, rater)
    if row.gold_id is None:
        Assignment.objects.create(round_id=row.round_id, item_id=row.item_id, slot=row.slot)
    claim.drop_taken(row)
    _drop_draft.run(round_id=row.round_id, item_id=row.item_id, rater_id=rater.pk)


def _reason(text: str, most: int) -> str:
    said = text.strip()
    if not said:
        raise Invalid("reason_missing", "Say why, in a few words.", {"reason": ["Say why."]})
    if len(said) > most:
        sentence = f"A reason has at most {most} characters; this one has {len(said)}."
        raise Invalid("reason_too_long", sentence, {"reason": [sentence]})
    return said


@PreparedUpdate
def _one_more(*, round_id: int, rater_id: int, is_skip: bool) -> Change:
    counter = "skipped" if is_skip else "answered"
    return RoundRater.objects.filter(round=round_id, rater=rater_id), {counter: F(counter) + 1}


@PreparedUpdate
def _submit_leased(*, assignment_id: int, rater_id: int, seconds: float, now: datetime) -> Change:
    held = Assignment.objects.filter(pk=assignment_id, rater=rater_id, state=AssignmentState.LEASED)
    return held, {
        "state": AssignmentState.SUBMITTED,
        "submitted_at": now,
        "lease_until": None,
        "active_seconds": seconds,
    }


@PreparedDelete
def _drop_draft(*, round_id: int, item_id: int, rater_id: int) -> QuerySet[Draft]:
    return Draft.objects.filter(round=round_id, item=item_id, rater=rater_id)
