"""The first three of a project's five steps: data, guideline, rating."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date

from annotation.models import Dataset, Item, Round, whole
from annotation.queries import guidelines, rounds
from annotation.states import DatasetKind, RoundState
from core.registry import Step

NOTHING = "–"
SPACE = "\N{NO-BREAK SPACE}"


def data(project_id: int, slug: str) -> Step:
    """Done as soon as there is an item."""
    items = Item.objects.filter(
        whole(),
        project=project_id,
        dataset__kind=DatasetKind.NORMAL,
        withdrawn_at__isnull=True,
    ).count()
    datasets = Dataset.objects.filter(project=project_id, kind=DatasetKind.NORMAL).count()
    note = f"in {_counted(datasets, 'dataset')}" if items else "import the first items"
    return Step(
        key="data",
        title="Data",
        url=reverse("datasets", args=[slug]),
        number=_counted(items, "item"),
        note=note,
        is_done=items > 0,
    )


def guideline(project_id: int, slug: str) -> Step:
    """Done as soon as a version is in force."""
    version = guidelines.latest_published(project_id=project_id)
    has_draft = guidelines.has_draft(project_id=project_id)
    if version is None:
        number, note = ("draft", "publish it") if has_draft else (NOTHING, "write one")
    else:
        number = version.number
        note = "a draft waits" if has_draft else f"published {_day(version.published_at)}"
    return Step(
        key="guideline",
        title="Guideline",
        url=reverse("guidelines", args=[slug]),
        number=number,
        note=note,
        is_done=version is not None,
    )


def rate(project_id: int, slug: str) -> Step:
    """Done when the round being rated has every rating, or the last one was closed."""
    round_ = rounds.current(project_id=project_id)
    if round_ is None:
        number, note, is_done = NOTHING, "open a round", False
    else:
        number, note, is_done = _how_far(round_)
    return Step(
        key="rate",
        title="Rate",
        url=reverse("rounds", args=[slug]),
        number=number,
        note=note,
        is_done=is_done,
    )


def _how_far(round_: Round) -> tuple[str, str, bool]:
    counted = rounds.submitted_of(round_)
    if counted is None:
        return NOTHING, "is being counted", False
    submitted, slots = counted
    number = f"{_percent(submitted, slots)}{SPACE}%"
    if round_.state == RoundState.CLOSED:
        return number, f"closed {_day(round_.closed_at)}".strip(), submitted > 0
    if round_.state == RoundState.DRAFT:
        return number, f"open {round_.name}", False
    if round_.state == RoundState.PAUSED:
        return number, f"{round_.name} is paused", False
    return number, f"{submitted:,} of {slots:,} ratings", submitted == slots


def _percent(part: int, whole: int) -> int:
    """Rounded down, so that 100 means all."""
    return part * 100 // whole if whole else 0


def _counted(number: int, noun: str) -> str:
    return f"{number:,}{SPACE}{noun}" + ("" if number == 1 else "s")


def _day(moment: datetime | None) -> str:
    return format_date(timezone.localtime(moment), "j M") if moment else ""
