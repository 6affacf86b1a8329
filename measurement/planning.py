"""How many items it takes, and what a number of items can show.

Everything is about independent items; items that share a cluster are worth less. Power is the
chance to see what is there, levels are errors allowed. What no number of items can show raises
NoNumber, what contradicts itself TableError, both with the sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from measurement.arrays import Bools, Floats, Ints, np
from measurement.scale import TableError

MOST_ITEMS = 500_000
POWER = 0.8
_NEAR = 4
_NOISE = 1e-12
_COUNTABLE = 1e12
_AT_ONCE = 4096
_BEYOND = f"More than {MOST_ITEMS:,} items: nobody will rate that many."


class NoNumber(TableError):
    """No number of items does it; the text says why."""


def quantile(share: float) -> float:
    """The quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(share))


def chance_of_at_least(hits: Ints | int, n: Ints | int, share: float) -> Floats:
    """The chance of this many hits or more among n independent items."""
    from scipy.special import bdtrc

    chance: Floats = np.where(np.asarray(hits) > 0, bdtrc(np.asarray(hits) - 1.0, n, share), 1.0)
    return chance


def needed_hits(n: Ints, *, target: float, level: float) -> Ints:
    """The fewest hits of each n whose one-sided exact lower bound is above the target.

    n + 1 where not even n hits are enough.
    """
    spread = np.sqrt(n * target * (1 - target))
    guess = np.floor(n * target + quantile(1 - level) * spread).astype(np.int64)
    low, high = np.maximum(guess - _NEAR, 0), np.minimum(guess + _NEAR, n + 1)
    while (wrong := _is_rare(low - 1, n, target, level)).any():
        low = np.where(wrong, np.maximum(low - _NEAR, 0), low)
    while (wrong := ~_is_rare(high, n, target, level)).any():
        high = np.where(wrong, np.minimum(high + _NEAR, n + 1), high)
    while (low < high).any():
        middle = (low + high) // 2
        rare = _is_rare(middle, n, target, level)
        low, high = np.where(rare, low, middle + 1), np.where(rare, middle, high)
    return np.asarray(high)


def _is_rare(hits: Ints, n: Ints, share: float, level: float) -> Bools:
    """Whether this many hits or more have less than the level's chance."""
    return np.asarray((hits > n) | (chance_of_at_least(hits, n, share) < level))


def gate_power(n: Ints, *, true: float, target: float, level: float, spare: int = 0) -> Floats:
    """The chance that the lower bound of a judge that truly agrees this often clears the target,
    with so many hits to spare."""
    needed = needed_hits(n, target=target, level=level) + spare
    return np.where(needed <= n, chance_of_at_least(needed, n, true), 0.0)


def gate_items(
    *, true: float, target: float, level: float, power: float = POWER, spare: int = 0
) -> int:
    """The items from which on the gate passes such a judge with at least this power.

    Exact, and safe against the sawtooth: every larger number has the power too. Raises
    NoNumber where the judge is not above the target or the number is beyond MOST_ITEMS.
    """
    if true <= target:
        raise NoNumber(
            f"A judge that truly agrees on {true:g} cannot be shown to be above {target:g}, "
            "whatever the number of items."
        )
    reach = quantile(1 - level) * math.sqrt(target * (1 - target))
    reach += max(0.0, quantile(power)) * math.sqrt(true * (1 - true))
    farthest = 1.5 * (reach / (true - target)) ** 2 + 200
    if farthest > 1.5 * MOST_ITEMS:
        raise NoNumber(_BEYOND)
    # From the far end down: of the last number that is too few, those below it tell nothing.
    for end in range(int(farthest), 0, -_AT_ONCE):
        n = np.arange(max(1, end - _AT_ONCE + 1), end + 1, dtype=np.int64)
        weak = gate_power(n, true=true, target=target, level=level, spare=spare) < power
        if weak.any():
            return int(n[weak][-1]) + 1
    return 1


