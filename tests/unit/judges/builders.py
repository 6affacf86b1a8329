"""Small judge versions and items for the tests of the judges' rules."""

from __future__ import annotations

import dataclasses
from typing import Any

from judges.rules.spec import DimensionSpec, ItemKind, ItemView, VersionSpec
from judges.rules.templates import default_templates

KEY = b"a key of the tests"
PREFERENCE = DimensionSpec("preference", "Which response is better?", "pairwise")
FIVE = tuple((str(point), f"anchor {point}") for point in range(1, 6))
ACCURACY = DimensionSpec("accuracy", "Is it right?", "scale", FIVE, cut="4")


def make_version(item_kind: ItemKind = "pair", **changes: Any) -> VersionSpec:
    """A version without problems, for items of one kind."""
    system, user = default_templates(is_pairwise=item_kind == "pair")
    version = VersionSpec(
        kind="prompt",
        provider="anthropic",
        base_url="http://127.0.0.1:1",
        model="sim-plumb-1",
        max_tokens=1024,
        system_template=system,
        user_template=user,
        dimensions=(PREFERENCE,) if item_kind == "pair" else (ACCURACY,),
        guideline_text="Judge what is written.",
        guideline_version="1.0",
    )
    return dataclasses.replace(version, **changes)


def make_pair(**changes: Any) -> ItemView:
    """A pair whose two responses differ."""
    item = ItemView(
        "i1", "pair", input="How many legs has a fly?", response_a="Six.", response_b="Eight."
    )
    return dataclasses.replace(item, **changes)


def make_single(**changes: Any) -> ItemView:
    """A single response."""
    item = ItemView("i2", "single", input="How many legs has a fly?", response="Six.")
    return dataclasses.replace(item, **changes)
