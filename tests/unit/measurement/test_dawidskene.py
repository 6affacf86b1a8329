from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from measurement import dawidskene
from measurement.arrays import Floats, Ints
from measurement.dawidskene import DawidSkene, Votes, dawid_skene
from measurement.scale import Scale
from tests.unit.measurement.builders import table_of

cells = st.sampled_from([0, 1, 2, None])
grids = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=12)
Grid = list[list[int | None]]


def counts_of(grid: Grid) -> Ints:
    counts = np.zeros((len(grid), 3, 3), dtype=np.int64)
    for item, row in enumerate(grid):
        for rater, label in enumerate(row):
            if label is not None:
                counts[item, rater, label] += 1
    return counts


def modelled(counts: Ints, *, smoothing: float = 0.01, steps: int = 200) -> DawidSkene:
    return dawid_skene(Votes.of_counts(counts), smoothing=smoothing, most_steps=steps)


def fitted(counts: Ints, *, smoothing: float = 0.01, steps: int = 4) -> DawidSkene:
    """A few steps on a random table: many would blow rounding up where labels stand even."""
    found = modelled(counts, smoothing=smoothing, steps=steps)
    assume(found.is_defined)
    return found


def by_hand(counts: Ints, *, smoothing: float, steps: int) -> tuple[Floats, float]:
    """The paper's equations cell by cell, on probabilities."""
    n, raters, k = counts.shape
    voted = [i for i in range(n) if counts[i].sum()]
    likely = np.array([counts[i].sum(axis=0) / max(1, counts[i].sum()) for i in range(n)])
    total = 0.0
    for _ in range(steps):
        prior = np.mean([likely[i] for i in voted], axis=0)
        errors = np.full((raters, k, k), smoothing)
        for i, r, true, said in np.ndindex(n, raters, k, k):
            errors[r, true, said] += likely[i, true] * counts[i, r, said]
        for r, true in np.ndindex(raters, k):
            row = errors[r, true].sum()
            errors[r, true] = errors[r, true] / row if row else 1 / k
        joint = np.tile(prior, (n, 1))
        for i, r, said in np.ndindex(n, raters, k):
            joint[i] *= errors[r, :, said] ** counts[i, r, said]
        total = float(sum(np.log(joint[i].sum()) for i in voted))
        likely = joint / joint.sum(axis=1, keepdims=True)
    return likely, total


@given(grids, st.sampled_from([0.0, 0.01, 1.0]))
def test_each_step_is_that_of_the_paper(grid: Grid, smoothing: float) -> None:
    counts = counts_of(grid)
    found = fitted(counts, smoothing=smoothing, steps=3)
    likely, total = by_hand(counts, smoothing=smoothing, steps=found.steps)
    assert found.posterior == pytest.approx(likely, abs=1e-9)
    assert found.log_likelihood == pytest.approx(total, abs=1e-8)


@given(grids)
def test_no_step_makes_the_votes_less_likely(grid: Grid) -> None:
    counts = counts_of(grid)
    reached = [fitted(counts, smoothing=0, steps=steps).log_likelihood for steps in (1, 2, 3, 9)]
    assert all(
        one is not None and other is not None and other >= one - 1e-9
        for one, other in itertools.pairwise(reached)
    )


@given(grids, st.permutations(range(3)))
def test_renaming_the_labels_renames_what_is_found(grid: Grid, names: list[int]) -> None:
    counts = counts_of(grid)
    one, other = fitted(counts), fitted(counts[:, :, names])
    assert other.posterior == pytest.approx(one.posterior[:, names], abs=1e-6)
    assert other.prior == pytest.approx(one.prior[names], abs=1e-6)


@given(grids, st.permutations(range(3)))
def test_the_order_of_the_raters_changes_nothing_but_their_order(
    grid: Grid, order: list[int]
) -> None:
    counts = counts_of(grid)
    one, other = fitted(counts), fitted(counts[:, order])
    assert other.posterior == pytest.approx(one.posterior, abs=1e-6)
    assert other.confusion == pytest.approx(one.confusion[order], abs=1e-6)