def gate_table(
    sizes: Sequence[int], *, true: float, target: float, level: float, spare: int = 0
) -> list[dict[str, Any]]:
    """For each number of items the hits needed (None: not even all) and the power."""
    n = np.array(sizes, dtype=np.int64)
    needed = (needed_hits(n, target=target, level=level) + spare).tolist()
    power = gate_power(n, true=true, target=target, level=level, spare=spare).tolist()
    return [
        {"items": size, "needed": hits if hits <= size else None, "power": chance}
        for size, hits, chance in zip(sizes, needed, power, strict=True)
    ]


def unpaired_items(
    baseline: float, change: float, *, power: float = POWER, level: float = 0.05
) -> float:
    """Items for each version to see a share change, different items for both; round up.

    Two-sided test with the pooled variance under "no change", the unpooled one under the change.
    """
    other = baseline + change
    _check_change(baseline, change)
    pooled = (baseline + other) / 2
    spread = quantile(1 - level / 2) * math.sqrt(2 * pooled * (1 - pooled))
    spread += quantile(power) * math.sqrt(baseline * (1 - baseline) + other * (1 - other))
    return (spread / change) ** 2


def paired_items(
    change: float,
    *,
    discordance: float,
    baseline: float | None = None,
    power: float = POWER,
    level: float = 0.05,
) -> float:
    """Items to see a share change when both versions answer the same ones; round up.

    `discordance` is the share of items on which they differ (McNemar's test). Raises TableError
    for a discordance that the change, or the share that the baseline gets right, does not allow.
    """
    if change == 0:
        raise NoNumber("A change of 0 cannot be seen, whatever the number of items.")
    if not abs(change) <= discordance <= 1:
        raise TableError(
            f"A change of {change:g} needs versions that differ on at least {abs(change):g} of "
            f"the items and at most all of them, not on {discordance:g}."
        )
    if baseline is not None:
        _check_change(baseline, change)
        most = min(2 * baseline + change, 2 * (1 - baseline) - change)
        if discordance > most + _NOISE:
            raise TableError(
                f"From a share of {baseline:g}, a change of {change:g} lets versions differ on "
                f"at most {most:g} of the items, not on {discordance:g}."
            )
    spread = quantile(1 - level / 2) * math.sqrt(discordance)
    spread += quantile(power) * math.sqrt(max(0.0, discordance - change**2))
    return (spread / change) ** 2


def rating_items(
    change: float, *, spread: float, power: float = POWER, level: float = 0.05
) -> float:
    """Items to see a mean change on the same items; `spread` is the SD of the difference."""
    if change == 0:
        raise NoNumber("A change of 0 cannot be seen, whatever the number of items.")
    return ((quantile(1 - level / 2) + quantile(power)) * spread / change) ** 2


def smallest_change(n: float, *, spread: float, power: float = POWER, level: float = 0.05) -> float:
    """The smallest mean change that n shared items can show; `spread` as in `rating_items`.

    For right and wrong the spread is √discordance.
    """
    return (quantile(1 - level / 2) + quantile(power)) * spread / math.sqrt(n)


def interval_items(share: float, *, half_width: float, level: float = 0.95) -> float:
    """Items for a normal interval of one share with this half-width; round up."""
    return (quantile(0.5 + level / 2) / half_width) ** 2 * share * (1 - share)


def whole(items: float) -> int:
    """Rounded up. Raises NoNumber beyond what anybody counts."""
    if not items <= _COUNTABLE:
        raise NoNumber(f"More than {_COUNTABLE:,.0f} items: nobody has that many.")
    return math.ceil(items)


def _check_change(baseline: float, change: float) -> None:
    if change == 0:
        raise NoNumber("A change of 0 cannot be seen, whatever the number of items.")
    if not 0 <= baseline + change <= 1:
        raise TableError(
            f"A share of {baseline:g} cannot change by {change:g}: shares lie between 0 and 1."
        )
