"""A report's frozen numbers as pictures and lines, ready for a template. Reads no rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from calibration.queries import reports
from calibration.rules import gatewords, neededwords, probewords, slicewords
from calibration.rules.biaswords import bias_lines, points_lines
from calibration.rules.gatewords import CheckLine
from calibration.rules.plantedwords import PlantedLine, planted_lines
from calibration.rules.probewords import ProbeLine
from core import charts, matrices
from core.charts import IntervalPlot, IntervalRow
from core.figures import Figure, figure_of
from core.matrices import Matrix
from judges.models import JudgeVersion
from judges.states import ProbeKind
from measurement.estimate import Estimate
from measurement.probes import complement
from measurement.scale import PAIRWISE, TIE

TARGET = 0.8
PEOPLE = "people"
BOUND = "lower bound"
COEFFICIENTS = ("alpha-of-judge-and-people", "kappa-of-judge-and-people", "mean-bias")
"""Figures that are no shares, so that they are not written in percent."""

LATER_PARTS = {
    "small_slices": "the adjustment for the number of slices",
    "needed": "labels still needed",
    "points": "points within one of people's",
}
"""Parts of the numbers that reports frozen earlier lack, in words."""
PROBES = "the bias probes"


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One line of the table of further figures; `section` explains it (docs/statistics.md)."""

    name: str
    note: str
    section: str
    figure: Figure
    is_share: bool = True


@dataclass(frozen=True, slots=True)
class BaselineLine:
    """A rule that needs no judge, and how far the judge is above it."""

    name: str
    agreement: Figure
    difference: Figure


@dataclass(frozen=True, slots=True)
class DimensionView:
    """One dimension of a report, drawn. `numbers` is its stored object."""

    key: str
    name: str
    numbers: Mapping[str, Any]
    gate: str
    badge_kind: str
    badge: str
    hits: int
    target: str
    level: str
    agreement: Figure
    people: Figure
    plot: IntervalPlot
    checks: list[CheckLine]
    failed: list[str]
    matrix: Matrix | None
    no_verdict: int
    figures: list[FigureLine]
    baselines: list[BaselineLine]
    probes: list[ProbeLine]
    unprobed: list[str]
    planted: list[PlantedLine]
    outcomes: list[tuple[str, int]]
    warnings: list[str]
    slice_notes: list[str]
    needed: list[str]
    lacks: list[str]

    @property
    def is_passed(self) -> bool:
        return self.gate == "pass"

    @property
    def interval(self) -> str:
        """The 95 % interval in percent, without the unit: [80.4, 87.4]."""
        low, high = self.agreement.low, self.agreement.high
        if low is None or high is None:
            return ""
        return f"[{low * 100:.1f}, {high * 100:.1f}]"

    @property
    def contested_share(self) -> float | None:
        asked = self.numbers["items"] - self.numbers["not_applicable"]
        return self.numbers["contested"] / asked if asked else None

    @property
    def adjudicated_share(self) -> float | None:
        """Of all items with a human label."""
        labelled = self.numbers["decided"] + self.numbers["not_applicable"]
        return self.numbers["adjudicated"] / labelled if labelled else None


def views_of(
    version: JudgeVersion,
    numbers: Mapping[str, Mapping[str, Any]],
    *,
    probes: Mapping[str, Any] | None,
) -> list[DimensionView]:
    """The dimensions of stored numbers, drawn, in the guideline's order; `probes` is what the same
    report froze of the bias laboratory."""
    names = reports.dimension_names(version)
    model = str(version.spec.get("model", "")) if version.is_simulated else ""
    ordered = [key for key in names if key in numbers] + sorted(set(numbers) - set(names))
    return [
        dimension_view(key, names.get(key, key), numbers[key], probes=probes, model=model)
        for key in ordered
    ]


def dimension_view(
    key: str,
    name: str,
    numbers: Mapping[str, Any],
    *,
    probes: Mapping[str, Any] | None = None,
    model: str = "",
) -> DimensionView:
    """Everything that the page shows of one dimension; `model` names a simulated judge, `probes`
    is what the report froze of the bias laboratory (None: it is older)."""
    gate = numbers["gate"]["decision"]
    checks = numbers["gate"]["checks"]
    agreement, people = figure_of(numbers["agreement"]), figure_of(numbers["ceiling"]["people"])
    target = next((check["limit"] for check in checks if check["name"] == BOUND), TARGET)
    kind, words = gatewords.GATE_WORDS[gate]
    return DimensionView(
        key=key,
        name=name,
        numbers=numbers,
        gate=gate,
        badge_kind=kind,
        badge=words,
        hits=round((agreement.value or 0) * (agreement.n or 0)),
        target=gatewords.target_words(target),
        level=gatewords.target_words(1 - numbers["level"]),
        agreement=agreement,
        people=people,
        plot=_plot(numbers, agreement, people, target),
        checks=gatewords.lines(checks),
        failed=gatewords.failed(checks),
        matrix=_matrix(numbers["confusion"]),
        no_verdict=sum(numbers["confusion"].get("no_verdict", ())),
        figures=list(_figures(numbers)),
        baselines=list(_baselines(numbers)),
        probes=probewords.probe_lines(probes, key),
        unprobed=probewords.why_none(probes, key),
        planted=planted_lines(
            numbers,
            model,
            obeyed=probewords.figure(probes, ProbeKind.INJECTION, "toward", key),
        ),
        outcomes=_outcomes(numbers["outcomes"]),
        warnings=list(_warnings(numbers, target)),
        slice_notes=list(slicewords.notes(numbers)),
        needed=neededwords.sentences(numbers.get("needed"), is_passed=gate == "pass"),
        lacks=[words for part, words in LATER_PARTS.items() if part not in numbers]
        + ([PROBES] if probes is None else []),
    )


