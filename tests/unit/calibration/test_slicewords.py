"""What is said of slices: which stand below the target after the adjustment for their number."""

from __future__ import annotations

from typing import Any

from calibration.rules import slicewords


def one(value: float, low: float, high: float, **more: float) -> dict[str, Any]:
    return {
        "value": value, "n": 60, "interval": [low, high], "undefined_because": "", **more,
    }  # fmt: skip


SLICES = {
    "difficulty": {
        "hard": one(0.6, 0.47, 0.71, p_below=0.0003, holm=0.0009),
        "easy": one(0.68, 0.56, 0.79, p_below=0.02, holm=0.04),
    },
    "source": {"manual": one(0.85, 0.74, 0.92, p_below=0.9, holm=0.9)},
}


def test_only_what_stands_after_the_adjustment_is_named() -> None:
    (note,) = slicewords.notes({"slices": SLICES, "small_slices": {}})
    assert note == (
        "Below the target after Holm's adjustment for 3 slices: difficulty “hard” (p < 0.001)."
    )


def test_a_warning_says_whether_it_stands() -> None:
    easy, hard, manual = slicewords.warnings(SLICES, 0.8)
    assert "even the upper end" in hard
    assert "stays there after Holm's adjustment for 3 slices" in hard
    assert "even the upper end" in easy
    assert "it may be luck" in easy
    assert "reaches down to 74.0" in manual


def test_slices_of_an_older_report_are_told_without_the_adjustment() -> None:
    older = {"difficulty": {"hard": one(0.6, 0.47, 0.71), "easy": one(0.9, 0.8, 0.95)}}
    assert list(slicewords.notes({"slices": older})) == []
    (hard,) = slicewords.warnings(older, 0.8)
    assert hard.endswith("below the target.")


def test_small_values_are_counted() -> None:
    (note,) = slicewords.notes({"slices": {}, "small_slices": {"case": {"values": 2, "items": 31}}})
    assert note.startswith("Left out of case: 2 values with fewer than 30 decided items each, 31")


def test_slices_stand_as_one_says_them_and_not_by_the_alphabet() -> None:
    found = slicewords.in_order(
        {
            "tone": {"warm": 1, "cold": 2},
            "source": {"failure mining": 3, "manual": 4, "production log": 5},
            "case": {"adversarial": 6, "another": 7, "edge case": 8, "representative": 9},
            "difficulty": {"hard": 10, "easy": 11, "medium": 12},
        }
    )
    assert found == [
        ("difficulty", [("easy", 11), ("medium", 12), ("hard", 10)]),
        (
            "case",
            [("representative", 9), ("edge case", 8), ("adversarial", 6), ("another", 7)],
        ),
        ("source", [("production log", 5), ("manual", 4), ("failure mining", 3)]),
        ("tone", [("cold", 2), ("warm", 1)]),
    ]
