"""Published and cross-checked numbers of items; sources in statistics.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from measurement import planning

VALUES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "statistics.json").read_text(encoding="utf-8")
)
POWER = VALUES["gate_power"]
PLANNING = VALUES["planning"]


def test_hits_needed_and_power_of_the_gate() -> None:
    table = np.array(POWER["rows"])
    n = table[:, 0].astype(np.int64)
    needed = planning.needed_hits(n, target=0.8, level=0.05)
    assert needed.tolist() == table[:, 1].tolist()
    for column, true in enumerate(POWER["true"], start=2):
        power = planning.gate_power(n, true=true, target=0.8, level=0.05)
        assert power == pytest.approx(table[:, column], abs=6e-4)


def test_an_observed_share_above_the_target_says_little() -> None:
    table = np.array(POWER["rows"])
    n = table[:, 0].astype(np.int64)
    for column, true in ((6, 0.78), (7, 0.79)):
        passing = planning.chance_of_at_least(n * 4 // 5 + 1, n, true)
        assert passing == pytest.approx(table[:, column], abs=6e-3)


@pytest.mark.parametrize(("true", "items"), POWER["items"])
def test_items_until_the_gate_can_decide(true: float, items: int) -> None:
    assert planning.gate_items(true=true, target=0.8, level=0.05) == items


@pytest.mark.parametrize("row", PLANNING["unpaired"], ids=lambda row: f"{row['baseline']}")
def test_items_for_a_difference_on_different_items(row: dict[str, Any]) -> None:
    found = planning.unpaired_items(row["baseline"], row["change"])
    assert found == pytest.approx(row["exact"], rel=1e-8)
    assert planning.whole(found) == row["items"]


@pytest.mark.parametrize(("discordance", "items"), PLANNING["paired"])
def test_items_for_a_difference_on_the_same_items(discordance: float, items: int) -> None:
    found = planning.paired_items(0.02, discordance=discordance)
    assert planning.whole(found) == items


@pytest.mark.parametrize(("spread", "items"), PLANNING["ratings"])
def test_items_for_a_difference_of_ratings(spread: float, items: int) -> None:
    assert planning.whole(planning.rating_items(0.08, spread=spread)) == items


@pytest.mark.parametrize(("share", "items"), PLANNING["interval"])
def test_items_for_a_margin_of_one_share(share: float, items: int) -> None:
    assert planning.whole(planning.interval_items(share, half_width=0.02)) == items


@pytest.mark.parametrize(("discordance", "smallest"), PLANNING["smallest"])
def test_the_smallest_change_that_500_pairs_show(discordance: float, smallest: float) -> None:
    found = planning.smallest_change(500, spread=discordance**0.5)
    assert found == pytest.approx(smallest, abs=5e-4)


def test_2500_pairs_that_differ_on_a_fifth_have_a_power_of_61_percent() -> None:
    power = PLANNING["power_at_2500_discordance_20"]
    found = planning.paired_items(0.02, discordance=0.2, power=power)
    assert found == pytest.approx(2500, rel=0.02)
