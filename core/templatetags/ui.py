"""What templates say in one word: fields, errors, figures, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField, CheckboxInput, Textarea, TextInput
from django.forms.widgets import ChoiceWidget, Select
from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from core import charts, figures, matrices
from core import markdown as markdown_text
from core.filters import FilterForm

register = template.Library()

SPACE = "\N{NO-BREAK SPACE}"
WRITTEN_BY_HAND = (TextInput, Textarea)  # not their kin: addresses and numbers run one way
BADGE_MARKS = {"good": "✓", "doubtful": "~", "poor": "×"}


# Forms --------------------------------------------------------------------------------------------


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField, *, label: str = "", hint: str = "", css: str = "", rows: int = 0
) -> dict[str, Any]:
    """A field with its label, hint and errors. Radios are never preselected by this tag.

    `label` and `hint` stand in for those of the form; `rows` sets the height of a text area.
    """
    hint = hint or str(bound.help_text)
    ids = [f"{bound.auto_id}_hint"] if hint else []
    ids += [f"{bound.auto_id}_error"] if bound.errors else []
    kind = _kind_of(bound)
    return {
        "bound": bound,
        "kind": kind,
        "label": label or bound.label,
        "hint": hint,
        "described_by": " ".join(ids),
        "control": ""
        if kind == "options"
        else bound.as_widget(attrs=_attributes(bound, ids, rows)),
        "is_optional": kind != "check" and not bound.field.required,
        "css": css,
    }


def _kind_of(bound: BoundField) -> str:
    widget = bound.field.widget
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, CheckboxInput):
        return "check"
    if isinstance(widget, ChoiceWidget) and not isinstance(widget, Select):
        return "options"
    return "plain"


def _attributes(bound: BoundField, ids: Sequence[str], rows: int) -> dict[str, str | bool]:
    attributes: dict[str, str | bool] = {}
    if ids:
        attributes["aria-describedby"] = " ".join(ids)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    if type(bound.field.widget) in WRITTEN_BY_HAND:
        attributes["dir"] = "auto"
    if rows:
        attributes["rows"] = str(rows)
    return attributes


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm) -> dict[str, Any]:
    """What has to be mended, at the top of the page, each line leading to its field."""
    found = [entry for form in forms if form.is_bound for entry in _errors_of(form)]
    return {"entries": found}


def _errors_of(form: BaseForm) -> list[dict[str, str]]:
    found = [{"target": "", "sentence": str(error)} for error in form.non_field_errors()]
    for bound in form:
        first = f"{bound.auto_id}_0" if _kind_of(bound) == "options" else bound.auto_id
        found += [
            {
                "target": "" if bound.is_hidden else first,
                "sentence": _sentence(str(bound.label or ""), str(error)),
            }
            for error in bound.errors
        ]
    return found


def _sentence(label: str, error: str) -> str:
    """The field's name before its error; a label that asks needs no colon."""
    return f"{label}{'' if label.endswith(('?', ':')) else ':'} {error}" if label else error


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.RequestContext, page: Page[Any]) -> dict[str, Any]:
    """Where one is in a long list, with the other parameters of the address kept."""
    return {
        "page": page,
        "previous": _address(context, page.previous_page_number() if page.has_previous() else None),
        "next": _address(context, page.next_page_number() if page.has_next() else None),
    }


def _address(context: template.RequestContext, number: int | None) -> str:
    if number is None:
        return ""
    request = context.get("request")
    query = request.GET.copy() if request is not None else None
    if query is None:
        return f"?page={number}"
    query["page"] = str(number)
    return f"?{query.urlencode()}"


@register.inclusion_tag("components/filter.html", takes_context=True)
def filter_form(
    context: template.RequestContext,
    form: FilterForm,
    *,
    name: str,
    target: str = "",
    keep: str = "",
) -> dict[str, Any]:
    """What a list is narrowed by, in one line above it; it works without script.

    `name` says of what; `target` is the list that is swapped in place; `keep` names what else of
    the address stays, such as its order.
    """
    request = context.get("request")
    asked = request.GET if request is not None else QueryDict()
    path = request.path if request is not None else ""
    kept = [(key, asked[key]) for key in keep.split() if asked.get(key)]
    return {
        "form": form,
        "name": name,
        "target": target,
        "path": path,
        "kept": kept,
        "all": f"{path}?{urlencode(kept)}" if kept else path,
    }


