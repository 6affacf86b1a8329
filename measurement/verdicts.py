"""The judge's labels: calls combined to one label an item, with what became of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from measurement.arrays import Ints, np
from measurement.scale import NOT_APPLICABLE, PREFERRED, TIE, Scale, label_text, side_of

OK = "ok"
MISSING = "missing"
SPLIT = "split"
# Why a call has no label; where two are equally common, the first is the item's outcome.
FAILURES = ("refused", "context", "truncated", "invalid", "failed")
NO_VERDICT = -2
ORDERS = ("AB", "BA")
_DEFAULT_SAMPLE = ""
_T = TypeVar("_T")


class Call(NamedTuple):
    """One answer of the judge on one item; the label is in the item's own labelling."""

    item: str
    label: object
    order: str = ""
    sample: object = _DEFAULT_SAMPLE
    outcome: str = OK


@dataclass(frozen=True, slots=True)
class JudgeTable:
    """One label or outcome an item, and the calls behind them.

    `labels` holds the items with a verdict, `outcomes` every item seen. `calls` are kept for the
    figures of stability, where there are orders or several samples. `repeats` counts calls left
    out because the same item, order and sample had answered before.
    """

    labels: Mapping[str, str]
    outcomes: Mapping[str, str]
    calls: tuple[Call, ...] = ()
    repeats: int = 0

    @classmethod
    def build(cls, rows: Iterable[Call], *, scale: Scale, calls: Iterable[Call] = ()) -> JudgeTable:
        """Combine calls: the two orders of a sample first, then the samples.

        A sample that lacks an order has no verdict; fewer than half of the samples give no
        label. Rows that are combined already (one an item, no order) stay as they are; `calls`
        then gives the calls behind them. Raises OutsideScale.
        """
        by_item, repeats = _first_calls(rows)
        every = [call for group in by_item.values() for call in group]
        orders = {call.order for call in every} & set(ORDERS)
        both = scale.is_pairwise and len(orders) == len(ORDERS)
        samples = len({label_text(call.sample) for call in every})
        labels: dict[str, str] = {}
        outcomes: dict[str, str] = {}
        for item, group in by_item.items():
            label, outcomes[item] = _combined(group, scale, both=both, samples=samples)
            if label:
                labels[item] = label
        behind = tuple(calls) or (tuple(every) if orders or samples > 1 else ())
        return cls(labels, outcomes, behind, repeats)

    def sample_labels(self, scale: Scale) -> dict[str, list[str]]:
        """By item the verdict of each sample, its orders combined; those without one left out.

        Empty where no calls are kept. Raises OutsideScale.
        """
        both = scale.is_pairwise and {call.order for call in self.calls} >= set(ORDERS)
        grouped: dict[tuple[str, str], list[Call]] = {}
        for call in self.calls:
            grouped.setdefault((call.item, label_text(call.sample)), []).append(call)
        found: dict[str, list[str]] = {}
        for (item, _), group in grouped.items():
            label = _sample_label(group, scale, both=both)
            if label:
                found.setdefault(item, []).append(label)
        return found

    def coded(self, items: Iterable[str], scale: Scale) -> Ints:
        """For each item its label's place on the scale, −1 "not applicable", −2 no verdict."""
        found = [
            scale.code(self.labels[item]) if item in self.labels else NO_VERDICT for item in items
        ]
        return np.array(found, dtype=np.int64)


def of_two_orders(one: str, other: str) -> str:
    """The label of one sample, from both orders in the item's own labelling.

    The same winner stands (graded: by the smaller margin); anything else is a flip, hence a tie.
    """
    if one == other:
        return one
    return min(one, other) if side_of(one) == side_of(other) in PREFERRED else TIE


def of_samples(labels: Sequence[str], scale: Scale) -> str:
    """The label of one or more samples; empty when they are split.

    Pairs: the winner by strict plurality, else a tie; graded ones by the lower median of the
    winner's margins. Labels with an order: the median, the lower point of an even number, unless
    most do not apply. Others: strict plurality.
    """
    if scale.is_pairwise:
        return _of_pairs(labels)
    if scale.level == "nominal" and scale.cut is None:
        return _plurality(labels)
    places = sorted(scale.code(label) for label in labels if label != NOT_APPLICABLE)
    if 2 * len(places) == len(labels):
        return ""
    return NOT_APPLICABLE if 2 * len(places) < len(labels) else scale.labels[_middle(places)]


def _of_pairs(labels: Sequence[str]) -> str:
    winner = _plurality([side_of(label) for label in labels])
    return _middle(sorted(x for x in labels if side_of(x) == winner)) if winner else TIE


def _plurality(labels: Sequence[str]) -> str:
    """The label with more votes than every other, else nothing."""
    ranked = Counter(labels).most_common(2)
    return "" if len(ranked) == 2 and ranked[0][1] == ranked[1][1] else ranked[0][0]


def _middle(ordered: Sequence[_T]) -> _T:
    return ordered[(len(ordered) - 1) // 2]


def _first_calls(rows: Iterable[Call]) -> tuple[dict[str, list[Call]], int]:
    by_item: dict[str, list[Call]] = {}
    seen: set[tuple[str, str, str]] = set()
    repeats = 0
    for row in rows:
        item = str(row.item)
        key = (item, row.order, label_text(row.sample))
        if key in seen:
            repeats += 1
            continue
        seen.add(key)
        by_item.setdefault(item, []).append(row._replace(item=item))
    return by_item, repeats


def _combined(calls: list[Call], scale: Scale, *, both: bool, samples: int) -> tuple[str, str]:
    """The item's label and outcome; the label is empty unless the outcome is ok."""
    by_sample: dict[str, list[Call]] = {}
    for call in calls:
        by_sample.setdefault(label_text(call.sample), []).append(call)
    found = [_sample_label(group, scale, both=both) for group in by_sample.values()]
    labels = [label for label in found if label]
    if not labels or 2 * len(labels) < samples:
        return "", _why_none(calls)
    label = of_samples(labels, scale)
    return (label, OK) if label else ("", SPLIT)


def _why_none(calls: list[Call]) -> str:
    """The commonest failure; of equally common ones the first of FAILURES, then by name."""
    failed = Counter(call.outcome for call in calls if call.outcome != OK)
    if not failed:
        return MISSING
    rank = {outcome: place for place, outcome in enumerate(FAILURES)}
    return min(failed, key=lambda name: (-failed[name], rank.get(name, len(rank)), name))


def _label_of(call: Call, scale: Scale) -> str:
    """The label as the scale writes it; empty without a verdict."""
    text = label_text(call.label)
    if call.outcome != OK or not text:
        return ""
    code = scale.code(text)
    return scale.labels[code] if code >= 0 else NOT_APPLICABLE


def _sample_label(calls: list[Call], scale: Scale, *, both: bool) -> str:
    if not both:
        return _label_of(calls[0], scale)
    by_order = {call.order: _label_of(call, scale) for call in calls}
    one, other = by_order.get("AB", ""), by_order.get("BA", "")
    if not one or not other:
        return ""
    return of_two_orders(one, other)
