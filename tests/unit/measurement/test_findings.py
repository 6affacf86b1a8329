from __future__ import annotations

import numpy as np
import pytest

from measurement.arrays import Floats
from measurement.comparison import Comparison, PairedScores, compare
from measurement.findings import Finding, Findings, Margin, find


def moved(differences: Floats | list[float], *, lower_is_better: bool = False) -> Comparison:
    """Versions whose scores differ by this much on each item."""
    differences = np.asarray(differences, dtype=float)
    baseline = np.full(len(differences), 10.0)
    scores = PairedScores(baseline, baseline + differences, np.arange(len(differences)))
    return compare(scores, lower_is_better=lower_is_better, seed=1)


def spread_around(mean: float, *, n: int = 400) -> Floats:
    """Differences with standard deviation 1 and exactly this mean, so ± .098 at n = 400."""
    noise = np.tile([1.0, -1.0], n // 2)
    return noise + mean


def one(mean: float, margin: float = 0.0, *, lower_is_better: bool = False) -> Findings:
    metric = moved(spread_around(mean), lower_is_better=lower_is_better)
    return find({"quality": metric}, Margin(margin, lower_is_better=lower_is_better))


@pytest.mark.parametrize(
    ("mean", "margin", "word", "status"),
    [
        (0.2, 0.0, "better", 0),
        (-0.2, 0.0, "worse", 1),
        (0.0, 0.0, "cannot tell", 2),
        (0.0, 0.2, "equivalent", 0),
        (0.15, 0.3, "equivalent", 0),
        (0.05, 0.1, "not worse", 0),
        (-0.2, 0.2, "cannot tell", 2),
        (-0.4, 0.2, "worse", 1),
        (-0.15, 0.03, "worse", 1),
        (0.2, 0.1, "better", 0),
    ],
)
def test_the_interval_against_the_margin_gives_the_word_and_the_status(
    mean: float, margin: float, word: str, status: int
) -> None:
    found = one(mean, margin)
    assert (found.word, found.status) == (word, status)


def test_where_lower_is_better_the_words_turn() -> None:
    assert one(-0.2, lower_is_better=True).word == "better"
    assert one(0.2, lower_is_better=True).word == "worse"
    said = one(0.4, 0.2, lower_is_better=True)
    assert said.word == "worse"
    assert "+0.3" in said.because
    assert "lower is better" in said.because


def test_it_says_how_many_items_would_tell() -> None:
    found = one(0.02, 0.03)
    assert found.word == "cannot tell"
    assert found.items_needed is not None
    # (1.96 + .84)² · s² / .05² with s² = 400/399.
    assert found.items_needed == pytest.approx(7.8489 * (400 / 399) / 0.0025, abs=2)
    assert f"{found.items_needed:,} items" in found.because
    assert f"{found.items_needed - 400:,} more" in found.because


def test_a_difference_on_the_limit_itself_is_told_by_no_number_of_items() -> None:
    found = one(-0.5, 0.5)
    assert (found.word, found.items_needed) == ("cannot tell", None)
    assert "No number of items" in found.because


def test_one_item_cannot_tell() -> None:
    found = find({"quality": moved([3.0])}, Margin())
    assert (found.word, found.status, found.items_needed) == ("cannot tell", 2, None)
    assert "no interval" in found.because


def test_a_handful_of_items_without_any_spread_cannot_tell() -> None:
    for alike in (np.zeros(5), np.full(5, -2.0)):
        found = find({"quality": moved(alike)}, Margin())
        assert (found.word, found.status) == ("cannot tell", 2)
        assert "nothing shows a spread" in found.because


def test_identical_versions_are_equivalent_at_any_margin() -> None:
    for margin in (0.0, 0.1):
        found = find({"quality": moved(np.zeros(30))}, Margin(margin))
        assert (found.word, found.status) == ("equivalent", 0)


def test_what_floating_point_adds_is_neither_better_nor_worse() -> None:
    baseline = np.array([0.3, 0.7, 0.9] * 10)
    candidate = np.array([0.1 + 0.2, 0.8 - 0.1, 0.3 * 3] * 10)
    assert (baseline != candidate).any()
    scores = PairedScores(baseline, candidate, np.arange(30))
    found = find({"quality": compare(scores, seed=1)}, Margin())
    assert found.word == "equivalent"


def many(*means: float, margin: float = 0.0) -> Findings:
    return find({f"m{i}": moved(spread_around(m)) for i, m in enumerate(means)}, Margin(margin))


def test_one_worse_metric_among_several_decides() -> None:
    found = many(0.3, -0.3, 0.3)
    assert (found.word, found.status, found.decides) == ("worse", 1, ("m1",))
    assert "Holm" in found.because


def test_one_barely_worse_metric_among_many_does_not_stand() -> None:
    # z = 2.1 alone, with the interval below 0; among five it takes z = 2.6.
    alone, among = one(-0.105), many(-0.105, 0.2, 0.2, 0.2, 0.2)
    assert alone.word == "worse"
    assert (among.word, among.status, among.decides) == ("cannot tell", 2, ("m0",))


def test_a_clearly_worse_metric_stands_among_very_many() -> None:
    # Two replicates in 2,001 times eighty would never be below .05.
    found = many(-0.6, *[0.2] * 79)
    assert (found.word, found.decides) == ("worse", ("m0",))


def test_one_barely_better_metric_among_many_is_only_not_worse() -> None:
    found = many(0.105, *[0.03] * 9, margin=0.1)
    assert one(0.105).word == "better"
    assert found.metrics["m0"].word == "not worse"
    assert (found.word, found.status) == ("not worse", 0)


def test_that_none_is_worse_must_hold_for_each() -> None:
    found = many(0.3, 0.0)
    assert (found.word, found.decides) == ("cannot tell", ("m1",))
    assert found.items_needed == found.metrics["m1"].items_needed


def test_all_metrics_pass_together() -> None:
    assert many(0.3, 0.4).word == "better"
    assert many(0.0, 0.05, margin=0.2).word == "equivalent"
    found = many(0.3, 0.05, margin=0.1)
    assert (found.word, found.status, found.decides) == ("better", 0, ("m0", "m1"))
    assert "Better after Holm" in found.because


def test_the_most_demanding_metric_says_how_many_items_would_tell() -> None:
    found = many(0.05, 0.02)
    counts = [metric.items_needed for metric in found.metrics.values()]
    assert None not in counts
    assert found.items_needed == max(count or 0 for count in counts)


def test_an_answer_is_a_plain_object() -> None:
    assert Finding("worse", "because", 12).as_dict() == {
        "verdict": "worse",
        "because": "because",
        "items_needed": 12,
    }
