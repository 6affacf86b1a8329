"""One judge's run held against people on one dimension."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from annotation.models import Dataset, Dimension, SealedSet
from calibration.queries import tables
from judges.models import Run
from judges.queries import policies
from judges.rules.policy import Policy
from measurement import alignment
from measurement.alignment import Alignment, Readiness
from measurement.estimate import Estimate
from measurement.gate import GateRule
from measurement.intervals import SEED
from measurement.scale import Scale
from measurement.slices import agreement_by_slice
from measurement.verdicts import JudgeTable


@dataclass(frozen=True, slots=True)
class Measured:
    """What a report keeps of one dimension."""

    alignment: Alignment
    people: tables.PeopleFigures
    slices: dict[str, dict[str, Estimate]]
    labels_digest: str
    verdicts_digest: str
    policy: Policy

    def content(self) -> dict[str, Any]:
        """The `align` object; beside it what people reach among themselves, and slices."""
        return {
            **self.alignment.as_dict(),
            "people": self.people.as_dict(),
            "slices": {
                field: {name: found.as_dict() for name, found in by_name.items()}
                for field, by_name in self.slices.items()
            },
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
        is_dry_run=is_dry_run,
    )
    return Measured(
        found,
        people.figures(seed=SEED),
        _slices(people, judge, dataset, least_ratings=2 if is_dry_run else rule.least_ratings),
        people.digest,
        tables.verdicts_digest(run=run, dimension_key=dimension.key),
        policy,
    )


def _slices(
    people: tables.People, judge: JudgeTable, dataset: Dataset, *, least_ratings: int
) -> dict[str, dict[str, Estimate]]:
    """Agreement by each property of the items that tells two slices or more apart."""
    table = people.table.with_at_least(least_ratings)
    found = {}
    for name, slices in tables.slices(dataset=dataset).items():
        by_name = agreement_by_slice(
            table,
            judge,
            scale=people.scale,
            least_ratings=least_ratings,
            slices=slices,
            adjudicated=people.adjudicated,
        )
        if len(by_name) > 1:
            found[name] = by_name
    return found
