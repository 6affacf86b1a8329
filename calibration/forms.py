"""What people fill in about approvals, and what they narrow the lists of a round by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from annotation.rules.itemrows import DIFFICULTIES
from calibration.queries.differences import DifferenceFilter
from calibration.queries.roundfigures import Figures
from calibration.queries.roundraters import BELOW, NOW, REMOVED
from core.filters import FilterForm, search
from judges.services.decisions import MOST_REASON

APPROVE, REFUSE = "approve", "refuse"


class AskForm(forms.Form):
    """Which sealed set, and for which dimensions."""

    sealed_set = forms.ChoiceField(label="Sealed set", widget=forms.RadioSelect)
    dimensions = forms.MultipleChoiceField(label="Dimensions", widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        sets: Sequence[tuple[str, str]],
        dimensions: Sequence[tuple[str, str]],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "sealed_set", sets)
        _choices(self, "dimensions", dimensions)


class DecisionForm(forms.Form):
    """Approve what passed, or refuse; always with a reason.

    `passing` are the only dimensions that can be named; `lost` says which dimensions the
    approval in force covers and this one could not.
    """

    decision = forms.ChoiceField(
        choices=[(APPROVE, "Approve"), (REFUSE, "Refuse")],
        error_messages={"required": "Press Approve or Refuse."},
        widget=forms.HiddenInput,
    )
    dimensions = forms.MultipleChoiceField(
        label="Approve for", required=False, widget=forms.CheckboxSelectMultiple
    )
    may_shrink = forms.BooleanField(label="Go on", required=False)
    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write what made you decide so."},
        help_text="It stands in the audit trail and on this page for good.",
    )

    def __init__(
        self,
        passing: Mapping[str, str],
        lost: Sequence[str],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.passing = passing
        self.lost = lost
        _choices(self, "dimensions", list(passing.items()))
        self.fields["dimensions"].initial = list(passing)
        if lost:
            self.fields["may_shrink"].label = (
                f"Go on, though the approval in force also covers {', '.join(lost)} and the API "
                "will refuse that from then on"
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("decision") == APPROVE and not self._chosen(cleaned):
            if self.passing:
                self.add_error("dimensions", "Choose at least one dimension to approve.")
            else:
                self.add_error(None, "No dimension passed the gate, so none can be approved.")
        return cleaned

    def approved(self) -> frozenset[str]:
        """The dimensions to approve; none when the decision is to refuse."""
        if self.cleaned_data["decision"] != APPROVE:
            return frozenset()
        return frozenset(self._chosen(self.cleaned_data))

    def _chosen(self, cleaned: Mapping[str, Any]) -> list[str]:
        """With a single passing dimension there is nothing to choose."""
        if len(self.passing) == 1 and not self.is_bound_to("dimensions"):
            return list(self.passing)
        return list(cleaned.get("dimensions", []))

    def is_bound_to(self, name: str) -> bool:
        return name in self.data


class RevokeForm(forms.Form):
    """Why an approval ends."""

    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write why the approval ends."},
        help_text="The API refuses from the next request on. This stands in the audit trail.",
    )


def _choices(form: forms.Form, name: str, choices: Sequence[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


class RatersFilter(FilterForm):
    """Raters of a round."""

    q = search("Rater", name="Find a rater", hint="Name")
    which = forms.ChoiceField(
        label="Which",
        required=False,
        choices=[
            ("", "everybody"),
            (BELOW, "clearly below the others"),
            (NOW, "rating now"),
            (REMOVED, "removed"),
        ],
    )


class DifferencesFilter(FilterForm):
    """Items on which the raters of a round differ."""

    q = search("Item", name="Find an item", hint="Text or id")
    dimension = forms.ChoiceField(label="Dimension", required=False)
    label = forms.ChoiceField(label="Somebody gave", required=False)
    raters = forms.IntegerField(label="Raters at least", required=False, min_value=2, max_value=100)
    difficulty = forms.ChoiceField(
        label="Difficulty", required=False, choices=[("", "any"), *((d, d) for d in DIFFICULTIES)]
    )
    tag = forms.CharField(label="Tag", required=False, max_length=100)

    def __init__(self, *args: Any, found: Figures, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        points = dict.fromkeys(label for one in found.dimensions for label in one.points)
        _choices(self, "dimension", [("", "any"), *((d.key, d.name) for d in found.dimensions)])
        _choices(self, "label", [("", "any label"), *((label, label) for label in points)])

    def wanted(self) -> DifferenceFilter:
        return DifferenceFilter(
            text=self.asked("q"),
            dimension=self.asked("dimension"),
            label=self.asked("label"),
            raters=self.asked("raters") or 0,
            difficulty=self.asked("difficulty"),
            tag=self.asked("tag").strip(),
        )
