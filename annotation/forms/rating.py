"""The rating form, made from a guideline version; and the reasons for passing an item by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from annotation.queries.workbench import Bench, ShownDimension
from annotation.services import rating
from core.errors import Invalid

PREFIX = "d-"
SKIP_REASONS = ("Not my field", "I cannot decide", "A language I do not read")
FLAG_REASONS = ("The response is cut off", "The question is missing", "Contains personal data")


@dataclass(frozen=True, slots=True)
class Part:
    """One dimension of the form with what was chosen so far; `is_now` marks the one at hand."""

    dimension: ShownDimension
    bound: forms.BoundField
    value: str
    is_now: bool = False

    @property
    def chosen_anchor(self) -> str:
        """What the chosen point stands for."""
        return next((c.anchor for c in self.dimension.choices if c.value == self.value), "")


class SecondsField(forms.FloatField):
    """Time at work, as the page counted it. What is no such number counts as none: the rater
    did not write it and could not mend it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, min_value=0.0, **kwargs)

    def clean(self, value: Any) -> float:
        try:
            return super().clean(value) or 0.0
        except forms.ValidationError:
            return 0.0


class RatingForm(forms.Form):
    """One choice for each dimension, as shown; a reason; the seconds at work.

    Nothing is chosen beforehand unless the rater chose it earlier.
    """

    rationale = forms.CharField(
        label="Why",
        required=False,
        max_length=rating.RATIONALE_CHARS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    active_seconds = SecondsField(widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    def __init__(self, bench: Bench, data: Mapping[str, Any] | None = None) -> None:
        given = bench.given
        super().__init__(
            data,
            initial={"rationale": given.rationale, "active_seconds": round(given.active_seconds)},
        )
        self.bench = bench
        self.fields["rationale"].required = bench.is_rationale_required
        self.fields["rationale"].error_messages |= {
            "required": "say why; this guideline asks for a reason.",
            "max_length": (
                f"a reason has at most {rating.RATIONALE_CHARS:,} characters; shorten it."
            ),
            "null_characters_not_allowed": (
                "there is a character in it that no text has; take it out."
            ),
        }
        for dimension in bench.dimensions:
            self.fields[PREFIX + dimension.key] = forms.ChoiceField(
                label=dimension.name,
                choices=[(choice.value, choice.words) for choice in dimension.choices],
                widget=forms.RadioSelect,
                initial=given.labels.get(dimension.key),
                error_messages={
                    "required": "choose a point.",
                    "invalid_choice": "this is not on the scale; choose one of its points.",
                },
            )
        self.order_fields([*(PREFIX + d.key for d in bench.dimensions), "rationale"])

    def parts(self) -> list[Part]:
        """The dimensions in their order, for the page."""
        bounds = [(one, self[PREFIX + one.key]) for one in self.bench.dimensions]
        values = [str(bound.value() or "") for _, bound in bounds]
        now = values.index("") if "" in values else None
        return [
            Part(dimension, bound, values[place], is_now=place == now)
            for place, (dimension, bound) in enumerate(bounds)
        ]

    def labels(self) -> dict[str, str]:
        """Labels by dimension key, as shown to the rater. Only of a valid form."""
        return {
            dimension.key: self.cleaned_data[PREFIX + dimension.key]
            for dimension in self.bench.dimensions
        }

    def add_refusal(self, refusal: Invalid) -> None:
        """Put each sentence of the service where it can be mended."""
        for key, sentences in refusal.fields.items():
            name = key if key in self.fields else PREFIX + key
            self.add_error(name if name in self.fields else None, sentences)
        if not refusal.fields:
            self.add_error(None, refusal.sentence)


class DraftForm(forms.Form):
    """Whatever is there so far: nothing is required, and what does not fit is left out."""

    rationale = forms.CharField(required=False, strip=False)
    active_seconds = SecondsField()

    def labels(self) -> dict[str, object]:
        return {
            name.removeprefix(PREFIX): value
            for name, value in self.data.items()
            if name.startswith(PREFIX)
        }

    def rationale_text(self) -> str:
        return str(self.data.get("rationale", ""))[: rating.RATIONALE_CHARS]

    def seconds(self) -> float:
        return float(self.cleaned_data["active_seconds"])


class ReasonForm(forms.Form):
    """A ready reason, or one in own words; the time spent before."""

    reason = forms.CharField(required=False)
    other = forms.CharField(required=False)
    active_seconds = SecondsField()

    def text(self) -> str:
        """Own words first; the service refuses an empty reason."""
        self.full_clean()
        cleaned = self.cleaned_data
        return str(cleaned.get("other") or cleaned.get("reason") or "")

    def seconds(self) -> float:
        return float(self.cleaned_data["active_seconds"])
