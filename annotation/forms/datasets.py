"""Forms of a dataset: a new one, and what is looked for in its items."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.queries.items import ItemFilter
from annotation.states import Part, Provenance

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


class ItemFilterForm(forms.Form):
    """Find items of a dataset."""

    q = forms.CharField(label="Find", max_length=200, required=False)
    part = forms.ChoiceField(
        label="Part",
        required=False,
        choices=[
            ("", "all parts"),
            (Part.DEVELOPMENT.value, "development"),
            (Part.SEALED.value, "sealed"),
            (Part.NONE.value, "outside both"),
        ],
    )

    def wanted(self) -> ItemFilter:
        """What can be read of the filter; the rest of it asks for everything."""
        self.is_valid()
        return ItemFilter(
            text=str(self.cleaned_data.get("q", "")).replace("\0", ""),
            part=str(self.cleaned_data.get("part", "")),
        )
