"""Numbers -> accessible SVG and table rows. No Django, no colours: classes carry the theme.

Horizontal positions are percentages, so that a picture fills whatever cell it is put in. Every
`<svg>` names itself by `<title>` and `<desc>`, needs no id, and never holds a style attribute (the
Content-Security-Policy would refuse it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from core.figures import Figure, figure_of

MAX_TICKS = 6
TICK_STEPS = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 50.0, 100.0)
ROW_HEIGHT = 28
AXIS_HEIGHT = 38
STRIP_HEIGHT = 40
TREND_HEIGHT = 150
COLUMNS_HEIGHT = 120
MOST_PATH_POINTS = 200
MOST_TREND_NAMES = 8
MOST_COLUMN_LABELS = 4
NARROWEST = 112  # pixels: an interval plot on a small phone
LETTER = 5.5  # pixels: a letter under the axis, about
BOB = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """The window of a plot, the target (brass, with the bob) and the people's ceiling (dotted).

    Where an interval has to lie between two values it has a `tolerance` instead of a target: each
    end is a line, but for one that is the window's own.
    """

    low: float = 0.0
    high: float = 1.0
    target: float | None = None
    ceiling: float | None = None
    target_name: str = "target"
    ceiling_name: str = "people"
    tolerance: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError("a scale needs low < high")

    def at(self, value: float) -> float:
        """The position of a value in percent of the width; outside 0-100 when beyond the window."""
        return (value - self.low) / (self.high - self.low) * 100

    def shows(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def lines(self) -> tuple[float, ...]:
        """Where lines with a bob stand: the target, or the ends of the tolerance."""
        marks = (self.target,) if self.tolerance is None else self.tolerance
        inner = (mark for mark in marks if mark is not None and self.shows(mark))
        return tuple(
            mark for mark in inner if self.tolerance is None or self.low < mark < self.high
        )

    @property
    def ticks(self) -> tuple[float, ...]:
        step = next(
            (s for s in TICK_STEPS if (self.high - self.low) / s <= MAX_TICKS), TICK_STEPS[-1]
        )
        first = round(self.low / step)
        last = round(self.high / step)
        marks = (round(i * step, 6) for i in range(first, last + 1))
        return tuple(mark for mark in marks if self.shows(mark))


def window(
    figures: Sequence[object], *, target: float | None = None, ceiling: float | None = None
) -> Scale:
    """The fixed scale 0-1, or 0.5-1 when all that is drawn lies in the upper half."""
    values = [
        v for figure in map(figure_of, figures) for v in (figure.value, figure.low) if v is not None
    ]
    values += [mark for mark in (target, ceiling) if mark is not None]
    low = 0.5 if values and min(values) >= 0.5 else 0.0
    return Scale(low, 1.0, target, ceiling)


def hangs(figure: Figure, scale: Scale) -> str:
    """Where the interval hangs, in words: clear of the target, across it, below it; or "".

    Without an interval the value alone decides between at-or-above and below.
    """
    if figure.value is None or (scale.target is None and scale.tolerance is None):
        return ""
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    if scale.tolerance is not None:
        return _within(low, high, scale.tolerance)
    assert scale.target is not None
    if low >= scale.target:
        return f"clear of the {scale.target_name} {_short(scale.target)}"
    if high < scale.target:
        return f"below the {scale.target_name} {_short(scale.target)}"
    return f"across the {scale.target_name} {_short(scale.target)}"


def _within(low: float, high: float, tolerance: tuple[float, float]) -> str:
    words = f"the tolerance {_short(tolerance[0])} to {_short(tolerance[1])}"
    if tolerance[0] <= low and high <= tolerance[1]:
        return f"inside {words}"
    return f"outside {words}" if high < tolerance[0] or low > tolerance[1] else f"across {words}"


# Interval plot ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One line of an interval plot. `second` draws it in grey (slices below an overall row)."""

    label: str
    estimate: object
    note: str = ""
    href: str = ""
    second: bool = False
    badge_kind: str = ""
    badge: str = ""


