"""Pictures: what is drawn where, what it says, and that nothing in it can do harm."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from core import charts
from core.charts import IntervalRow, Scale, Segment
from core.figures import Figure, decimal, figure_of
from core.matrices import confusion_matrix, rater_matrix
from measurement.estimate import Estimate, Interval

GATE = Scale(0.5, 1, target=0.8, ceiling=0.9)


def estimate(value: float, low: float, high: float, n: int = 100) -> dict[str, object]:
    return {"value": value, "n": n, "interval": [low, high], "undefined_because": ""}


def of_class(svg: str, name: str) -> list[ElementTree.Element]:
    return [e for e in ElementTree.fromstring(svg).iter() if e.get("class") == name]


# Figures


def test_a_figure_is_read_from_the_json_form_and_from_measurement_alike() -> None:
    from_json = figure_of(estimate(0.5, 0.4, 0.6, 7))
    from_object = figure_of(Estimate(0.5, 7, Interval(0.4, 0.6)))
    assert from_json == from_object == Figure(0.5, 7, 0.4, 0.6)


def test_an_undefined_figure_says_why() -> None:
    assert figure_of(Estimate.undefined("one category only", n=4)).written() == "one category only"


def test_a_bare_number_is_a_figure_without_interval() -> None:
    assert figure_of(0.25).written() == "0.25"


def test_a_figure_is_written_with_its_interval() -> None:
    assert figure_of(estimate(0.8342, 0.7911, 0.8688)).written(3) == "0.834 [0.791, 0.869]"


@pytest.mark.parametrize(
    ("value", "shown"), [(-0.001, "0.00"), (-0.5, "−0.50"), (0.995, "0.99"), (1, "1.00")]
)
def test_negative_numbers_get_a_true_minus_and_zero_none(value: float, shown: str) -> None:
    assert decimal(value, 2) == shown


# Scale


def test_positions_are_percent_of_the_window() -> None:
    assert [GATE.at(v) for v in (0.5, 0.75, 1)] == [0, 50, 100]


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(), (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (Scale(0.5, 1), (0.5, 0.6, 0.7, 0.8, 0.9, 1)),
        (Scale(0.3, 1), (0.4, 0.6, 0.8, 1)),
        (Scale(-1, 1), (-1, -0.5, 0, 0.5, 1)),
    ],
)
def test_ticks_are_round_numbers_inside_the_window(scale: Scale, ticks: tuple[float, ...]) -> None:
    assert scale.ticks == ticks


def test_a_scale_of_no_width_is_refused() -> None:
    with pytest.raises(ValueError, match="low < high"):
        Scale(1, 1)


def test_the_window_is_the_upper_half_only_when_everything_lies_there() -> None:
    high, wide = estimate(0.8, 0.7, 0.9), estimate(0.6, 0.45, 0.7)
    assert charts.window([high], target=0.8).low == 0.5
    assert charts.window([high, wide], target=0.8).low == 0
    assert charts.window([high], target=0.4).low == 0
    assert charts.window([]).low == 0


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Figure(0.9, 10, 0.8, 0.95), "clear of the target 0.8"),
        (Figure(0.82, 10, 0.79, 0.9), "across the target 0.8"),
        (Figure(0.7, 10, 0.6, 0.8), "across the target 0.8"),
        (Figure(0.7, 10, 0.6, 0.79), "below the target 0.8"),
        (Figure(0.8), "clear of the target 0.8"),
        (Figure(None, reason="no items"), ""),
    ],
)
def test_where_an_interval_hangs_is_said_in_words(figure: Figure, words: str) -> None:
    assert charts.hangs(figure, GATE) == words


# Interval plot


def test_bar_dot_target_and_ceiling_stand_where_the_numbers_are() -> None:
    svg = charts.interval_cell(estimate(0.75, 0.7, 0.8), GATE, label="v1")
    (bar,) = of_class(svg, "plot__bar")
    (dot,) = of_class(svg, "plot__dot")
    (target,) = of_class(svg, "plot__target")
    (ceiling,) = of_class(svg, "plot__ceiling")
    assert (bar.get("x1"), bar.get("x2")) == ("40%", "60%")
    assert dot.get("cx") == "50%"
    assert target.get("x1") == target.get("x2") == "60%"
    assert ceiling.get("x1") == "80%"


def test_an_interval_beyond_the_window_is_cut_and_marked_by_an_arrow() -> None:
    svg = charts.interval_cell(estimate(0.55, 0.3, 0.7), GATE, label="v1")
    (bar,) = of_class(svg, "plot__bar")
    assert bar.get("x1") == "0%"
    assert len(of_class(svg, "plot__beyond")) == 1


def test_a_value_wholly_outside_leaves_only_the_arrow() -> None:
    svg = charts.interval_cell(estimate(0.2, 0.1, 0.3), GATE, label="v1")
    assert of_class(svg, "plot__dot") == of_class(svg, "plot__bar") == []
    assert len(of_class(svg, "plot__beyond")) == 1


def test_an_undefined_figure_draws_no_data_and_names_the_reason() -> None:
    svg = charts.interval_cell(Estimate.undefined("no pairs"), GATE, label="v1")
    assert of_class(svg, "plot__dot") == []
    assert "<title>v1: no pairs</title>" in svg


def test_every_picture_names_and_describes_itself() -> None:
    svg = charts.interval_cell(estimate(0.9, 0.85, 0.95), GATE, label="v1")
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.findtext("title") == "v1: 0.900 [0.850, 0.950]"
    assert root.findtext("desc") == (
        "The interval hangs clear of the target 0.8. Drawn from 0.5 to 1; target 0.8, people 0.9."
    )


def test_the_axis_carries_bob_ceiling_name_and_ticks() -> None:
    svg = charts.interval_axis(GATE)
    assert len(of_class(svg, "plot__bob")) == 1
    texts = [e.text for e in ElementTree.fromstring(svg).iter("text")]
    assert texts == ["people", "0.5", "0.6", "0.7", "0.8", "0.9", "1"]


def test_the_ceiling_name_moves_aside_from_a_near_bob() -> None:
    near = charts.interval_axis(Scale(0.5, 1, target=0.8, ceiling=0.82))
    below = charts.interval_axis(Scale(0.5, 1, target=0.8, ceiling=0.79))
    assert 'text-anchor="start">people' in near
    assert 'text-anchor="end">people' in below


@pytest.mark.parametrize(("name", "anchor"), [("top", "middle"), ("reliable", "start")])
def test_a_long_ceiling_name_moves_aside_sooner(name: str, anchor: str) -> None:
    scale = Scale(0.4, 1, target=0.667, ceiling=0.8, ceiling_name=name)
    assert f'text-anchor="{anchor}">{name}' in charts.interval_axis(scale)


def test_a_target_outside_the_window_is_not_drawn() -> None:
    svg = charts.interval_axis(Scale(0.5, 1, target=0.3))
    assert of_class(svg, "plot__bob") == of_class(svg, "plot__target") == []


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Figure(0.0, 10, -0.04, 0.05), "inside the tolerance −0.05 to 0.05"),
        (Figure(0.04, 10, 0.01, 0.08), "across the tolerance −0.05 to 0.05"),
        (Figure(0.2, 10, 0.06, 0.3), "outside the tolerance −0.05 to 0.05"),
        (Figure(-0.2, 10, -0.3, -0.06), "outside the tolerance −0.05 to 0.05"),
        (Figure(None, reason="no items"), ""),
    ],
)
def test_where_an_interval_lies_to_its_tolerance_is_said_in_words(
    figure: Figure, words: str
) -> None:
    assert charts.hangs(figure, Scale(-0.25, 0.25, tolerance=(-0.05, 0.05))) == words


def test_both_ends_of_a_tolerance_are_lines_but_for_the_windows_own() -> None:
    both = Scale(-0.25, 0.25, tolerance=(-0.05, 0.05))
    cell = charts.interval_cell(estimate(0.0, -0.02, 0.02), both, label="v1")
    assert [line.get("x1") for line in of_class(cell, "plot__target")] == ["40%", "60%"]
    assert len(of_class(charts.interval_axis(both), "plot__bob")) == 2
    assert "tolerance −0.05 to 0.05" in cell
    one = charts.interval_axis(Scale(0, 0.5, tolerance=(0.0, 0.1)))
    assert [line.get("x1") for line in of_class(one, "plot__target")] == ["20%"]


def test_a_plot_knows_which_columns_its_table_needs() -> None:
    bare = charts.interval_plot([IntervalRow("a", 0.7)], GATE)
    full = charts.interval_plot([IntervalRow("a", estimate(0.7, 0.6, 0.8), badge="ok")], GATE)
    assert (bare.has_badges, bare.has_counts) == (False, False)
    assert (full.has_badges, full.has_counts) == (True, True)


# Trend, distribution, progress


def test_a_trend_joins_only_the_points_that_have_a_value() -> None:
    points: list[tuple[str, object]] = [
        ("1", 0.4),
        ("2", Estimate.undefined("too few")),
        ("3", 0.6),
    ]
    drawn = charts.trend(points, Scale(target=0.5), name="alpha")
    assert len(of_class(drawn.svg, "plot__dot")) == 2
    assert len(of_class(drawn.svg, "plot__link")) == 1
    assert "2: too few" in drawn.svg
    assert [p.label for p in drawn.points] == ["1", "2", "3"]


def test_a_higher_value_stands_higher_in_a_trend() -> None:
    drawn = charts.trend([("1", 0.2), ("2", 0.8)], Scale(), name="alpha")
    low, high = (float(dot.get("cy", "")) for dot in of_class(drawn.svg, "plot__dot"))
    assert high < low


def test_a_trend_of_nothing_is_still_a_picture() -> None:
    assert "<svg" in charts.trend([], Scale(), name="alpha").svg


def test_a_strip_draws_shares_on_one_height() -> None:
    drawn = charts.distribution_strip(("1", "2"), {"Ana": (1, 3), "Ben": (20, 20)})
    heights = [
        [float(bar.get("height", "")) for bar in of_class(row.svg, "plot__column")]
        for row in drawn.rows
    ]
    # Shares .25 .75 | .5 .5 on the height of the largest (.75), which fills 24 of 26 pixels.
    assert heights == [[8, 24], [16, 16]]
    assert [(row.counts, row.n) for row in drawn.rows] == [((1, 3), 4), ((20, 20), 40)]


def test_a_strip_of_no_labels_draws_nothing() -> None:
    drawn = charts.distribution_strip(("A", "B"), {"Ana": (0, 0)})
    assert {bar.get("height") for bar in of_class(drawn.rows[0].svg, "plot__column")} == {"0"}


def test_a_strip_of_another_length_than_its_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="one count for each point"):
        charts.distribution_strip(("1", "2"), {"Ana": (1, 2, 3)})


def dollars(amount: float) -> str:
    return f"${amount:.2f}"


def test_columns_stand_on_one_floor_and_the_highest_is_named() -> None:
    drawn = charts.columns(
        [("1 Nov", 2.0), ("2 Nov", 0.0), ("3 Nov", 4.0)], name="Spent by day", written=dollars
    )
    heights = [float(bar.get("height", "")) for bar in of_class(drawn.svg, "plot__column")]
    assert heights == [42, 84]
    assert ">highest: $4.00<" in drawn.svg
    assert "<desc>1 Nov: $2.00; 2 Nov: $0.00; 3 Nov: $4.00.</desc>" in drawn.svg
    assert [(row.label, row.written) for row in drawn.rows][1] == ("2 Nov", "$0.00")


def test_many_columns_have_four_labels_and_no_column_draws_nothing() -> None:
    many = charts.columns([(f"d{n}", 1.0) for n in range(92)], name="Spent", written=dollars)
    assert len(re.findall(r'text-anchor="\w+">d', many.svg)) == 4
    empty = charts.columns([("1 Nov", 0.0)], name="Spent", written=dollars)
    assert of_class(empty.svg, "plot__column") == []
    assert "<svg" in charts.columns([], name="Spent", written=dollars).svg


def test_segments_stand_end_to_end_and_the_rest_is_track() -> None:
    svg = charts.progress_bar(
        [Segment("from cache", 20, "kept"), Segment("answered", 30)], 100, name="Run 1"
    )
    (kept,) = of_class(svg, "progress__part--kept")
    (done,) = of_class(svg, "progress__part--done")
    assert (kept.get("x"), kept.get("width")) == ("0%", "20%")
    assert (done.get("x"), done.get("width")) == ("20%", "30%")
    assert "<title>Run 1: 50 of 100</title>" in svg


def test_progress_of_nothing_does_not_divide_by_zero() -> None:
    assert "0 of 0" in charts.progress_bar([Segment("done", 0)], 0)


# Matrices


def test_confusion_cells_hold_counts_and_are_shaded_by_row_share() -> None:
    table = confusion_matrix(("A", "B"), ((90, 10), (0, 0)))
    first, second = table.rows
    assert [cell.text for cell in first.cells] == ["90", "10"]
    assert [cell.shade for cell in first.cells] == [9, 1]
    assert [cell.is_same for cell in first.cells] == [True, False]
    assert first.cells[1].meaning == "people A, judge B: 10 of 100, 10\N{NO-BREAK SPACE}%"
    assert [cell.shade for cell in second.cells] == [None, None]
    assert (first.total, second.total) == ("100", "0")


def test_a_confusion_matrix_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="one row and one column"):
        confusion_matrix(("A", "B"), ((1, 2),))


def test_pairs_are_found_in_either_order_and_missing_ones_say_so() -> None:
    table = rater_matrix(("Ana", "Ben", "Cem"), {("Ben", "Ana"): estimate(0.7, 0.6, 0.8, 50)})
    first = table.rows[0].cells
    assert [cell.text for cell in first] == ["–", "0.70", "–"]
    assert first[0].meaning == "Ana with Ana: the same rater"
    assert first[1].meaning == "Ana with Ben: kappa 0.70 [0.60, 0.80], n = 50"
    assert first[2].meaning == "Ana with Cem: no items in common"


@pytest.mark.parametrize(("value", "shade"), [(-0.2, 0), (0.3, 0), (0.6, 5), (0.9, 10), (1, 10)])
def test_shades_of_pairs_stay_on_the_ladder(value: float, shade: int) -> None:
    table = rater_matrix(("a", "b"), {("a", "b"): value})
    assert table.rows[0].cells[1].shade == shade


# Harm

EVIL = "<script>x</script>\"'&"


def pictures_of(text: str) -> list[str]:
    return [
        charts.interval_cell(0.7, Scale(target=0.8, target_name=text), label=text),
        charts.interval_axis(Scale(ceiling=0.5, ceiling_name=text)),
        charts.trend([(text, 0.5)], Scale(), name=text).svg,
        charts.distribution_strip((text,), {text: (1,)}).rows[0].svg,
        charts.progress_bar([Segment(text, 1)], 2, name=text),
        charts.columns([(text, 1.0)], name=text, written=dollars).svg,
    ]


@pytest.mark.parametrize("svg", pictures_of(EVIL))
def test_every_text_in_a_picture_is_escaped(svg: str) -> None:
    assert "<script" not in svg
    assert EVIL in "".join(ElementTree.fromstring(svg).itertext())


@pytest.mark.parametrize("svg", pictures_of("plain"))
def test_no_picture_carries_a_style_an_id_or_a_handler(svg: str) -> None:
    assert re.search(r"\s(style|id|on\w+)=", svg) is None
