"""Figures as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from measurement.agreement import AgreementSummary
from measurement.alignment import Alignment
from measurement.estimate import Estimate
from measurement.gate import Check
from measurement.length import LengthEffect
from measurement.settling import Needed

WHERE_EXPLAINED = (
    "What each figure says: docs/statistics.md; on a running server the page /help/statistics/."
)
NAME_WIDTH = 34


def agreement_lines(dimension: str, found: AgreementSummary) -> Iterator[str]:
    """One dimension of `agreement`, line by line."""
    yield dimension
    yield (
        f"  {found.items:,} items, {found.raters:,} raters, {found.labels:,} labels, "
        f"{found.repeats:,} repeats, {found.clusters:,} clusters"
    )
    yield figure_line("pairwise agreement", found.percent_agreement, "pairs")
    yield figure_line("all raters agree", found.all_agree, "items")
    yield figure_line("Krippendorff's alpha", found.alpha, "items")
    yield figure_line("Gwet's AC1", found.ac1, "items")
    yield figure_line("Gwet's AC2", found.ac2, "items")
    yield figure_line("Fleiss' kappa", found.fleiss, "items")
    yield figure_line("ICC(2,1)", found.icc, "items")
    yield figure_line("ICC(2,k)", found.icc_k, "items")
    yield figure_line("again, first and later label", found.retest.percent_agreement, "repeats")
    yield figure_line("  alpha", found.retest.alpha, "repeats")
    for pair in found.kappa:
        yield figure_line(f"Cohen's kappa {pair.a} – {pair.b}", pair.estimate, "items")
    yield from note_lines(found.notes)


def alignment_lines(dimension: str, found: Alignment) -> Iterator[str]:
    """One dimension of `align`, line by line, the gate last."""
    yield dimension
    yield (
        f"  {found.items:,} items: {found.decided:,} decided, {found.contested:,} contested, "
        f"{found.not_applicable:,} not applicable, "
        f"{found.fewer_than_three:,} with fewer than 3 ratings"
    )
    outcomes = ", ".join(f"{name} {count:,}" for name, count in sorted(found.outcomes.items()))
    yield f"  verdicts: {outcomes or 'none'}"
    yield figure_line("agreement (the gate's)", found.agreement, "items")
    yield figure_line("  contested as misses", found.contested_as_misses, "items")
    yield figure_line("agreement on all labels", found.all_labels, "items")
    yield figure_line("verdict against each vote", found.per_vote, "votes")
    if found.s1 is not None and found.s2 is not None:
        yield figure_line("S1, ties count", found.s1, "votes")
        yield figure_line("S2, without ties", found.s2, "votes")
    yield from _people_lines(found)
    yield figure_line("alpha, judge and people", found.alpha, "items")
    yield figure_line("kappa, judge and people", found.kappa, "items")
    yield figure_line("mean bias, judge − people", found.bias, "items")
    yield figure_line("Kendall's τ_b, judge and people", found.ranks["tau_b"], "items")
    if found.points is not None:
        yield figure_line("within one point", found.points.within_one, "items")
        yield figure_line("limits of agreement, lower", found.points.limit_low, "items")
        yield figure_line("limits of agreement, upper", found.points.limit_high, "items")
        yield figure_line("ICC(2,1), judge and people", found.points.icc, "items")
    for label, recall in found.recall.items():
        yield figure_line(f"recall of {label}", recall, "items")
    for baseline in found.baselines:
        spoken = baseline.name.replace("_", " ")
        yield figure_line(f"baseline: {spoken}", baseline.agreement, "items")
        yield figure_line("  judge − baseline", baseline.difference, "items")
    yield from _alt_test_lines(found)
    yield from _stability_lines(found)
    yield from _bias_lines(found)
    yield from _confusion_lines(found)
    yield from note_lines(found.notes)
    yield from _gate_lines(found)
    yield needed_line("labels still needed", found.needed)


def _people_lines(found: Alignment) -> Iterator[str]:
    yield figure_line("people, leave one out", found.ceiling.people, "votes")
    yield figure_line("  judge on the same items", found.ceiling.judge_same_items, "votes")
    yield figure_line("  judge − people", found.ceiling.difference, "votes")
    yield figure_line("people, by pairs of votes", found.ceiling.pairwise, "pairs")


def _alt_test_lines(found: Alignment) -> Iterator[str]:
    test = found.alt_test
    if test.omega is None or test.rho is None:
        yield f"  {'alternative annotator test':<{NAME_WIDTH}} undefined: {test.undefined_because}"
        return
    yield (
        f"  {'alternative annotator test':<{NAME_WIDTH}} ω {test.omega:.3f}, ρ {test.rho:.3f}, "
        f"ε {test.epsilon:g}"
    )


def _stability_lines(found: Alignment) -> Iterator[str]:
    """Both orders, then repeated samples; nothing where there are none."""
    if found.order is not None:
        flips = found.order.flips
        yield figure_line("same winner in both orders", found.order.consistent, "pairs")
        yield figure_line(
            "  in the same order again", found.order.consistent_repeat, "pairs of samples"
        )
        yield figure_line("  what the position adds", found.order.position, "items")
        yield figure_line("first shown wins", found.order.first_shown, "calls")
        yield figure_line("  of the flips, to the first", flips.share_first, "pairs")
        yield figure_line("  p of no lean", flips.p, "items or clusters")
    if found.repeats is not None:
        yield figure_line("verdict not the same each time", found.repeats.flip_rate, "items")
        yield figure_line("  same verdict, by pairs", found.repeats.agreement, "pairs of samples")


def _bias_lines(found: Alignment) -> Iterator[str]:
    if found.length is not None:
        yield from _length_lines(found.length)
    if found.self_preference is not None:
        own = found.self_preference
        yield figure_line("finds its own family's wins", own.own, "items")
        yield figure_line("  the others' wins", own.other, "items")
        yield figure_line("  own − others", own.difference, "items")
    missing = found.missingness
    if any(share.value for share in missing.shares):
        for label, share in zip(missing.labels, missing.shares, strict=True):
            yield figure_line(f"no verdict where people say {label}", share, "items")
        yield figure_line("  p of no relation", missing.p, "items")


def _length_lines(found: LengthEffect) -> Iterator[str]:
    yield figure_line("longer one preferred, judge", found.judge_longer, "items")
    yield figure_line("longer one preferred, people", found.people_longer, "items")
    yield figure_line("  judge − people", found.difference, "items")
    for who, model in (("judge", found.judge), ("people", found.people)):
        yield figure_line(f"length slope of {who}", model.slope, "items")
        yield figure_line("  prefers A", model.raw, "items")
        yield figure_line("  at equal lengths", model.length_controlled, "items")
    yield figure_line("judge's own length slope", found.judge_own_slope, "items")


def _confusion_lines(found: Alignment) -> Iterator[str]:
    labels, counts = found.confusion.labels, found.confusion.counts
    cells = [str(count) for row in counts for count in row]
    width = max(map(len, (*labels, *cells, "no verdict")), default=0) + 2
    yield "  people (rows) by judge (columns)"
    header = "".join(f"{label:>{width}}" for label in (*labels, "no verdict"))
    yield f"  {'':{width}}{header}"
    for label, row, silent in zip(labels, counts, found.confusion.no_verdict, strict=True):
        numbers = "".join(f"{count:>{width}}" for count in (*row, silent))
        yield f"  {label:<{width}}{numbers}"


def _gate_lines(found: Alignment) -> Iterator[str]:
    yield f"  gate at level {found.level:g}: {found.gate.decision}"
    for check in found.gate.checks:
        mark = "holds" if check.passed else "FAILS"
        yield f"    {mark}  {check.name}: {_number(check)}"
    yield f"  {found.gate.because}"


def _number(check: Check) -> str:
    measured = "undefined" if check.measured is None else f"{check.measured:.4g}"
    return f"{measured} (limit {check.limit:.4g})"


def figure_line(name: str, found: Estimate, counted: str) -> str:
    """One figure: its value, interval and n, or the reason why there is none."""
    if found.value is None:
        return f"  {name:<{NAME_WIDTH}} undefined: {found.undefined_because}"
    bounds = ""
    if found.interval is not None:
        bounds = f"  [{found.interval.low:.4f}, {found.interval.high:.4f}]"
    return f"  {name:<{NAME_WIDTH}} {found.value:.4f}{bounds}  n = {found.n:,} {counted}"


def needed_line(name: str, found: Needed) -> str:
    """Decided items in all at the agreement seen, and at the ends of its interval."""
    if found.items is None:
        return f"  {name:<{NAME_WIDTH}} undefined: {found.undefined_because}"
    low, high = ("no number" if end is None else f"{end:,}" for end in (found.low, found.high))
    return f"  {name:<{NAME_WIDTH}} {found.items:,}  [{low}, {high}]  n = {found.now:,} items now"


def note_lines(notes: tuple[str, ...]) -> Iterator[str]:
    """One line for each note below the figures."""
    for note in notes:
        yield f"  note: {note}"
