"""What the lists of the annotation room are narrowed by."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms

from annotation.queries.admissions import MAY, NOT_YET
from annotation.queries.imports import GOING_ON
from annotation.queries.items import ItemFilter, spoken
from annotation.rules.itemrows import CASES, DIFFICULTIES, SOURCES
from annotation.states import ItemKind, Part, RoundKind, RoundState, VersionState
from core.filters import FilterForm, search
from core.models import JobState

KIND_WORDS: dict[str, str] = {RoundKind.RERATING: "re-rating"}
"""Kinds of round that are not written as they are stored."""


class DatasetsFilter(FilterForm):
    """Datasets of a project."""

    q = search("Dataset", name="Find a dataset", hint="Name")


class GoldFilter(FilterForm):
    """Gold items of a project."""

    q = search("Gold item", name="Find a gold item", hint="Item or guideline")


def _any(words: Iterable[str]) -> list[tuple[str, str]]:
    return [("", "any"), *((word, spoken(word)) for word in words)]


class ItemFilterForm(FilterForm):
    """Items of a dataset."""

    q = search("Item", name="Find an item", hint="Text or id")
    part = forms.ChoiceField(
        label="Part",
        required=False,
        choices=[
            ("", "any"),
            (Part.DEVELOPMENT.value, "development"),
            (Part.SEALED.value, "sealed"),
            (Part.NONE.value, "outside both"),
        ],
    )
    kind = forms.ChoiceField(label="Kind", required=False, choices=_any(ItemKind.values))
    difficulty = forms.ChoiceField(label="Difficulty", required=False, choices=_any(DIFFICULTIES))
    case = forms.ChoiceField(label="Case", required=False, choices=_any(CASES))
    source = forms.ChoiceField(label="Source", required=False, choices=_any(SOURCES))
    tag = forms.CharField(label="Tag", required=False, max_length=100)

    def wanted(self) -> ItemFilter:
        """What can be read of the filter; the rest of it asks for everything."""
        asked = {name: self.asked(name) for name in self.fields if name != "q"}
        return ItemFilter(text=self.asked("q"), **asked)


class QualifiedFilter(FilterForm):
    """Raters of a qualification."""

    q = search("Rater", name="Find a rater", hint="Name")
    state = forms.ChoiceField(
        label="Who",
        required=False,
        choices=[("", "everybody"), (MAY, "may rate"), (NOT_YET, "not yet")],
    )


class RoundsFilter(FilterForm):
    """Rounds of a project."""

    q = search("Round", name="Find a round", hint="Name, dataset or guideline")
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            ("", "any"),
            (RoundState.OPEN.value, "open"),
            (RoundState.PAUSED.value, "paused"),
            (RoundState.DRAFT.value, "not opened"),
            (RoundState.CLOSED.value, "closed"),
        ],
    )
    kind = forms.ChoiceField(
        label="Kind",
        required=False,
        choices=[("", "any"), *((kind, KIND_WORDS.get(kind, kind)) for kind in RoundKind.values)],
    )


class GuidelinesFilter(FilterForm):
    """Guidelines of a project."""

    q = search("Guideline", name="Find a guideline", hint="Name")
    state = forms.ChoiceField(
        label="With",
        required=False,
        choices=[
            ("", "any version"),
            (VersionState.PUBLISHED.value, "one in force"),
            (VersionState.DRAFT.value, "a draft"),
        ],
    )


class ImportsFilter(FilterForm):
    """Imports of a project."""

    q = search("Import", name="Find an import", hint="File, dataset or person")
    what = forms.ChoiceField(
        label="Of",
        required=False,
        choices=[("", "anything"), ("items", "items"), ("labels", "labels")],
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            ("", "any"),
            (JobState.DONE.value, "done"),
            (JobState.FAILED.value, "nothing taken"),
            (GOING_ON, "going on"),
        ],
    )
