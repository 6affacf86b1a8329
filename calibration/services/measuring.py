"""One judge's run held against people on one dimension."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from annotation.models import Dataset, Dimension, SealedSet
from annotation.states import Part
from calibration.queries import tables
from judges.models import Run
from judges.queries import policies
from judges.rules.policy import Policy
from judges.services import trainedlabels
from judges.states import VersionKind
from measurement import alignment
from measurement.alignment import Alignment, Readiness
from measurement.gate import GateRule
from measurement.intervals import SEED
from measurement.scale import Scale
from measurement.slices import Slices, agreement_by_slice
from measurement.verdicts import JudgeTable

TRAINED = "trained_words"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a report keeps of one dimension."""

    alignment: Alignment
    people: tables.PeopleFigures
    slices: Slices
    labels_digest: str
    verdicts_digest: str
    policy: Policy

    def content(self) -> dict[str, Any]:
        """The `align` object; beside it what people reach among themselves, and slices."""
        return {
            **self.alignment.as_dict(),
            "people": self.people.as_dict(),
            "slices": self.slices.as_dict(),
            "small_slices": self.slices.too_small_as_dict(),
        }


def policy_of(dataset: Dataset) -> Policy:
    """The policy of a dataset: a sealed set keeps the one of its first look."""
    sealed_set = SealedSet.objects.filter(dataset=dataset).first()
    if sealed_set is None:
        return policies.current(dataset.project_id)
    return policies.of_set(sealed_set, project_id=dataset.project_id)


def _rule(policy: Policy, scale: Scale) -> GateRule:
    """The policy's rule for one dimension: of the labels that must be caught those it has."""
    known = set(scale.tested().labels)
    wanted = tuple(label for label in policy.gate.must_catch if label in known)
    return replace(policy.gate, must_catch=wanted)


def readiness(*, dataset: Dataset, dimension: Dimension, part: str) -> Readiness:
    """What would make a look insufficient, known without any verdict."""
    people = tables.people(
        dataset=dataset, version=dimension.version, dimension=dimension, part=part
    )
    return alignment.readiness(
        people.table,
        scale=people.scale,
        rule=_rule(policy_of(dataset), people.scale),
        adjudicated=people.adjudicated,
        unrated=people.unrated,
    )


def measure(
    *,
    run: Run,
    dataset: Dataset,
    dimension: Dimension,
    part: str = "",
    look: int = 1,
    one_shot: bool = False,
    is_dry_run: bool = False,
    items: Collection[str] | None = None,
) -> Measured:
    """Align one run on one dimension of one part of a dataset, or of these `items` of it."""
    people = tables.people(
        dataset=dataset, version=dimension.version, dimension=dimension, part=part, items=items
    )
    judge = tables.judge(run=run, dimension_key=dimension.key, scale=people.scale)
    policy = policy_of(dataset)
    rule = _rule(policy, people.scale)
    found = alignment.align(
        people.table,
        judge,
        scale=people.scale,
        rule=rule,
        look=look,
        one_shot=one_shot,
        seed=SEED,
        adjudicated=people.adjudicated,
        unrated=people.unrated,
        lengths=tables.lengths(dataset=dataset, part=part),
        own=tables.own_sides(
            dataset=dataset, model=str(run.version.spec.get("model", "")), part=part
        ),
        predictions=_trained(run, dataset, dimension, people.scale, part=part),
        is_dry_run=is_dry_run,
    )
    return Measured(
        found,
        people.figures(seed=SEED),
        _slices(
            people,
            judge,
            dataset,
            least_ratings=2 if is_dry_run else rule.least_ratings,
            target=rule.target,
        ),
        people.digest,
        tables.verdicts_digest(run=run, dimension_key=dimension.key),
        policy,
    )


def _slices(
    people: tables.People, judge: JudgeTable, dataset: Dataset, *, least_ratings: int, target: float
) -> Slices:
    """Agreement by each property of the items that tells two slices or more apart."""
    return agreement_by_slice(
        people.table.with_at_least(least_ratings),
        judge,
        scale=people.scale,
        least_ratings=least_ratings,
        properties=tables.slices(dataset=dataset),
        target=target,
        adjudicated=people.adjudicated,
    )


def _trained(
    run: Run, dataset: Dataset, dimension: Dimension, scale: Scale, *, part: str
) -> dict[str, dict[str, str]]:
    """The tested labels of the newest trained baseline on sealed items; nothing without one.

    It was trained on the development part, where it would look better than it is.
    """
    if part != Part.SEALED or run.version.kind == VersionKind.BASELINE:
        return {}
    trained = trainedlabels.newest(dimension.version)
    if trained is None:
        return {}
    tested, places = scale.tested().labels, scale.tested_codes()
    said = trainedlabels.labels(trained, tables.judgeable(dataset, part), dimension.key)
    codes = {item: scale.code(label) for item, label in said.items()}
    return {TRAINED: {item: tested[places[code]] for item, code in codes.items() if code >= 0}}