@given(grids, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing_but_their_order(grid: Grid, random: object) -> None:
    order = list(range(len(grid)))
    random.shuffle(order)  # type: ignore[attr-defined]
    counts = counts_of(grid)
    one, other = fitted(counts), fitted(counts[order])
    assert other.posterior == pytest.approx(one.posterior[order], abs=1e-6)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-6)


@given(grids)
def test_items_without_a_vote_change_nothing_and_have_the_prior(grid: Grid) -> None:
    silent: Grid = [*grid, [None, None, None]]
    one, other = fitted(counts_of(grid)), fitted(counts_of(silent))
    assert other.posterior[:-1] == pytest.approx(one.posterior, abs=1e-9)
    assert other.posterior[-1] == pytest.approx(one.prior, abs=1e-9)


@given(grids)
def test_what_is_found_are_shares_of_one(grid: Grid) -> None:
    found = fitted(counts_of(grid), smoothing=0, steps=50)
    for shares in (found.posterior, found.prior, found.confusion):
        assert (shares >= 0).all()
        assert shares.sum(axis=-1) == pytest.approx(np.ones(shares.shape[:-1]))
    json.dumps(found.as_dict(), allow_nan=False)


@given(grids)
def test_a_second_vote_of_the_same_rater_counts_like_a_copy_with_the_same_errors(
    grid: Grid,
) -> None:
    counts = counts_of(grid)
    twice = fitted(2 * counts, smoothing=0)
    copied = fitted(np.concatenate([counts, counts], axis=1), smoothing=0)
    assert twice.posterior == pytest.approx(copied.posterior, abs=1e-6)


def test_the_errors_of_a_rater_who_turns_labels_round_are_found() -> None:
    grid: Grid = [[i % 2, i % 2, 1 - i % 2] for i in range(40)]
    found = modelled(counts_of(grid))
    assert found.posterior[:, :2].argmax(axis=1).tolist() == [i % 2 for i in range(40)]
    assert found.confusion[2, 0, 1] > 0.99


def test_no_label_one_label_and_one_rater_have_a_reason() -> None:
    for table, because in (
        (table_of({"i": "..", "j": ".."}), dawidskene.NO_VOTE),
        (table_of({"i": "AA", "j": "AA"}), dawidskene.ONE_LABEL),
        (table_of({"i": "A", "j": "B"}), dawidskene.ONE_RATER),
    ):
        found = dawidskene.of_table(table, Scale.parse("A,B"))
        assert found.undefined_because == because
        assert not found.is_defined
        json.dumps(found.as_dict(), allow_nan=False)


def test_two_raters_and_few_items_come_with_a_note() -> None:
    notes = " ".join(modelled(counts_of([[0, 0, None], [1, 0, None]])).notes)
    assert "two raters" in notes
    assert "2 raters have fewer than 20 items" in notes


def test_enough_raters_and_items_need_no_note() -> None:
    grid: Grid = [[i % 3, i % 3, i % 3] for i in range(21)]
    assert modelled(counts_of(grid)).notes == ()


def test_a_model_that_was_stopped_says_so() -> None:
    rng = np.random.default_rng(1)
    counts = np.eye(3, dtype=np.int64)[rng.integers(0, 3, size=(60, 3))]
    found = modelled(counts, steps=2)
    assert (found.has_converged, found.steps) == (False, 2)
    assert "still moving after 2 steps" in found.notes[0]


def test_labels_that_changed_places_are_noticed() -> None:
    # Three of four raters call the second label the first; one rater insists on it.
    counts = np.zeros((30, 4, 3), dtype=np.int64)
    counts[:15, :, 0] = 1
    counts[15:, 0, 1] = 3
    counts[15:, 1:, 0] = 1
    notes = modelled(counts).notes
    assert any("changed places" in note for note in notes)


def test_not_applicable_is_no_label() -> None:
    votes = {"i": ["A", "A", "not_applicable"], "j": ["B", "B", "A"]}
    with_it = dawidskene.of_table(table_of(votes), Scale.parse("A,B"))
    votes["i"][2] = "."
    without = dawidskene.of_table(table_of(votes), Scale.parse("A,B"))
    assert with_it.posterior == pytest.approx(without.posterior)
