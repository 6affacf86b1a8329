"""One judge's run held against people on one dimension."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.models import Dataset, Dimension
from calibration.queries import tables
from judges.models import Run
from measurement import alignment
from measurement.alignment import Alignment, Readiness
from measurement.gate import GateRule

SEED = 20_261_123
"""Resampling starts here everywhere, so that the same data give the same interval."""


@dataclass(frozen=True, slots=True)
class Measured:
    alignment: Alignment
    labels_digest: str
    verdicts_digest: str


def rule_of(project_id: int) -> GateRule:
    """The project's policy: the defaults of statistics.md 11 until the policy editor exists."""
    return GateRule()


def readiness(*, dataset: Dataset, dimension: Dimension, part: str) -> Readiness:
    """What would make a look insufficient, known without any verdict."""
    people = tables.people(
        dataset=dataset, version=dimension.version, dimension=dimension, part=part
    )
    return alignment.readiness(
        people.table,
        scale=people.scale,
        rule=rule_of(dataset.project_id),
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
) -> Measured:
    """Align one run on one dimension of one part of a dataset."""
    people = tables.people(
        dataset=dataset, version=dimension.version, dimension=dimension, part=part
    )
    judge = tables.judge(run=run, dimension_key=dimension.key, scale=people.scale)
    found = alignment.align(
        people.table,
        judge,
        scale=people.scale,
        rule=rule_of(dataset.project_id),
        look=look,
        one_shot=one_shot,
        seed=SEED,
        unrated=people.unrated,
        lengths=tables.lengths(dataset=dataset, part=part),
        is_dry_run=is_dry_run,
    )
    return Measured(
        found,
        people.digest,
        tables.verdicts_digest(run=run, dimension_key=dimension.key),
    )
