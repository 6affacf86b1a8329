"""The doors to rows: each returns the row that this project's member may reach, or raises.

A row of another project is as good as none: the answer never tells that it exists.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership, Project, Rater
from accounts.roles import STAFF
from annotation.models import (
    Assignment,
    Dataset,
    Draft,
    GoldItem,
    Guideline,
    GuidelineVersion,
    Item,
    Round,
    RoundItem,
    RoundRater,
    SealedSet,
    Upload,
    Withdrawal,
    whole,
)
from annotation.states import DatasetKind, RoundKind, VersionState
from core.errors import NotHere
from core.models import Job
from core.prepared import Prepared


def rater_of_member(membership: Membership) -> Rater:
    """The member's row in the label tables."""
    rater = Rater.objects.filter(project=membership.project_id, user=membership.user_id).first()
    if rater is None:
        raise NotHere("You are not a rater in this project.")
    return rater


def dataset_of(project: Project, dataset_id: int) -> Dataset:
    """A dataset that people work with. What came over the API is on no page: it may touch
    sealed prompts."""
    dataset = Dataset.objects.filter(
        project=project, pk=dataset_id, kind=DatasetKind.NORMAL
    ).first()
    if dataset is None:
        raise NotHere("There is no such dataset in this project.")
    return dataset


def live_seal_of(project: Project, dataset_id: int) -> SealedSet:
    """The sealed part of a dataset, as long as it is one."""
    found = (
        SealedSet.objects.select_related("dataset")
        .filter(dataset=dataset_of(project, dataset_id), retired_at__isnull=True)
        .first()
    )
    if found is None:
        raise NotHere("This dataset has no sealed part, or its seal was retired.")
    return found


def upload_of(project: Project, upload_id: int) -> Upload:
    upload = Upload.objects.filter(project=project, pk=upload_id).first()
    if upload is None:
        raise NotHere("There is no such file in this project.")
    return upload


def import_job_of(project: Project, job_id: int) -> Job:
    """An import into one of the project's datasets."""
    job = Job.objects.filter(
        project_id=project.pk, pk=job_id, kind__startswith="annotation.import_"
    ).first()
    if job is None:
        raise NotHere("There is no such import in this project.")
    return job


def item_of(project: Project, item_id: int) -> Item:
    """A visible item with its texts. Its labels have doors of their own."""
    item = (
        Item.objects.select_related("content", "dataset")
        .filter(whole(), project=project, pk=item_id, dataset__kind=DatasetKind.NORMAL)
        .first()
    )
    if item is None:
        raise NotHere("There is no such item in this project.")
    return item


def gold_of(project: Project, gold_id: int) -> GoldItem:
    """A gold item that is in force."""
    gold = (
        GoldItem.objects.select_related("item", "guideline")
        .filter(item__project=project, pk=gold_id, withdrawn_at__isnull=True)
        .first()
    )
    if gold is None:
        raise NotHere("There is no such gold item in this project.")
    return gold


def guideline_of(project: Project, guideline_id: int) -> Guideline:
    guideline = Guideline.objects.filter(project=project, pk=guideline_id).first()
    if guideline is None:
        raise NotHere("There is no such guideline in this project.")
    return guideline


def guideline_of_reader(membership: Membership, guideline_id: int) -> Guideline:
    """A guideline that this member reads: staff every one, raters those that they rate by."""
    guideline = guideline_of(membership.project, guideline_id)
    if membership.roles & frozenset(STAFF):
        return guideline
    rates_by_it = RoundRater.objects.filter(
        rater__project=membership.project_id,
        rater__user=membership.user_id,
        removed_at__isnull=True,
        round__guideline_version__guideline=guideline,
    )
    if not rates_by_it.exists():
        raise NotHere("There is no such guideline in this project.")
    return guideline


def guideline_version_of(project: Project, version_id: int) -> GuidelineVersion:
    version = (
        GuidelineVersion.objects.select_related("guideline")
        .filter(guideline__project=project, pk=version_id)
        .first()
    )
    if version is None:
        raise NotHere("There is no such guideline version in this project.")
    return version


def round_of(project: Project, round_id: int) -> Round:
    found = (
        Round.objects.select_related("guideline_version__guideline", "dataset", "qualification")
        .filter(project=project, pk=round_id)
        .first()
    )
    if found is None:
        raise NotHere("There is no such round in this project.")
    return found


def qualification_of(project: Project, round_id: int) -> Round:
    """A round that raters pass."""
    found = round_of(project, round_id)
    if found.kind != RoundKind.QUALIFICATION:
        raise NotHere("There is no such qualification in this project.")
    return found


