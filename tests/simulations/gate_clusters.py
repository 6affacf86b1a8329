"""The gate where items come in clusters and a judge's agreement is alike inside a cluster."""

from __future__ import annotations

from functools import partial

from tests.simulations import gate_looks, gate_oneshot
from tests.simulations.authors import Author, Climber
from tests.simulations.lines import Line, Subject
from tests.simulations.sealed import Sealed, preference, yes_no

EVEN = yes_no(0.5, right=0.9)
LIMIT = 0.06


def _set(items: int, size: int, icc: float) -> Sealed:
    return Sealed(EVEN, items, sizes=(size,), icc=icc)


def _words(sealed: Sealed) -> str:
    groups = int(sealed.clusters().max()) + 1
    sizes = "mixed sizes 1 – 10" if len(sealed.sizes) > 1 else f"{sealed.sizes[0]}"
    return f"{sealed.items} items in {groups} clusters of {sizes}, ICC {sealed.icc:g}"


def _one(sealed: Sealed, more: str = "") -> Line:
    run = partial(gate_oneshot.passed, sealed=sealed)
    return Line(f"one look, {_words(sealed)}{more}", run, most=LIMIT)


def _three(words: str, author: Author, sealed: Sealed) -> Line:
    run = partial(gate_looks.passed, sealed=sealed, author=author)
    return Line(f"three looks, {words}, {_words(sealed)}", run, most=LIMIT)


SIZES = {2: 300, 4: 400, 10: 1000}
"""Clusters below 100 are insufficient before any verdict, so ten an item need 1,000 items."""

SUBJECT = Subject(
    title="The gate, items in clusters",
    text=(
        "Items of one prompt, conversation or document share the chance that the judge agrees, so "
        "that its hits correlate inside a cluster (ICC). The judge is truly at 80 %. The bound "
        "counts the items for what they are worth; up to 6 % is allowed here, because that worth "
        "is estimated from the same data."
    ),
    counted="trials in which the judge passes",
    lines=(
        *(_one(_set(SIZES[size], size, icc)) for size in SIZES for icc in (0.1, 0.2, 0.3)),
        _one(_set(200, 2, 0.3)),
        _one(_set(500, 4, 0.3)),
        _one(Sealed(EVEN, 500, sizes=(1, 2, 4, 10, 1, 6), icc=0.2)),
        _one(Sealed(preference(), 500, sizes=(3,), icc=0.2), ", A or B with ties"),
        *(_three("independent judges", Author(), _set(SIZES[size], size, 0.2)) for size in SIZES),
        _three("20 % of the best anew", Climber(changed=0.2), _set(400, 4, 0.2)),
    ),
)
