"""Which of an item's human labels is in force: a person's word goes before a computed label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from annotation.models import ReferenceLabel
from annotation.states import Method, ReferenceState

_WEIGHT = {Method.CORRECTED: 2, Method.ADJUDICATED: 1}


def in_force(rows: Iterable[ReferenceLabel]) -> dict[tuple[int, str], ReferenceLabel]:
    """By item and dimension the label in force, decided or not; `rows` of one guideline's major.

    Of each kind the newest counts. A label that was taken back, and the word that an item is still
    contested, leave it to what the ratings say.
    """
    newest: dict[tuple[int, str], dict[int, ReferenceLabel]] = defaultdict(dict)
    for row in rows:
        by_weight = newest[row.item_id, row.dimension_key]
        weight = _WEIGHT.get(Method(row.method), 0)
        if weight not in by_weight or by_weight[weight].version <= row.version:
            by_weight[weight] = row
    found = {}
    for subject, by_weight in newest.items():
        label = _weightiest(by_weight)
        if label is not None:
            found[subject] = label
    return found


def _weightiest(by_weight: Mapping[int, ReferenceLabel]) -> ReferenceLabel | None:
    for weight in sorted(by_weight, reverse=True):
        row = by_weight[weight]
        is_word_of_none = weight > 0 and row.state == ReferenceState.CONTESTED
        if row.state != ReferenceState.WITHDRAWN and not is_word_of_none:
            return row
    return None
