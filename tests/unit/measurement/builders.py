"""Small tables for measurement: the smallest valid thing, no randomness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from measurement.alignment import Alignment, align
from measurement.estimate import Estimate
from measurement.gate import Evidence, Facts, Recall
from measurement.scale import Scale
from measurement.table import RatingTable
from measurement.verdicts import Call, JudgeTable


def table_of(
    votes: Mapping[str, str | Sequence[str]], *, clusters: Mapping[str, str] | None = None
) -> RatingTable:
    """A table from item to its labels in the order of the raters; "." is a missing one."""
    return RatingTable.build(
        (item, f"rater{place}", label, (clusters or {}).get(item))
        for item, labels in votes.items()
        for place, label in enumerate(labels)
        if label != "."
    )


def judge_of(labels: Mapping[str, str], *, scale: Scale) -> JudgeTable:
    """A judge's labels; "!refused" and the like are outcomes."""
    calls = [
        Call(item, "", outcome=label[1:]) if label.startswith("!") else Call(item, label)
        for item, label in labels.items()
    ]
    return JudgeTable.build(calls, scale=scale)


def aligned(
    votes: Mapping[str, str | Sequence[str]],
    verdicts: Mapping[str, str],
    *,
    scale: Scale | None = None,
    **options: object,
) -> Alignment:
    """A judge held against people on a pairwise dimension unless a scale is given."""
    scale = scale or Scale.pairwise()
    judge = judge_of(verdicts, scale=scale)
    return align(table_of(votes), judge, scale=scale, **options)  # type: ignore[arg-type]


def shows(found: Estimate | None, hits: float, n: int) -> bool:
    """The estimate is the share of hits among n."""
    return found is not None and found.n == n and found.value == pytest.approx(hits / n)


def facts_of(**changes: object) -> Facts:
    """Facts with enough of everything."""
    enough = {
        "decided": 500,
        "clusters": 400,
        "contested": 10,
        "asked": 510,
        "per_label": {"A": 250, "B": 250},
        "is_two_label": True,
    }
    return Facts(**{**enough, **changes})  # type: ignore[arg-type]


def evidence_of(**changes: object) -> Evidence:
    """Evidence of a good judge."""
    good = {
        "lower_bound": 0.85,
        "recalls": (Recall("A", 250, 0.9, 0.85), Recall("B", 250, 0.88, 0.83)),
        "labels": 2,
        "alpha": 0.7,
        "alpha_lower_bound": 0.6,
        "without_verdict": 0.01,
    }
    return Evidence(**{**good, **changes})  # type: ignore[arg-type]
