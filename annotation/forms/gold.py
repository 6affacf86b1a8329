"""The right labels of a gold item, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from annotation.models import GoldItem
from annotation.queries.workbench import ShownDimension
from core.errors import DomainError

PREFIX = "d-"
REASON_CHARS = 400


class GoldForm(forms.Form):
    """One label for each dimension, or none; and a reason that raters may be told."""

    reason = forms.CharField(
        label="Why these labels?",
        max_length=REASON_CHARS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the labels. Raters read it where a round tells them.",
        error_messages={"required": "Say why, in a few words."},
    )

    def __init__(
        self,
        *args: Any,
        dimensions: Sequence[ShownDimension],
        gold: GoldItem | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.dimensions = dimensions
        current = {one.dimension_key: one.label for one in getattr(gold, "current", ())}
        for dimension in dimensions:
            self.fields[PREFIX + dimension.key] = forms.ChoiceField(
                label=dimension.name,
                required=False,
                choices=[
                    ("", "No gold label"),
                    *((choice.value, _words(choice)) for choice in dimension.choices),
                ],
                initial=current.get(dimension.key, ""),
            )
        self.order_fields([*(PREFIX + one.key for one in dimensions), "reason"])

    def labels(self) -> dict[str, str]:
        return {one.key: self.cleaned_data[PREFIX + one.key] for one in self.dimensions}

    def add_refusal(self, refusal: DomainError) -> None:
        """Put each sentence of the service where it can be mended."""
        for key, sentences in refusal.fields.items():
            name = key if key in self.fields else PREFIX + key
            self.add_error(name if name in self.fields else None, sentences)
        if not refusal.fields:
            self.add_error(None, refusal.sentence)


class LetInForm(forms.Form):
    reason = forms.CharField(
        label="Why may this person rate without having passed?",
        max_length=REASON_CHARS,
        error_messages={"required": "Say why, in a few words."},
    )


class TakeBackForm(forms.Form):
    reason = forms.CharField(
        label="Why?",
        max_length=REASON_CHARS,
        error_messages={"required": "Say why, in a few words."},
    )


def _words(choice: Any) -> str:
    return f"{choice.words}: {choice.anchor}" if choice.anchor else choice.words