@dataclass(frozen=True, slots=True)
class PlottedRow:
    """A row with its picture and its figure, ready for a template."""

    row: IntervalRow
    figure: Figure
    svg: str


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """Rows and axis of an interval plot: the table that holds them is its text form."""

    rows: tuple[PlottedRow, ...]
    axis: str
    scale: Scale
    has_badges: bool
    has_counts: bool


def interval_plot(rows: Sequence[IntervalRow], scale: Scale) -> IntervalPlot:
    """All rows on one scale, with the axis that carries bob, ceiling and numbers."""
    plotted = []
    for row in rows:
        figure = figure_of(row.estimate)
        svg = interval_cell(figure, scale, label=row.label, second=row.second)
        plotted.append(PlottedRow(row, figure, svg))
    return IntervalPlot(
        rows=tuple(plotted),
        axis=interval_axis(scale),
        scale=scale,
        has_badges=any(row.badge for row in rows),
        has_counts=any(item.figure.n is not None for item in plotted),
    )


def interval_cell(estimate: object, scale: Scale, *, label: str, second: bool = False) -> str:
    """One row of an interval plot: track, target, ceiling, interval and value."""
    figure = figure_of(estimate)
    middle = ROW_HEIGHT // 2
    parts = [_line("plot__track", 0, middle, 100, middle), *_marks(scale, 1, ROW_HEIGHT - 1)]
    parts += _interval(figure, scale, middle)
    return _svg(
        height=ROW_HEIGHT,
        title=f"{label}: {figure.written(3)}",
        description=_described(figure, scale),
        body=parts,
        extra=" plot--second" if second else "",
    )


def interval_axis(scale: Scale) -> str:
    """The foot of an interval plot: the bob under the target, the ceiling's name, the numbers."""
    parts = [_line(f"plot__{kind}", at, 0, at, 7) for kind, at in _lines_of(scale)]
    parts += [_bob(scale.at(mark), 6) for mark in scale.lines]
    if scale.ceiling is not None and scale.shows(scale.ceiling):
        parts.append(_ceiling_name(scale))
    parts += [_text(scale.at(tick), 34, _short(tick)) for tick in scale.ticks]
    return _svg(
        height=AXIS_HEIGHT,
        title=f"Scale from {_short(scale.low)} to {_short(scale.high)}",
        description=_scale_described(scale),
        body=parts,
    )


def _interval(figure: Figure, scale: Scale, middle: int) -> list[str]:
    if figure.value is None:
        return []
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    parts = []
    if high > scale.low and low < scale.high and high > low:
        left, right = _inside(scale.at(low)), _inside(scale.at(high))
        parts.append(_line("plot__bar", left, middle, right, middle))
    if low < scale.low:
        parts.append(_beyond(0, middle, -1))
    if high > scale.high:
        parts.append(_beyond(100, middle, 1))
    if scale.shows(figure.value):
        at = _percent(scale.at(figure.value))
        parts.append(f'<circle class="plot__dot" cx="{at}" cy="{middle}" r="4.75"/>')
    return parts


def _marks(scale: Scale, top: int, bottom: int) -> list[str]:
    return [_line(f"plot__{kind}", at, top, at, bottom) for kind, at in _lines_of(scale)]


def _lines_of(scale: Scale) -> list[tuple[str, float]]:
    found = [("target", scale.at(mark)) for mark in scale.lines]
    if scale.ceiling is not None and scale.shows(scale.ceiling):
        found.insert(0, ("ceiling", scale.at(scale.ceiling)))
    return found


def _ceiling_name(scale: Scale) -> str:
    """The ceiling's name under its line, moved aside where it would run into the bob."""
    assert scale.ceiling is not None
    at = scale.at(scale.ceiling)
    anchor, shift = "middle", 0
    clearance = 100 * (len(scale.ceiling_name) * LETTER / 2 + BOB) / NARROWEST
    if scale.target is not None and abs(at - scale.at(scale.target)) < clearance:
        is_right = scale.ceiling >= scale.target
        anchor, shift = ("start", 6) if is_right else ("end", -6)
    return _text(at, 17, scale.ceiling_name, anchor=anchor, shift=shift)


