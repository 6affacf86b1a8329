"""A report's stored numbers as lines: each leads to what explains it."""

from __future__ import annotations

from pathlib import Path

from calibration.queries import pictures
from calibration.queries.pictures import DimensionView
from core import markdown
from measurement.scale import Scale
from tests.unit.measurement.builders import aligned

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "statistics.md"


def of_pairs() -> DimensionView:
    votes = {str(item): "AAB" if item % 2 else "BBB" for item in range(40)}
    found = aligned(votes, {item: labels[0] for item, labels in votes.items()})
    return pictures.dimension_view("best", "Best", found.as_dict())


def of_points() -> DimensionView:
    votes = {str(item): "445" if item % 2 else "122" for item in range(40)}
    scale = Scale.points(1, 5, level="ordinal").with_cut("4")
    found = aligned(votes, {item: labels[0] for item, labels in votes.items()}, scale=scale)
    return pictures.dimension_view("tone", "Tone", found.as_dict())


def test_every_line_of_a_report_leads_to_a_section_of_the_statistics_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    anchors = {section.anchor for section in markdown.document(text).sections}
    for view in (of_pairs(), of_points()):
        shown = [line.section for line in view.figures] + [line.section for line in view.checks]
        assert len(shown) > 15
        assert set(shown) <= anchors


def test_only_coefficients_and_points_are_written_without_percent() -> None:
    plain = {line.name for line in of_points().figures if not line.is_share}
    assert plain == {
        "Alpha, judge and people",
        "Kappa, judge and people",
        "Mean bias",
        "Judge − people, lower limit",
        "Judge − people, upper limit",
        "ICC(2,1), judge and people",
    }
