"""The simulations themselves, in seconds: the full set is `make simulate`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from measurement.alignment import align
from measurement.figures import Figures
from measurement.sheet import Sheet
from tests.simulations import (
    __main__,
    alpha,
    differences,
    gate_clusters,
    gate_looks,
    gate_oneshot,
    ppi,
    report,
    running,
    shares,
)
from tests.simulations.authors import Author, Calculator, needed_count
from tests.simulations.calculated import chance_of_three_looks
from tests.simulations.lines import Line, Result, Subject
from tests.simulations.people import keepers
from tests.simulations.sealed import RULE, Question, Sealed, preference, rating, yes_no

EVEN = yes_no(0.5, right=0.9)
QUESTIONS = (EVEN, preference(), rating())


def rng(seed: int = 20) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("line", "low", "high"),
    [
        # Four standard errors around 95 % (alpha, differences, PPI++) or below the limit.
        pytest.param(alpha.SUBJECT.lines[1], 0.90, 0.99, id="alpha"),
        pytest.param(differences.SUBJECT.lines[1], 0.90, 0.99, id="differences"),
        pytest.param(ppi.SUBJECT.lines[0], 0.90, 0.99, id="ppi"),
        pytest.param(gate_oneshot.SUBJECT.lines[0], 0.005, 0.09, id="gate_oneshot"),
        pytest.param(gate_looks.SUBJECT.lines[0], 0.005, 0.08, id="gate_looks"),
        pytest.param(gate_clusters.SUBJECT.lines[4], 0.01, 0.1, id="gate_clusters"),
    ],
)
def test_a_few_hundred_trials_come_out_near_what_the_full_run_shows(
    line: Line, low: float, high: float
) -> None:
    assert low <= line.count(rng(), 400) / 400 <= high


def test_simulated_coverage_of_wilson_is_what_the_binomial_distribution_gives() -> None:
    from scipy.stats import binom

    n, share, trials = 100, 0.9, 20_000
    held = [low <= share <= high for low, high in (shares.wilson(k, n) for k in range(n + 1))]
    exact = float(binom.pmf(np.arange(n + 1), n, share)[held].sum())
    found = shares.of_independent(rng(), trials, kind="wilson", n=n, low=share, high=share)
    assert found / trials == pytest.approx(exact, abs=4 * (exact * (1 - exact) / trials) ** 0.5)


def test_the_alpha_of_raters_who_keep_the_truth_is_the_same_at_every_level() -> None:
    people = keepers((0.5, 0.3, 0.2), truth_alpha=0.6)
    for level in ("nominal", "ordinal", "interval"):
        assert people.true_alpha(level) == pytest.approx(0.6)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.scale.labels))
@pytest.mark.parametrize("sizes", [(1,), (3,)], ids=["single", "clusters"])
def test_deciding_on_the_bound_first_is_the_full_decision(
    question: Question, sizes: tuple[int, ...]
) -> None:
    # True shares around the target: some trials pass, some only miss a guard, most fail.
    outcomes = set()
    for share in (0.8, 0.87, 0.93):
        sealed = Sealed(question, 400, share=share, sizes=sizes, icc=0.1 if len(sizes) > 1 else 0.0)
        batch = sealed.drawn(rng(), 6)
        verdicts = batch.judged(rng(21))
        quick = batch.passes(verdicts, level=RULE.level)
        for trial in range(batch.trials):
            people, judge = batch.tables(trial, verdicts)
            full = align(people, judge, scale=question.scale, one_shot=True)
            assert quick[trial] == (full.gate.decision == "pass")
            outcomes.add(full.gate.decision)
    assert {"pass", "fail"} <= outcomes


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.scale.labels))
def test_the_quick_bound_and_labels_are_the_sheets_own(question: Question) -> None:
    batch = Sealed(question, 210, sizes=(1, 2, 4), icc=0.2).drawn(rng(), 5)
    verdicts = batch.judged(rng(21))
    bounds = batch.bounds(verdicts, level=0.025)
    for trial in range(batch.trials):
        people, judge = batch.tables(trial, verdicts)
        sheet = Sheet.of(
            people, judge, scale=question.scale, least_ratings=RULE.least_ratings, adjudicated=None
        )
        assert sheet.human.tolist() == batch.labels[trial].tolist()
        evidence = Figures(sheet, level=0.025, seed=1).evidence()
        assert evidence.lower_bound == pytest.approx(bounds[trial], abs=1e-12)


@pytest.mark.parametrize("follows_truth", [False, True])
def test_a_true_eighty_percent_judge_agrees_with_the_label_in_eighty_percent(
    follows_truth: bool,
) -> None:
    sealed = Sealed(yes_no(0.7, right=0.8), 500, follows_truth=follows_truth)
    batch = sealed.drawn(rng(), 400)
    observed = batch.agrees(batch.judged(rng(21))).mean()
    # 200,000 answers: four standard errors are .0036.
    assert observed == pytest.approx(0.8, abs=0.0036)


def test_a_judge_that_leans_is_still_at_eighty_percent() -> None:
    batch = Sealed(yes_no(0.8, right=0.9), 500).drawn(rng(), 400)
    hits = batch.agrees(batch.judged(rng(21), np.full(400, 0.2)))
    assert hits.mean() == pytest.approx(0.8, abs=0.0036)
    assert hits[batch.labels == 1].mean() > hits[batch.labels == 0].mean() + 0.15


def test_an_author_who_repairs_by_count_gains_on_one_who_starts_anew() -> None:
    sealed, level = Sealed(EVEN, 300), RULE.level
    loose = partial(gate_looks.passed, sealed=sealed, level=level)
    anew, clever = loose(rng(), 1500, author=Author()), loose(rng(), 1500, author=Calculator())
    assert anew > 0.08 * 1500  # three looks at .05 are no longer a 5 % gate
    assert clever > anew


def test_a_gate_that_lets_everything_through_would_be_found() -> None:
    sealed = replace(Sealed(EVEN, 200), share=0.95)
    line = Line(
        "a judge that is far too good", partial(gate_oneshot.passed, sealed=sealed), most=0.05
    )
    assert not Result(line, 40, line.count(rng(), 40)).holds


def test_counts_needed_are_those_of_the_policy() -> None:
    assert [needed_count(n, 0.025) for n in (200, 300, 400, 500)] == [172, 254, 336, 418]


def test_parts_have_seeds_of_their_own_and_any_number_of_processes_gives_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "_PART", 20)
    first, second, *_ = running.parts_of("gate_oneshot", 40)
    assert first.line is second.line
    assert first.number != second.number
    assert running.happened(first) == running.happened(first)
    one, two = (
        [result.happened for result in running.results("shares", trials=2, processes=processes)]
        for processes in (1, 2)
    )
    assert one == two


def _always(found: np.random.Generator, trials: int) -> int:
    return trials


def test_a_line_that_does_not_hold_ends_in_status_one_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Subject("Planted", "Nothing.", "trials", (Line("never", _always, most=0.05),))
    monkeypatch.setattr(running, "SUBJECTS", ("planted",))
    monkeypatch.setattr(running, "subject_of", lambda name: broken)
    page = tmp_path / "simulations.md"
    assert __main__.main(["--processes", "1"], page=page) == 1
    assert "**0 of 1 required lines hold**" in page.read_text(encoding="utf-8")
    assert "These do not: never." in page.read_text(encoding="utf-8")


def test_a_quick_run_writes_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holds = Subject("Planted", "Nothing.", "trials", (Line("always", _always, least=0.5),))
    monkeypatch.setattr(running, "SUBJECTS", ("planted",))
    monkeypatch.setattr(running, "subject_of", lambda name: holds)
    page = tmp_path / "simulations.md"
    assert __main__.main(["--trials", "10", "--processes", "1"], page=page) == 0
    assert not page.exists()


def test_the_table_says_what_is_only_reported() -> None:
    line = Line("a setting", _always)
    text = report.section(Subject("S", "T.", "trials", (line,)), [Result(line, 400, 200)])
    assert "| a setting | 400 | 50.00 ± 2.50 % | reported |  |" in text


def test_worked_out_exactly_a_hit_to_spare_keeps_three_looks_below_five_percent() -> None:
    assert chance_of_three_looks(225, spare=0) > 0.05
    assert chance_of_three_looks(225, spare=RULE.spare_hits) < 0.042
