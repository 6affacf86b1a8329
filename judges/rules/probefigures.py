"""The figures of a probe from what its runs brought: values in, estimates out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from judges.rules.probes import PROBES
from judges.states import ProbeKind
from measurement import probes
from measurement.baselines import Lengths
from measurement.estimate import Estimate
from measurement.intervals import SEED
from measurement.length import length_effect
from measurement.scale import Scale
from measurement.selfpreference import self_preference
from measurement.sheet import Sheet
from measurement.stability import clusters_by_key, orders_of, repeats_of
from measurement.verdicts import JudgeTable

NO_PEOPLE = "no item of the sample has labels of two people"
NO_LENGTHS = "lengths are compared on pairs"
NO_ORDERS = "no pair has verdicts in both orders"
NO_SAMPLES = "no item has two samples with a verdict"
ONLY_PAIRS = "this share is of pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One dimension of a probe's runs. Items go by their keys as texts.

    `plain` and `changed` are combined labels, `calls` the single calls of the first run, `keys`
    each item's cluster, `sides` the side of the sample, `sheet` people beside the plain labels
    (None where nobody labelled), `lengths` those of pairs.
    """

    scale: Scale
    plain: Mapping[str, str]
    changed: Mapping[str, str] = field(default_factory=dict)
    calls: JudgeTable
    keys: Mapping[str, str]
    sides: Mapping[str, str]
    sheet: Sheet | None = None
    lengths: Lengths | None = None


def figures(kind: ProbeKind, seen: Seen) -> dict[str, Estimate]:
    """Every figure of a probe on one dimension, in the order of its table."""
    found = _OF[kind](seen)
    return {spec.key: found[spec.key] for spec in PROBES[kind].figures}


def undefined(kind: ProbeKind, because: str) -> dict[str, Estimate]:
    """All figures of a probe that asks nobody, and why."""
    return {spec.key: Estimate.undefined(because) for spec in PROBES[kind].figures}


def stored(kind: ProbeKind, by_dimension: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    """The form in which a probe's row keeps it, beside the tolerances that hold today.

    `order` is that of the dimensions: a database need not keep the order of an object's keys.
    """
    return {
        "order": list(by_dimension),
        "dimensions": {
            key: {name: estimate.as_dict() for name, estimate in found.items()}
            for key, found in by_dimension.items()
        },
        "tolerances": {
            spec.key: None if spec.tolerance is None else list(spec.tolerance)
            for spec in PROBES[kind].figures
        },
    }


def _order(seen: Seen) -> dict[str, Estimate]:
    clusters = clusters_by_key(seen.keys)
    found = orders_of(seen.calls, seen.scale, clusters, seed=SEED)
    if found is None:
        return undefined(ProbeKind.ORDER, NO_ORDERS)
    return {
        "flips": probes.complement(found.consistent),
        "first_shown": probes.first_shown(seen.calls, seen.scale, clusters, seed=SEED),
        "lean": found.flips.share_first,
    }


def _shift(seen: Seen) -> dict[str, Estimate]:
    moved = probes.shift(
        seen.plain, seen.changed, seen.sides, seen.scale, clusters_by_key(seen.keys), seed=SEED
    )
    return {"effect": moved.effect, "toward": moved.toward, "away": moved.away}


def _length(seen: Seen) -> dict[str, Estimate]:
    observed = None
    if seen.sheet is not None:
        observed = length_effect(seen.sheet, seen.lengths, seed=SEED)
    because = NO_LENGTHS if not seen.scale.is_pairwise else NO_PEOPLE
    none = Estimate.undefined(because)
    return _shift(seen) | {
        "longer": none if observed is None else observed.difference,
        "own_slope": none if observed is None else observed.judge_own_slope,
    }


def _changed(seen: Seen) -> dict[str, Estimate]:
    clusters = clusters_by_key(seen.keys)
    return {"changed": probes.changed(seen.plain, seen.changed, seen.scale, clusters)}


def _repeat(seen: Seen) -> dict[str, Estimate]:
    found = repeats_of(seen.calls, seen.scale, clusters_by_key(seen.keys))
    if found is None:
        return undefined(ProbeKind.REPEAT, NO_SAMPLES)
    samples = seen.calls.sample_labels(seen.scale)
    return {
        "same": probes.complement(found.flip_rate),
        "alpha": probes.retest_alpha(samples, seen.keys, seen.scale, seed=SEED),
    }


def _own_family(seen: Seen) -> dict[str, Estimate]:
    if seen.sheet is None:
        return undefined(ProbeKind.SELF_PREFERENCE, NO_PEOPLE)
    if not seen.scale.is_pairwise:
        is_own = {item: side == "own" for item, side in seen.sides.items()}
        none = Estimate.undefined(ONLY_PAIRS)
        difference = probes.own_family_points(seen.sheet, is_own, seed=SEED)
        return {"difference": difference, "own": none, "other": none}
    found = self_preference(seen.sheet, seen.sides, seed=SEED)
    assert found is not None  # sides are given, and the labels are pairwise
    return {"difference": found.difference, "own": found.own, "other": found.other}


_OF: Mapping[ProbeKind, Callable[[Seen], dict[str, Estimate]]] = {
    ProbeKind.ORDER: _order,
    ProbeKind.LENGTH: _length,
    ProbeKind.FORMAT: _changed,
    ProbeKind.WORDING: _changed,
    ProbeKind.REPEAT: _repeat,
    ProbeKind.SELF_PREFERENCE: _own_family,
    ProbeKind.INJECTION: _shift,
}
