"""A plan's answer as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

RATINGS = "mean ratings on the same items"
PAIRED = "shares on the same items"
UNPAIRED = "shares on different items"


def plan_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The number of items first, then what it rests on."""
    if found["items"] is None:
        yield found["undefined_because"]
    else:
        yield from {"gate": _gate, "difference": _difference, "interval": _interval}[found["plan"]](
            found
        )
    if found["plan"] == "gate":
        yield from _table(found)


def _gate(found: Mapping[str, Any]) -> Iterator[str]:
    items, least = found["items"], found["least_items"]
    yield (
        f"{items:,} items: from there on a judge that truly agrees on {found['true']:.4g} is shown "
        f"to be above {found['target']:.4g} in at least {found['power']:.4g} of tries (one-sided "
        f"level {found['level']:g}, exact)."
    )
    yield f"With {items:,} items it needs to agree on {found['needed']:,}."
    if items < least:
        yield f"Below {least:,} decided items the gate answers insufficient: plan {least:,}."
    yield "Contested items come on top, and items that share a cluster count for less."


def _table(found: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "  items  needed  observed  power"
    for row in found["table"]:
        items, needed = row["items"], row["needed"]
        if needed is None:
            yield f"  {items:>5,}    none         –      0"
            continue
        yield f"  {items:>5,}  {needed:>6,}  {needed / items:>8.3f}  {row['power']:>5.3f}"


def _difference(found: Mapping[str, Any]) -> Iterator[str]:
    each = " for each version" if found["design"] == UNPAIRED else ""
    from_share = "" if found["baseline"] is None else f" from {found['baseline']:g}"
    differing = {
        RATINGS: f", SD of the difference {found['sd']}",
        PAIRED: f", versions that differ on {found['discordance']} of them",
        UNPAIRED: "",
    }[found["design"]]
    yield (
        f"{found['items']:,} items{each} to see a change of {found['change']:+g}{from_share} "
        f"({found['design']}{differing}; power {found['power']:g}, two-sided level 0.05)."
    )
    if found["design"] == UNPAIRED:
        yield "The same items for both versions need fewer: see --paired --discordance."
    yield "Items that share a cluster count for less."


def _interval(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{found['items']:,} items for a 95 % interval of ± {found['half_width']:g} around a share "
        f"of {found['share']:g}. This is the precision of one share, not the difference of two."
    )