def rater_of(project: Project, rater_id: int) -> Rater:
    found = Rater.objects.filter(project=project, pk=rater_id).first()
    if found is None:
        raise NotHere("There is no such rater in this project.")
    return found


def kept_slot_of(round_: Round, assignment_id: int) -> Assignment:
    """A slot of the round that is or was kept for somebody."""
    row = Assignment.objects.filter(round=round_, pk=assignment_id, gold__isnull=True).first()
    if row is None:
        raise NotHere("There is no such slot in this round.")
    return row


def round_item_of(project: Project, round_id: int, item_id: int) -> RoundItem:
    """An item's place in a round, with both; also one that is out of the round."""
    place = (
        RoundItem.objects.select_related(
            "round__guideline_version__guideline", "round__dataset", "item__content", "withdrawal"
        )
        .filter(round__project=project, round=round_id, item=item_id)
        .first()
    )
    if place is None:
        raise NotHere("There is no such item in this round.")
    return place


def round_rater_of(project: Project, round_id: int, rater_id: int) -> RoundRater:
    """A rater's place in a round, with both; also of one who was removed."""
    member = (
        RoundRater.objects.select_related(
            "rater", "round__guideline_version__guideline", "round__dataset"
        )
        .filter(round__project=project, round=round_id, rater=rater_id)
        .first()
    )
    if member is None:
        raise NotHere("There is no such rater in this round.")
    return member


def withdrawal_of(project: Project, round_id: int, withdrawal_id: int) -> Withdrawal:
    """What was taken out of a round, taken back or not."""
    made = (
        Withdrawal.objects.select_related("round", "item", "rater")
        .filter(round__project=project, round=round_id, pk=withdrawal_id)
        .first()
    )
    if made is None:
        raise NotHere("There is no such withdrawal in this round.")
    return made


def round_for_rater(rater: Rater, round_id: int) -> Round:
    """A round that this person rates in."""
    found = (
        Round.objects.select_related("guideline_version__guideline", "project", "qualification")
        .filter(
            project=rater.project_id,
            pk=round_id,
            round_raters__rater=rater,
            round_raters__removed_at__isnull=True,
        )
        .first()
    )
    if found is None:
        raise NotHere("There is no such round for you.")
    return found


def assignment_of(rater: Rater, assignment_id: int) -> Assignment:
    """The rater's own assignment; somebody else's is as good as none.

    An expired lease leaves no rater on the row: the caller then finds nothing here and
    the draft, which belongs to (round, item, rater), is still kept.
    """
    assignment: Assignment | None = _own_row.one(rater_id=rater.pk, assignment_id=assignment_id)
    if assignment is None:
        raise NotHere("There is no such assignment for you.")
    return assignment


def assignment_once_of(rater: Rater, assignment_id: int) -> Assignment:
    """An assignment that the rater holds, or held until its lease ran out.

    A draft, or an answer in another slot, on (round, item, rater) is what tells who held a slot
    that was emptied: without it anybody could pick items by guessing numbers.
    """
    assignment: Assignment | None = _once_own_row.one(
        project_id=rater.project_id, rater_id=rater.pk, assignment_id=assignment_id
    )
    if assignment is None:
        raise NotHere("There is no such assignment for you.")
    return assignment


def draft_of(project: Project, guideline_id: int) -> GuidelineVersion:
    """The version of a guideline that is being written."""
    draft = (
        GuidelineVersion.objects.select_related("guideline")
        .filter(guideline__project=project, guideline=guideline_id, state=VersionState.DRAFT)
        .first()
    )
    if draft is None:
        raise NotHere("Nothing is being written here; start a new draft first.")
    return draft


@Prepared
def _own_row(*, rater_id: int, assignment_id: int) -> QuerySet[Assignment]:
    rows = Assignment.objects.select_related("round", "item__content", "guideline_version")
    return rows.filter(pk=assignment_id, rater=rater_id)


@Prepared
def _once_own_row(*, project_id: int, rater_id: int, assignment_id: int) -> QuerySet[Assignment]:
    here = {"round": OuterRef("round"), "item": OuterRef("item"), "rater": rater_id}
    rows = Assignment.objects.select_related("round", "item", "guideline_version")
    return rows.filter(
        Q(rater=rater_id)
        | Exists(Draft.objects.filter(**here))
        | Exists(Assignment.objects.filter(**here)),
        pk=assignment_id,
        round__project=project_id,
    )