@register.simple_tag(takes_context=True)
def sort_head(
    context: template.RequestContext, key: str, name: str, *, css: str = "", first: str = "-"
) -> SafeString:
    """A column's head that sorts by it; again the other way round. `sort` is the order now.

    `first` is the direction of the first press: `-` the highest first, "" the lowest.
    """
    now = str(context.get("sort", ""))
    is_now = now.removeprefix("-") == key
    turned = key if now.startswith("-") else f"-{key}"
    request = context.get("request")
    query = request.GET.copy() if request is not None else QueryDict(mutable=True)
    query.pop("page", None)
    query["sort"] = turned if is_now else f"{first}{key}"
    order = "descending" if now.startswith("-") else "ascending"
    return format_html(
        '<th scope="col"{}{}><a class="sort" href="?{}">{}</a></th>',
        format_html(' class="{}"', css) if css else "",
        format_html(' aria-sort="{}"', order) if is_now else "",
        query.urlencode(),
        name,
    )


# Figures ------------------------------------------------------------------------------------------


@register.simple_tag(name="estimate")
def estimate_tag(
    estimate: object, *, digits: int = 2, n: bool = True, percent: bool = False
) -> SafeString:
    """`0.83 [0.79, 0.87] · n = 312`, or the reason why there is no figure.

    With `percent` the value and its interval are shares shown in percent, one digit.
    """
    figure = figures.figure_of(estimate)
    if figure.value is None:
        return format_html(
            '<span class="estimate estimate--undefined">{}</span>',
            f"undefined: {figure.reason}" if figure.reason else figures.NO_FIGURE,
        )
    factor, places = (100.0, 1) if percent else (1.0, digits)
    unit = f"{SPACE}%" if percent else ""
    return format_html(
        '<span class="estimate">{}{}{}{}</span>',
        figures.decimal(figure.value * factor, places),
        unit,
        _interval(figure, factor, places),
        _count(figure) if n else "",
    )


@register.simple_tag
def explained(name: str, section: str) -> SafeString:
    """A figure's name as a quiet link to its section of docs/statistics.md."""
    try:
        address = reverse("statistics")
    except NoReverseMatch:  # the page stands in a room above
        return conditional_escape(name)
    return format_html('<a class="explained" href="{}#{}">{}</a>', address, section, name)


@register.filter(name="estimate")
def estimate_filter(estimate: object, digits: int = 2) -> SafeString:
    """The same as a filter: value, interval and n."""
    return estimate_tag(estimate, digits=digits)


def _interval(figure: figures.Figure, factor: float, places: int) -> SafeString | str:
    if figure.low is None or figure.high is None:
        return ""
    return format_html(
        ' <span class="interval">[{}, {}]</span>',
        figures.decimal(figure.low * factor, places),
        figures.decimal(figure.high * factor, places),
    )


def _count(figure: figures.Figure) -> SafeString | str:
    if figure.n is None:
        return ""
    return format_html(' <span class="n">· n{}={}{}</span>', SPACE, SPACE, f"{figure.n:,}")


@register.filter
def percent(share: object, digits: int = 1) -> str:
    """A share of 0-1 (or an estimate of one) as percent: `84.2 %`; a dash when there is none."""
    figure = figures.figure_of(share)
    if figure.value is None:
        return figures.NO_FIGURE
    return f"{figures.decimal(figure.value * 100, digits)}{SPACE}%"


@register.filter
def decimal(value: float | None, digits: int = 2) -> str:
    """A number with a fixed count of digits; a dash when there is none."""
    return figures.NO_FIGURE if value is None else figures.decimal(value, digits)


