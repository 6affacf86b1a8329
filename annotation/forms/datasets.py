"""The form of a new dataset, why its seal is given up, and why texts of an item are erased."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.forms.roundacts import reason_field
from annotation.states import Provenance

OPEN = "open"
SEALED = "sealed"


class DatasetForm(forms.Form):
    """A new dataset: open, or with a sealed part whose share is fixed here."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        error_messages={"required": "Give the dataset a name."},
    )
    openness = forms.ChoiceField(
        label="What is it for?",
        choices=[
            (OPEN, "To look at: everything is visible, and nothing in it can approve a judge"),
            (SEALED, "To approve judges: a part is sealed, and nobody reads its labels before"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one: it cannot be changed later."},
    )
    percent = forms.IntegerField(
        label="Share to seal, in percent",
        min_value=1,
        max_value=95,
        initial=50,
        error_messages={"required": "Say how much is sealed, from 1 to 95 percent."},
        help_text="Drawn by cluster as items come in. The rest is for writing and tuning judges.",
    )
    provenance = forms.ChoiceField(
        label="Where do the sealed labels come from?",
        choices=[
            (Provenance.COLLECTED.value, "Raters give them here, blind"),
            (
                Provenance.DECLARED.value,
                "I import them, and declare in my name that no judge was written with them in view",
            ),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose where the sealed labels come from."},
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("openness") != SEALED:
            # What belongs to a sealed part is not asked of an open dataset.
            for name in ("percent", "provenance"):
                self.errors.pop(name, None)
        return cleaned

    def share(self) -> float:
        is_open = self.cleaned_data["openness"] == OPEN
        return 0.0 if is_open else float(self.cleaned_data["percent"] / 100)

    def chosen_provenance(self) -> Provenance:
        return Provenance(self.cleaned_data.get("provenance") or Provenance.COLLECTED)


class RetireForm(forms.Form):
    """Why a seal is given up before its looks are."""

    reason = reason_field()


class EraseTextsForm(forms.Form):
    """Why the texts of an item are erased."""

    reason = reason_field(
        help_text="It stands in the audit trail for good: write nothing of the text into it."
    )