def _described(figure: Figure, scale: Scale) -> str:
    if figure.value is None:
        return "No value is drawn."
    hanging = hangs(figure, scale)
    subject = "The interval" if figure.has_interval else "The value"
    sentences = [f"{subject} hangs {hanging}." if hanging else "", _scale_described(scale)]
    return " ".join(sentence for sentence in sentences if sentence)


def _scale_described(scale: Scale) -> str:
    marks = []
    if scale.target is not None:
        marks.append(f"{scale.target_name} {_short(scale.target)}")
    if scale.ceiling is not None:
        marks.append(f"{scale.ceiling_name} {_short(scale.ceiling)}")
    if scale.tolerance is not None:
        marks.append("tolerance {} to {}".format(*map(_short, scale.tolerance)))
    window_of = f"Drawn from {_short(scale.low)} to {_short(scale.high)}"
    return f"{window_of}; {', '.join(marks)}." if marks else f"{window_of}."


# Distribution -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DistributionRow:
    label: str
    svg: str
    counts: tuple[int, ...]
    n: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How each rater or judge uses the points of a scale: a strip of columns a row."""

    points: tuple[str, ...]
    rows: tuple[DistributionRow, ...]


def distribution_strip(points: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Distribution:
    """One strip for each name; the height of a column is its share of that name's labels.

    All strips share one height, that of the largest share. Raises ValueError when a row has another
    length than `points`.
    """
    if any(len(row) != len(points) for row in counts.values()):
        raise ValueError("a distribution has one count for each point of the scale")
    shares = [n / sum(row) for row in counts.values() for n in row if sum(row)]
    highest = max(shares, default=0.0) or 1.0
    rows = []
    for name, row in counts.items():
        svg = _strip(name, points, row, highest)
        rows.append(DistributionRow(name, svg, tuple(row), sum(row)))
    return Distribution(tuple(points), tuple(rows))


def _strip(name: str, points: Sequence[str], counts: Sequence[int], highest: float) -> str:
    total = sum(counts)
    width = 100 / len(points)
    floor = STRIP_HEIGHT - 14
    parts = []
    for i, (point, count) in enumerate(zip(points, counts, strict=True)):
        height = 0.0 if total == 0 else count / total / highest * (floor - 2)
        left, broad = _percent(width * (i + 0.12)), _percent(width * 0.76)
        parts.append(
            f'<rect class="plot__column" x="{left}" y="{_pixels(floor - height)}" '
            f'width="{broad}" height="{_pixels(height)}" rx="1.5"/>'
        )
        parts.append(_text(width * (i + 0.5), STRIP_HEIGHT - 2, point))
    parts.append(_line("plot__track", 0, floor, 100, floor))
    spoken = ", ".join(f"{point}: {count}" for point, count in zip(points, counts, strict=True))
    return _svg(
        height=STRIP_HEIGHT, title=f"{name}: {total:,} labels", description=spoken, body=parts
    )


# Trend --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrendPoint:
    label: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Trend:
    """Values in order, each with its interval; `points` is the text form."""

    svg: str
    points: tuple[TrendPoint, ...]


def trend(
    points: Sequence[tuple[str, object]], scale: Scale, *, name: str, kinds: Sequence[str] = ()
) -> Trend:
    """A figure over sessions or versions: (label, estimate) in order, the target in brass.

    With `kinds`, one for each point, a line joins only points of the same kind: those that compare.
    """
    figures = tuple(TrendPoint(label, figure_of(estimate)) for label, estimate in points)
    floor = TREND_HEIGHT - 26
    places = [(4 + 92 * (i + 0.5) / max(len(figures), 1)) for i in range(len(figures))]

    def height_of(value: float) -> float:
        return floor - _inside(scale.at(value)) / 100 * (floor - 8)

    parts = []
    for tick in scale.ticks:
        parts.append(_line("plot__grid", 6, height_of(tick), 100, height_of(tick)))
        parts.append(_text(0, height_of(tick) + 4, _short(tick), anchor="start"))
    if scale.target is not None and scale.shows(scale.target):
        y = height_of(scale.target)
        parts.append(_line("plot__target", 6, y, 100, y))
    for kind in dict.fromkeys(kinds or ("",)):
        drawn = [
            (at, p.figure.value)
            for at, p, one in zip(places, figures, kinds or [""] * len(figures), strict=True)
            if one == kind and p.figure.value is not None
        ]
        for (x1, v1), (x2, v2) in pairwise(drawn):
            parts.append(_line("plot__link", x1, height_of(v1), x2, height_of(v2)))
    # So many names stand side by side on a phone; the table has every one.
    step = max(1, -(-len(figures) // MOST_TREND_NAMES))
    for index, (at, point) in enumerate(zip(places, figures, strict=True)):
        parts += _trend_point(at, point.figure, height_of)
        if index % step == 0:
            parts.append(_text(at, TREND_HEIGHT - 4, point.label))
    spoken = "; ".join(f"{p.label}: {p.figure.written(2)}" for p in figures)
    description = f"{spoken}. {_scale_described(scale)}"
    return Trend(
        _svg(height=TREND_HEIGHT, title=name, description=description, body=parts), figures
    )


def _trend_point(at: float, figure: Figure, height_of: Callable[[float], float]) -> list[str]:
    if figure.value is None:
        return []
    parts = []
    if figure.low is not None and figure.high is not None:
        parts.append(_line("plot__bar", at, height_of(figure.low), at, height_of(figure.high)))
    y = height_of(figure.value)
    parts.append(f'<circle class="plot__dot" cx="{_percent(at)}" cy="{y:.1f}" r="4.75"/>')
    return parts


# Path -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LimitPath:
    """A statistic that must stay below a limit; `highest` of `labels` values is its text form."""

    svg: str
    labels: int
    last: float
    highest: float


def limit_path(values: Sequence[float], limit: float, *, name: str) -> LimitPath:
    """Values of 0 and more in order, from 0 to a little above the limit, the limit in brass.

    Of many values the highest of each stretch is drawn, so that nothing above the limit is lost.
    """
    floor, top = TREND_HEIGHT - 22, 14
    highest = max(values, default=0.0)
    ceiling = max(highest, limit) * 1.1

    def height_of(value: float) -> float:
        return floor - value / ceiling * (floor - top)

    step = max(1, -(-len(values) // MOST_PATH_POINTS))
    drawn = [max(values[at : at + step]) for at in range(0, len(values), step)]
    width = 94 / max(len(drawn), 1)
    parts = [
        _line("plot__track", 4, floor, 100, floor),
        _line("plot__target", 4, height_of(limit), 100, height_of(limit)),
        _text(0, height_of(limit) + 4, _short(limit), anchor="start"),
        _text(0, floor + 4, "0", anchor="start"),
    ]
    heights = [height_of(value) for value in (0.0, *drawn)]
    for place, (before, after) in enumerate(pairwise(heights)):
        parts.append(_line("plot__link", 4 + width * place, before, 4 + width * (place + 1), after))
    parts.append(_text(4, TREND_HEIGHT - 4, "label 1", anchor="start"))
    parts.append(_text(98, TREND_HEIGHT - 4, f"label {len(values):,}", anchor="end"))
    last = values[-1] if values else 0.0
    description = (
        f"After {len(values):,} labels at {_short(last)}, at most {_short(highest)}; "
        f"the limit is {_short(limit)}."
    )
    svg = _svg(height=TREND_HEIGHT, title=name, description=description, body=parts)
    return LimitPath(svg, len(values), last, highest)


# Columns ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnRow:
    label: str
    written: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Amounts in order, one column each; `rows` is the text form."""

    svg: str
    rows: tuple[ColumnRow, ...]


