"""The latent truth of a simulated item: drawn from a digest of its texts, and from nothing else.

The prompt does not hold it and no text shows it. The simulator's judges and the demo's simulated
raters compute the same truth here, and each errs in its own way. Of a response counts what it
says: white space around it, markup, and the filler or the instruction that the bias laboratory puts
behind it make it no better and no worse.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from judges.rules.copies import core

SCORE_SHARES = (0.08, 0.14, 0.20, 0.33, 0.25)
"""Shares of the latent scores 1 to 5: 58 % lie at 4 or above."""


def unit(*parts: str) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    digest = hashlib.sha256(b"\x1f".join(_bytes(part) for part in parts)).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def latent_quality(input: str, response: str, dimension: str = "overall") -> float:  # noqa: A002
    """How good a response is on one dimension, in [0, 1), uniformly spread over items."""
    return unit("plumbline truth", dimension, input.strip(), core(response))


def latent_preference(
    input: str,  # noqa: A002
    response_x: str,
    response_y: str,
) -> Literal["x", "y"]:
    """Which response is better; swapping the responses swaps the answer.

    Raises ValueError for two equal responses, between which there is no truth.
    """
    if core(response_x) == core(response_y):
        raise ValueError("two equal responses have no latent preference")
    x, y = latent_quality(input, response_x), latent_quality(input, response_y)
    return "x" if x > y else "y"


def latent_score(input: str, response: str, dimension: str) -> int:  # noqa: A002
    """The latent score, 1 to 5, with the shares of ``SCORE_SHARES``."""
    return point_at(latent_quality(input, response, dimension), 5) + 1


def point_at(quality: float, points: int) -> int:
    """The place (from 0) of a quality on a scale of so many points; five have their own shares."""
    if points != len(SCORE_SHARES):
        return min(points - 1, int(quality * points))
    reached = 0.0
    for place, share in enumerate(SCORE_SHARES):
        reached += share
        if quality < reached:
            return place
    return points - 1


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
