"""Versions of a judge side by side: their figures, and the paired difference to one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from annotation.states import GuidelineForm
from calibration.queries import reports
from judges import queries
from judges.models import Judge, JudgeVersion, Run
from judges.queries import VersionLine, people
from judges.rules import fingerprint, spec
from measurement.comparison import PairedScores, compare
from measurement.estimate import Estimate
from measurement.intervals import SEED
from measurement.probes import complement
from measurement.scale import TIE

MOST_VERSIONS = 12
NO_REPORT = "the report of its run is not made yet"
NO_ORDERS = "it was not asked in both orders"
NO_COMMON = "no item was judged by both and labelled by people"

Scores = dict[str, float]
"""1 for an item on which the judge says what people say, 0 for any other, by the item's id."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version on the development part: how far it agrees, and how that differs from the first.

    `difference` is None for the first itself; `levers` are what was changed from it.
    """

    version: JudgeVersion
    run: Run
    agreement: Estimate
    difference: Estimate | None
    levers: Sequence[str]
    flips: Estimate
    cost_per_thousand: Decimal | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class _Held:
    """A version's run held against people on one dimension."""

    line: VersionLine
    run: Run
    scores: Scores
    clusters: dict[str, str]


def side_by_side(
    judge: Judge, *, dimension: str, first_id: int | None, user_id: int
) -> list[VersionRow]:
    """The versions of a judge with a finished run, newest first; at most twelve.

    The first is the named one, else the oldest. Differences are on the items that both judged: a
    judge that gave no label missed the item.
    """
    lines = [line for line in queries.lines_of(judge) if line.run is not None]
    chosen = _with_first(lines, first_id)
    if not chosen:
        return []
    is_pairwise = judge.guideline.form == GuidelineForm.PAIRWISE
    held = [_held(line, dimension, user_id, is_pairwise=is_pairwise) for line in chosen]
    first = next((one for one in held if one.line.version.pk == first_id), held[-1])
    return [_row(one, first, dimension) for one in held]


def _with_first(lines: Sequence[VersionLine], first_id: int | None) -> list[VersionLine]:
    """The newest versions, the named one among them."""
    chosen = list(lines[:MOST_VERSIONS])
    named = next((line for line in lines[MOST_VERSIONS:] if line.version.pk == first_id), None)
    return [*chosen[:-1], named] if named is not None else chosen


def _held(line: VersionLine, dimension: str, user_id: int, *, is_pairwise: bool) -> _Held:
    run = people.newest_compared_run(line.version)
    assert run is not None  # the line has one
    # What people call a tie is outside of the agreement, so it is outside of the difference.
    left_out = {TIE} if is_pairwise else set()
    cases = [
        case
        for case in people.compared(run, user_id=user_id, dimension=dimension, with_failed=True)
        if case.people not in left_out
    ]
    scores = {str(case.item_id): float(not case.is_miss) for case in cases}
    return _Held(line, run, scores, {str(case.item_id): case.cluster for case in cases})


def _row(one: _Held, first: _Held, dimension: str) -> VersionRow:
    line = one.line
    numbers = _reported(one.run, dimension)
    return VersionRow(
        version=line.version,
        run=one.run,
        agreement=_agreement(numbers),
        difference=None if one is first else _difference(first, one),
        levers=_levers(first.line.version, line.version),
        flips=_flips(numbers),
        cost_per_thousand=line.cost_per_thousand,
        p95_ms=line.p95_ms,
    )


def _reported(run: Run, dimension: str) -> Mapping[str, Any] | None:
    """The figures of the run's report, as its page shows them."""
    report = reports.newest_report(run)
    return report.content["dimensions"].get(dimension) if report is not None else None


def _agreement(numbers: Mapping[str, Any] | None) -> Estimate:
    if numbers is None:
        return Estimate.undefined(NO_REPORT)
    return Estimate.from_dict(numbers["agreement"])


def _flips(numbers: Mapping[str, Any] | None) -> Estimate:
    if numbers is None:
        return Estimate.undefined(NO_REPORT)
    if numbers["order"] is None:
        return Estimate.undefined(NO_ORDERS)
    return complement(Estimate.from_dict(numbers["order"]["consistent"]))


def _difference(first: _Held, other: _Held) -> Estimate:
    """Other − first, item by item."""
    if not first.scores.keys() & other.scores.keys():
        return Estimate.undefined(NO_COMMON)
    paired = PairedScores.of(first.scores, other.scores, first.clusters | other.clusters)
    return compare(paired, seed=SEED).difference


def _levers(first: JudgeVersion, other: JudgeVersion) -> list[str]:
    before, after = (spec.from_json(version.spec) for version in (first, other))
    return [found.name for found in fingerprint.differences(before, after)]