def _plot(
    numbers: Mapping[str, Any], agreement: Figure, people: Figure, target: float
) -> IntervalPlot:
    rows = [IntervalRow("Overall", agreement)]
    for _, by_value in slicewords.in_order(numbers.get("slices", {})):
        rows += [IntervalRow(name.capitalize(), found, second=True) for name, found in by_value]
    drawn = [row.estimate for row in rows]
    scale = charts.window(drawn, target=target, ceiling=people.value)
    return charts.interval_plot(rows, scale)


def _matrix(confusion: Mapping[str, Any]) -> Matrix | None:
    """People by judge. A label that nobody used takes no room."""
    labels, counts = confusion["labels"], confusion["counts"]
    used = [i for i in range(len(labels)) if sum(counts[i]) or any(row[i] for row in counts)]
    if not used:
        return None
    drawn = matrices.confusion_matrix(
        [labels[i] for i in used], [[counts[i][j] for j in used] for i in used]
    )
    if set(labels) != set(PAIRWISE):
        return drawn
    # Items that people call a tie are outside the denominator and reported apart.
    return replace(drawn, rows=tuple(row for row in drawn.rows if row.label != TIE))


def _figures(numbers: Mapping[str, Any]) -> Iterator[FigureLine]:
    ceiling = numbers["ceiling"]
    lines = (
        ("A person with the others", "leave one out, by vote", "ceiling", ceiling["people"]),
        (
            "The judge with the same others",
            "like for like",
            "judge-on-the-same-items",
            ceiling["judge_same_items"],
        ),
        (
            "Judge − person",
            "the same items, paired",
            "judge-minus-person",
            ceiling["difference"],
        ),
        (
            "Two people with each other",
            "pairs of votes",
            "two-people-with-each-other",
            ceiling["pairwise"],
        ),
        (
            "Contested items counted as misses",
            "nothing left out",
            "contested-as-misses",
            numbers["contested_as_misses"],
        ),
        (
            "On every human label",
            "exact, human ties too",
            "agreement-on-every-label",
            numbers["all_labels"],
        ),
        (
            "With a single vote",
            "each verdict, each vote",
            "agreement-with-single-votes",
            numbers["per_vote"],
        ),
        ("S1", "as MT-Bench counts, ties agree", "s1-and-s2", numbers["s1"]),
        ("S2", "as MT-Bench counts, without ties", "s1-and-s2", numbers["s2"]),
        (
            "Alpha, judge and people",
            "beyond chance",
            "alpha-of-judge-and-people",
            numbers["alpha"],
        ),
        ("Kappa, judge and people", "Cohen", "kappa-of-judge-and-people", numbers["kappa"]),
        ("Mean bias", "judge − people, in points", "mean-bias", numbers["bias"]),
    )
    for name, note, section, found in lines:
        if found is not None and (found["value"] is not None or section != "mean-bias"):
            yield FigureLine(
                name, note, section, figure_of(found), is_share=section not in COEFFICIENTS
            )
    for label, found in numbers["recall"].items():
        if found["n"]:
            yield FigureLine(
                f"Finds “{label}”", "of the items that people call so", "recall", figure_of(found)
            )
    for line in (*points_lines(numbers.get("points")), *bias_lines(numbers)):
        found = figure_of(line.estimate)
        yield FigureLine(line.name, line.note, line.section, found, is_share=line.is_share)


def _baselines(numbers: Mapping[str, Any]) -> Iterator[BaselineLine]:
    for name, found in numbers["baselines"].items():
        words = gatewords.BASELINE_WORDS.get(name, name.replace("_", " ").capitalize())
        yield BaselineLine(words, figure_of(found["agreement"]), figure_of(found["difference"]))


def _outcomes(outcomes: Mapping[str, int]) -> list[tuple[str, int]]:
    return [
        (gatewords.OUTCOME_WORDS.get(name, name), count)
        for name, count in sorted(outcomes.items(), key=lambda pair: -pair[1])
    ]


def _warnings(numbers: Mapping[str, Any], target: float) -> Iterator[str]:
    """What somebody has to know before deciding; plain facts, each with its figure."""
    if numbers["gate"]["decision"] == "pass":
        yield from slicewords.warnings(numbers.get("slices", {}), target)
    misses = figure_of(numbers["contested_as_misses"])
    if numbers["contested"] and misses.value is not None:
        yield (
            f"{numbers['contested']:,} items are contested by people. Counted as misses, the "
            f"agreement is {gatewords.share_words(misses, 'items')}."
        )
    if numbers["order"] is not None:
        same = Estimate.from_dict(numbers["order"]["consistent"])
        if same.is_defined:
            flips = gatewords.share_words(figure_of(complement(same)), "pairs")
            yield (
                f"The verdict changes when the responses change places in {flips}; these count as "
                "misses."
            )
    yield from numbers["notes"]
