"""A comparison of two versions as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from calibration.rules.plaintext import NAME_WIDTH, figure_line, note_lines
from measurement.comparison import Comparison
from measurement.findings import Findings
from measurement.signedrank import SignedRank


def comparison_lines(metric: str, found: Comparison, findings: Findings) -> Iterator[str]:
    """One metric of `compare`, line by line, what it means last."""
    yield metric
    yield f"  {found.items:,} items in both, {found.clusters:,} clusters"
    yield figure_line("baseline, mean", found.baseline, "items")
    yield figure_line("candidate, mean", found.candidate, "items")
    yield figure_line("difference, candidate − baseline", found.difference, "items")
    yield figure_line("smallest change that shows", found.smallest, "items")
    if found.binary is not None:
        yield from _binary_lines(found)
    yield _test_line("Wilcoxon, without equal items", found.wilcoxon)
    yield _test_line("Wilcoxon, Pratt's zeros", found.pratt)
    yield figure_line("rank-biserial correlation", found.rank_biserial, "items")
    yield figure_line("d_z", found.d_z, "items")
    yield (
        f"  {'candidate wins, ties, losses':<{NAME_WIDTH}} {found.wins:,}, {found.ties:,}, "
        f"{found.losses:,}  p = {found.sign_p:.4g} (sign test)"
    )
    yield figure_line("win rate, ties by half", found.win_rate, "items")
    if len(findings.metrics) > 1:
        adjusted = findings.adjusted[metric]
        yield (
            f"  {'p adjusted for all metrics':<{NAME_WIDTH}} {adjusted.holm:.4g} (Holm), "
            f"{adjusted.benjamini_hochberg:.4g} (Benjamini–Hochberg); {found.test}"
        )
    yield from note_lines(found.notes)
    yield f"  {findings.metrics[metric].word}. {findings.metrics[metric].because}"


def summary_lines(found: Findings) -> Iterator[str]:
    """What all metrics say together."""
    yield f"{found.word}: decided by {', '.join(found.decides)}"
    if len(found.metrics) > 1:
        yield f"  {found.because}"


def _binary_lines(found: Comparison) -> Iterator[str]:
    binary = found.binary
    assert binary is not None
    yield (
        f"  {'only baseline, only candidate right':<{NAME_WIDTH}} {binary.b:,}, {binary.c:,}  "
        f"p = {binary.p_mid:.4g} (mid-p), {binary.p_exact:.4g} (exact)"
    )
    if binary.agresti_min is not None:
        low, high = binary.agresti_min.low, binary.agresti_min.high
        yield f"  {'difference, Agresti–Min':<{NAME_WIDTH}} [{low:.4f}, {high:.4f}]"


def _test_line(name: str, found: SignedRank) -> str:
    kind = "exact" if found.is_exact else "normal approximation"
    return f"  {name:<{NAME_WIDTH}} p = {found.p:.4g} ({kind})  n = {found.n:,} items that differ"