@register.filter
def count(value: int | None) -> str:
    """A whole number with thousands parted: `1,240`; a dash when there is none."""
    return figures.NO_FIGURE if value is None else f"{value:,}"


@register.filter
def spoken(word: object) -> str:
    """A stored word as it is read: edge_case becomes edge case."""
    return str(word).replace("_", " ")


@register.simple_tag
def badge(kind: str, text: str) -> SafeString:
    """A word in its colour; good, doubtful and poor carry a mark: colour never stands alone."""
    mark = BADGE_MARKS.get(kind, "")
    shown = format_html('<span aria-hidden="true">{}</span>', mark) if mark else ""
    css = f" badge--{kind}" if kind and kind != "plain" else ""
    return format_html('<span class="badge{}">{}{}</span>', css, shown, text)


# Pictures -----------------------------------------------------------------------------------------


@register.inclusion_tag("components/interval_plot.html")
def interval_plot(
    plot: charts.IntervalPlot,
    *,
    caption: str,
    name: str = "",
    figure: str = "value",
    n: str = "n",
    digits: int = 2,
) -> dict[str, Any]:
    """The whole plot as a table: name, picture, figure, n, badge.

    `caption` says what it shows; `name`, `figure` and `n` head the columns (an empty `n` leaves
    that column out).
    """
    return {
        "plot": plot,
        "caption": caption,
        "name": name,
        "figure": figure,
        "count_name": n if plot.has_counts else "",
        "digits": digits,
    }


@register.simple_tag
def interval_cell(
    estimate: object, scale: charts.Scale, label: str, *, second: bool = False
) -> SafeString:
    """One row's picture, for a table with columns of its own (`<td class="plot-cell">`)."""
    svg = charts.interval_cell(estimate, scale, label=label, second=second)
    return mark_safe(svg)  # noqa: S308 - charts escapes every text


@register.simple_tag
def interval_axis(scale: charts.Scale) -> SafeString:
    """The axis below such cells, in the table's foot: bob, ceiling, numbers."""
    return mark_safe(charts.interval_axis(scale))  # noqa: S308 - charts escapes every text


@register.inclusion_tag("components/matrix.html")
def matrix(matrix: matrices.Matrix, *, counts: bool = False) -> dict[str, Any]:
    """A shaded table: with `counts` a confusion matrix with row sums, else pairs of raters."""
    return {"matrix": matrix, "counts": counts}


@register.inclusion_tag("components/distribution.html")
def distribution(
    distribution: charts.Distribution, *, caption: str, name: str = ""
) -> dict[str, Any]:
    """How each rater or judge uses the scale, with the counts one key away.

    Without `name` the one row stands below a heading that names it.
    """
    return {"distribution": distribution, "caption": caption, "name": name}


@register.inclusion_tag("components/trend.html")
def trend(trend: charts.Trend, *, caption: str, name: str = "") -> dict[str, Any]:
    """A figure over sessions or versions, with the numbers one key away."""
    return {"trend": trend, "caption": caption, "name": name}


@register.inclusion_tag("components/columns.html")
def columns(columns: charts.Columns, *, caption: str, name: str, figure: str) -> dict[str, Any]:
    """Amounts over time as columns, with the numbers one key away."""
    return {"columns": columns, "caption": caption, "name": name, "figure": figure}


@register.simple_tag
def progress(
    done: int | Sequence[charts.Segment], total: int, *, name: str = "Progress"
) -> SafeString:
    """A bar: `done` is a count, or the segments that make up what is done."""
    segments = [charts.Segment("done", done)] if isinstance(done, int) else done
    return mark_safe(charts.progress_bar(segments, total, name=name))  # noqa: S308


@register.filter
def markdown(text: str) -> SafeString:
    """What people and models wrote, as safe HTML; put it inside `<div class="reading">`."""
    return markdown_text.render(text)


@register.filter
def picture(svg: str) -> SafeString:
    """An SVG made by core.charts, which escapes every text in it."""
    return mark_safe(svg)  # noqa: S308
