"""Fresh items for the drift alarm of what stands: drawn, rated by people, judged by its version."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Rater, User
from annotation.models import Dataset, GuidelineVersion, Item, Round, RoundItem
from annotation.models.content import new_salt
from annotation.queries.sealed import touching_sealed
from annotation.rules.display import shuffle_key
from annotation.services import laying, rounds
from annotation.states import GuidelineForm, RoundKind
from calibration.models import SessionItem
from calibration.queries import driftrounds as queries
from core.errors import Conflict, Invalid, NotReady
from core.words import number_of
from judges.models import Run, Standing
from judges.queries import endings
from judges.queries.items import judged_kinds
from judges.services import runs

MOST_ITEMS = 500
WINDOW = 10_000
"""Fresh items are looked for among so many of a dataset's newest, however large it is."""
MOST_DATASETS = 20


def create(
    *,
    standing: Standing,
    dataset: Dataset,
    name: str,
    count: int,
    overlap: int,
    raters: Collection[Rater],
    by: User,
    now: datetime,
) -> Round:
    """A round in draft over `count` fresh items of as many prompts, drawn at random.

    It goes by the guideline version in force. Raises `Conflict` when the approval has ended,
    `NotReady` when its guideline is no longer in force, `Invalid` for fewer raters an item than
    the approval's own rule, for raters who wrote a judge that it watches, and when too few items
    are fresh. The standing must be loaded with its judge, decision and version's guideline.
    """
    over = endings.why_over(standing, now=now)
    if over:
        raise Conflict("approval_expired", f"There is nothing to watch. {over}")
    version = _version(standing)
    _demand_overlap(standing, overlap)
    _demand_no_author(version, raters)
    return rounds.create(
        project=standing.judge.project,
        dataset=dataset,
        version=version,
        name=name,
        raters=raters,
        by=by,
        overlap=overlap,
        kind=RoundKind.DRIFT,
        is_simulated=dataset.is_simulated,
        only=_drawn(standing, dataset, count),
    )


def fresh_items(standing: Standing, dataset: Dataset) -> QuerySet[Item]:
    """What a drift round may take: came after the version was saved, so that nobody tuned it on
    them; in no round and no session, touching nothing sealed, of a kind that the version judges."""
    newest = Item.objects.filter(dataset=dataset).order_by("-pk").values("pk")[:WINDOW]
    form = standing.version.guideline_version.guideline.form
    items = laying.servable_items(dataset=dataset).filter(
        ~Exists(RoundItem.objects.filter(item=OuterRef("pk"))),
        ~Exists(SessionItem.objects.filter(item=OuterRef("pk"))),
        pk__in=newest,
        created_at__gt=standing.version.created_at,
        kind__in=judged_kinds(is_pairwise=form == GuidelineForm.PAIRWISE),
    )
    sealed = touching_sealed(items, dataset.project_id)
    return items.exclude(pk__in=sealed.values("pk"))


def fresh_prompts(standing: Standing, dataset: Dataset) -> int:
    """How many items a drift round could take: one of a prompt."""
    return fresh_items(standing, dataset).values("cluster_key").distinct().count()


def datasets_with_fresh(standing: Standing) -> list[Dataset]:
    """Those of the project's newest datasets that hold a fresh item; what came over the API, which
    is what the judge is used on, comes first."""
    found = Dataset.objects.filter(project=standing.judge.project_id).order_by("-kind", "-pk")
    return [one for one in found[:MOST_DATASETS] if fresh_items(standing, one).exists()]


def start_run(
    *, standing: Standing, round_: Round, budget: Decimal | None, by: User, now: datetime
) -> Run:
    """Have the approved version judge what it has not judged of the round.

    Raises `Conflict` when nothing waits for a verdict, or somebody else has it judged already.
    """
    items = list(queries.unjudged(standing, round_))
    if not items:
        raise Conflict("nothing_to_judge", "Every item of this round is judged, or being judged.")
    draft = runs.draft_run(
        version=standing.version, items=items, budget=budget, actor=by.actor, now=now
    )
    with transaction.atomic(durable=True):
        # Two people who start it at once stand in line here, and the second finds nothing left.
        Round.objects.select_for_update(no_key=True).get(pk=round_.pk)
        left = set(queries.unjudged(standing, round_).values_list("pk", flat=True))
        if left != {item.pk for item in items}:
            raise Conflict("judged_meanwhile", "Somebody has these items judged just now.")
        return runs.write_run(draft, now=now)


def _version(standing: Standing) -> GuidelineVersion:
    version = queries.version_in_force(standing)
    if version is None:
        raise NotReady(
            "guideline_not_in_force",
            "No version of the judge's guideline with the same meaning is in force, so no label "
            "would compare.",
        )
    return version


def _demand_overlap(standing: Standing, overlap: int) -> None:
    least = queries.least_overlap(standing)
    if overlap < least:
        sentence = (
            f"The judge was approved by {least} raters an item; with {overlap} no label would be "
            "held against it."
        )
        raise Invalid("overlap", sentence, {"overlap": [sentence]})


def _demand_no_author(version: GuidelineVersion, raters: Collection[Rater]) -> None:
    wrote = queries.authors_watched(version)
    names = ", ".join(rater.name for rater in raters if rater.user_id in wrote)
    if names:
        sentence = (
            f"{names} wrote what this round watches, and nobody watches over their own work: "
            "choose other raters."
        )
        raise Invalid("author_rates", sentence, {"raters": [sentence]})


def _drawn(standing: Standing, dataset: Dataset, count: int) -> list[int]:
    """One item of a prompt, so that each label tells something of its own."""
    if not 1 <= count <= MOST_ITEMS:
        sentence = f"A drift round takes 1 to {MOST_ITEMS} items."
        raise Invalid("count", sentence, {"count": [sentence]})
    salt = new_salt()
    found = fresh_items(standing, dataset).values_list("pk", "cluster_key")
    by_prompt: dict[str, int] = {}
    for pk, prompt in sorted(found, key=lambda row: shuffle_key(salt, item=row[0])):
        by_prompt.setdefault(prompt, pk)
    drawn = list(by_prompt.values())[:count]
    if len(drawn) < count:
        sentence = (
            f"{dataset.name} has only {number_of(len(drawn), 'fresh prompt')}: come after the "
            "version was saved, in no round yet, beside nothing sealed. Take fewer, or import what "
            "is in use now."
        )
        raise Invalid("too_few_fresh", sentence, {"count": [sentence]})
    return drawn
