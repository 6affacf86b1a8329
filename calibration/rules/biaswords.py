"""Stability and bias of a judge as lines of the table of figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Stored = Mapping[str, Any]


class BiasLine(NamedTuple):
    """A figure's name, what stands beside it, the section that explains it, its stored estimate."""

    name: str
    note: str
    section: str
    estimate: Stored
    is_share: bool = True


def bias_lines(numbers: Stored) -> Iterator[BiasLine]:
    """What a report's numbers hold of it; older ones lack some parts, those are passed over."""
    yield from _order(numbers.get("order"))
    yield from _repeats(numbers.get("repeats"))
    yield from _length(numbers.get("length"))
    yield from _own_family(numbers.get("self_preference"))
    yield from _missing(numbers.get("missingness"))


def points_lines(points: Stored | None) -> Iterator[BiasLine]:
    """Of a rating scale: how far the judge's points lie from people's."""
    if points is None:
        return
    note, limits = "19 of 20 items lie between", "limits-of-agreement"
    yield BiasLine("Within one point", "never a bar", "within-one-point", points["within_one"])
    low, high = points["limit_low"], points["limit_high"]
    yield BiasLine("Judge − people, lower limit", note, limits, low, is_share=False)
    yield BiasLine("Judge − people, upper limit", note, limits, high, is_share=False)
    same, section = points["icc"], "icc-of-judge-and-people"
    yield BiasLine("ICC(2,1), judge and people", "points", section, same, is_share=False)


def _order(order: Stored | None) -> Iterator[BiasLine]:
    if order is None:
        return
    same, again = "same-winner-in-both-orders", "the-same-order-again"
    yield BiasLine("Same winner in both orders", "pairs", same, order["consistent"])
    if order.get("position", {}).get("value") is not None:
        repeat = order["consistent_repeat"]
        yield BiasLine("Same winner in the same order again", "pairs of samples", again, repeat)
        yield BiasLine("What the change of places adds", "beyond chance", again, order["position"])
    first, no_lean = order["first_shown"], "0.5 without a lean"
    yield BiasLine("Names the response shown first", no_lean, "first-shown", first)
    if "flips" in order:
        lean = order["flips"]["share_first"]
        yield BiasLine("Flips that lean to the first", no_lean, "lean-of-the-flips", lean)


def _repeats(repeats: Stored | None) -> Iterator[BiasLine]:
    if repeats is not None:
        note, rate = f"asked up to {repeats['samples']} times", repeats["flip_rate"]
        yield BiasLine("Not the same verdict each time", note, "flip-rate", rate)


def _length(length: Stored | None) -> Iterator[BiasLine]:
    if length is None:
        return
    longer, section = length["longer"], "longer-one-preferred"
    yield BiasLine("Judge prefers the longer one", "of its preferences", section, longer["judge"])
    yield BiasLine("People prefer the longer one", "of theirs", section, longer["people"])
    yield BiasLine("Judge − people, longer one", "the same pairs", section, longer["difference"])
    own, note = length["judge_own_slope"], "0: goes by length as people do"
    yield BiasLine("Length slope of its own", note, "length-slope", own, is_share=False)


def _own_family(own: Stored | None) -> Iterator[BiasLine]:
    if own is not None:
        note = "recall of own wins − of others"
        yield BiasLine("Favours its own family", note, "own-family", own["difference"])


def _missing(missing: Stored | None) -> Iterator[BiasLine]:
    """By human label, where any verdict is missing at all."""
    if missing is None or not any(share["value"] for share in missing["without_verdict"].values()):
        return
    note = "of the items that people call so"
    for label, share in missing["without_verdict"].items():
        if share["n"]:
            yield BiasLine(f"No verdict on “{label}”", note, "missing-by-label", share)
