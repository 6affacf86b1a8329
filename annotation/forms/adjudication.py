"""A person's word on an item that raters left contested, and how the list is narrowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from annotation.models import ReferenceLabel
from annotation.queries.adjudication import DECIDED, OPEN, STILL, ContestedFilter
from annotation.queries.workbench import ShownDimension
from annotation.services.adjudication import STILL_CONTESTED
from annotation.services.roundacts import REASON_CHARS
from core.filters import FilterForm, search

STATES = [
    ("", "to decide"),
    (DECIDED, "decided"),
    (STILL, "still contested"),
    ("all", "all"),
]


class KeyedRadios(forms.RadioSelect):
    """Radios, each of which is chosen by a key of its own."""

    def __init__(self, keys: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keys = keys or {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        key = self.keys.get(str(value))
        if key:
            option["attrs"]["data-key"] = key
        return option


class WordForm(forms.Form):
    """The label that a person gives, or that nothing settles the item; always with a reason."""

    label = forms.ChoiceField(
        label="What is right?",
        widget=KeyedRadios,
        error_messages={"required": "Choose a label, or say that it is still contested."},
    )
    reason = forms.CharField(
        label="Why?",
        max_length=REASON_CHARS,
        widget=forms.Textarea(
            attrs={"rows": 3, "data-key": "w", "data-key-name": "Say why", "dir": "auto"}
        ),
        help_text="It stands beside the label with your name, for good.",
        error_messages={"required": "Say why, in a few words."},
    )
    seen = forms.IntegerField(min_value=0, max_value=10**6, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, dimension: ShownDimension, before: ReferenceLabel | None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", {"seen": before.version if before else 0})
        super().__init__(*args, **kwargs)
        field = self.fields["label"]
        assert isinstance(field, forms.ChoiceField)
        field.widget = KeyedRadios(
            {**{one.value: one.keys for one in dimension.choices}, STILL_CONTESTED: "c"}
        )
        field.choices = [
            *((one.value, _words(one.words, one.anchor, one.key)) for one in dimension.choices),
            (STILL_CONTESTED, "Still contested (c)"),
        ]


class ContestedFilterForm(FilterForm):
    """Items that raters left contested."""

    q = search("Item", name="Find an item", hint="Text or id")
    dimension = forms.ChoiceField(label="Dimension", required=False)
    state = forms.ChoiceField(label="Which", required=False, choices=STATES)

    def __init__(self, *args: Any, keys: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["dimension"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "any"), *((key, key.replace("_", " ")) for key in keys)]

    def wanted(self) -> ContestedFilter:
        state = self.asked("state")
        return ContestedFilter(
            text=self.asked("q"),
            dimension=self.asked("dimension"),
            state="" if state == "all" else state or OPEN,
        )


def _words(words: str, anchor: str, key: str) -> str:
    named = words if not key or key == words else f"{words} ({key})"
    return f"{named}: {anchor}" if anchor else named