def columns(
    amounts: Sequence[tuple[str, float]], *, name: str, written: Callable[[float], str]
) -> Columns:
    """Amounts of 0 and more over days or months: (label, amount) in order, from 0 to the highest.

    `written` says an amount in its unit. At most four labels stand under the axis.
    """
    floor = COLUMNS_HEIGHT - 20
    highest = max((amount for _, amount in amounts), default=0.0)
    width = 100 / max(len(amounts), 1)
    step = -(-len(amounts) // MOST_COLUMN_LABELS) if amounts else 1
    parts = [_line("plot__grid", 0, 16, 100, 16)] if highest else []
    for place, (label, amount) in enumerate(amounts):
        height = amount / highest * (floor - 16) if highest else 0.0
        if height:
            parts.append(
                f'<rect class="plot__column" x="{_percent(width * (place + 0.12))}" '
                f'y="{_pixels(floor - height)}" width="{_percent(width * 0.76)}" '
                f'height="{_pixels(max(height, 1.0))}"/>'
            )
        if place % step == 0:
            parts.append(_column_label(width * place, width, label))
    parts.append(_line("plot__track", 0, floor, 100, floor))
    if highest:
        parts.append(_text(0, 11, f"highest: {written(highest)}", anchor="start"))
    rows = tuple(ColumnRow(label, written(amount)) for label, amount in amounts)
    spoken = "; ".join(f"{row.label}: {row.written}" for row in rows)
    svg = _svg(height=COLUMNS_HEIGHT, title=name, description=f"{spoken}.", body=parts)
    return Columns(svg, rows)


def _column_label(at: float, width: float, label: str) -> str:
    """Under the column's left edge; the last ones end at its right edge and stay in the picture."""
    if at < 88:
        return _text(at, COLUMNS_HEIGHT - 4, label, anchor="start")
    return _text(at + width, COLUMNS_HEIGHT - 4, label, anchor="end")


# Progress -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a whole; `kind` is done, kept, good, poor or waiting."""

    label: str
    count: int
    kind: str = "done"


def progress_bar(segments: Sequence[Segment], total: int, *, name: str = "Progress") -> str:
    """A bar of segments in the given order; what is left of `total` stays the empty track."""
    done = sum(segment.count for segment in segments)
    whole = max(total, done, 1)
    parts = ['<rect class="progress__track" x="0" y="0" width="100%" height="8"/>']
    at = 0.0
    for segment in segments:
        width = segment.count / whole * 100
        parts.append(
            f'<rect class="progress__part--{escape(segment.kind)}" x="{_percent(at)}" y="0" '
            f'width="{_percent(width)}" height="8"/>'
        )
        at += width
    spoken = ", ".join(f"{segment.count:,} {segment.label}" for segment in segments)
    return (
        '<svg class="progress" role="img" width="100%" height="8" focusable="false">'
        f"<title>{escape(name)}: {done:,} of {total:,}</title><desc>{escape(spoken)}</desc>"
        f"{''.join(parts)}</svg>"
    )


# Pieces of SVG ------------------------------------------------------------------------------------


def _svg(*, height: int, title: str, description: str, body: Sequence[str], extra: str = "") -> str:
    return (
        f'<svg class="plot{extra}" role="img" width="100%" height="{height}" overflow="visible" '
        f'focusable="false"><title>{escape(title)}</title><desc>{escape(description)}</desc>'
        f"{''.join(body)}</svg>"
    )


def _line(css: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line class="{css}" x1="{_percent(x1)}" y1="{_pixels(y1)}" '
        f'x2="{_percent(x2)}" y2="{_pixels(y2)}"/>'
    )


def _text(at: float, y: float, text: str, *, anchor: str = "middle", shift: int = 0) -> str:
    moved = f' dx="{shift}"' if shift else ""
    return (
        f'<text x="{_percent(at)}" y="{_pixels(y)}"{moved} text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _bob(at: float, top: int) -> str:
    """The bob: percentages cannot stand in a path, so a nested `<svg>` carries it to its place."""
    return (
        f'<svg x="{_percent(at)}" y="{top}" overflow="visible" width="1" height="1">'
        '<path class="plot__bob" d="M-4.5 0H4.5L0 11Z"/></svg>'
    )


def _beyond(at: float, middle: int, direction: int) -> str:
    """A small arrow at the edge: the interval goes on beyond the window."""
    return (
        f'<svg x="{_percent(at)}" y="{middle}" overflow="visible" width="1" height="1">'
        f'<path class="plot__beyond" d="M{-4 * direction} -4L0 0L{-4 * direction} 4"/></svg>'
    )


def _inside(percent: float) -> float:
    return min(100.0, max(0.0, percent))


def _percent(value: float) -> str:
    return f"{round(value, 2):g}%"


def _pixels(value: float) -> str:
    return f"{round(value, 1):g}"


def _short(value: float) -> str:
    return f"{round(value, 3):g}".replace("-", "\N{MINUS SIGN}")
