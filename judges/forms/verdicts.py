"""A file of verdicts that a judge gave elsewhere."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Project
from annotation.models import Dataset, Guideline
from annotation.states import DatasetKind
from core import mapping
from core.errors import DomainError, TooLarge
from core.mapping import FieldPath
from judges.forms.versions import with_published
from judges.services import verdicts_import

LABEL_FIELDS = ("item", "label", "dimension", "order", "sample", "confidence", "outcome")


class VerdictsForm(forms.Form):
    """A file of verdicts, and which of its columns is what."""

    file = forms.FileField(label="File", help_text="CSV, JSON or JSONL: one row, one verdict.")
    judge = forms.CharField(
        label="Judge",
        max_length=120,
        help_text="Its name; a new name makes a new judge. Each file is a version of it.",
        widget=forms.TextInput(attrs={"list": "judges", "autocomplete": "off"}),
    )
    dataset = forms.ModelChoiceField(Dataset.objects.none(), label="Dataset", empty_label=None)
    guideline = forms.ModelChoiceField(
        Guideline.objects.none(),
        label="Guideline",
        required=False,
        empty_label="the judge's, or the dataset's",
    )
    item = forms.CharField(label="Column of the item's id", max_length=200, initial="item")
    label = forms.CharField(label="Column of the label", max_length=200, initial="label")
    more = forms.CharField(
        label="Other columns",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="field=column, one a line. Fields: dimension, order, sample, confidence, "
        "outcome. Those are found by themselves under their own names.",
    )
    values = forms.CharField(
        label="What the values mean",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="value=label, one a line: 1=A, 2=B, 0=tie; x=!invalid for no verdict.",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        datasets = Dataset.objects.filter(project=project, kind=DatasetKind.NORMAL).order_by("-pk")
        self.fields["dataset"].queryset = datasets  # type: ignore[attr-defined]
        self.fields["guideline"].queryset = with_published(project)  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        try:
            verdicts_import.check_size(file.size)
        except TooLarge as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal
        return file

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name, read in (("more", self._columns), ("values", self._values)):
            try:
                data[f"read_{name}"] = read(data)
            except DomainError as refusal:
                self.add_error(name, refusal.sentence)
        return data

    def columns(self) -> dict[str, FieldPath]:
        found: dict[str, FieldPath] = self.cleaned_data["read_more"]
        return found

    def codes(self) -> dict[str, str]:
        found: dict[str, str] = self.cleaned_data["read_values"]
        return found

    def _columns(self, data: dict[str, Any]) -> dict[str, FieldPath]:
        columns = mapping.parse_map(_lines(data.get("more", "")), fields=LABEL_FIELDS[2:])
        for name in ("item", "label"):
            columns[name] = FieldPath.parse(data.get(name, name))
        return columns

    def _values(self, data: dict[str, Any]) -> dict[str, str]:
        return mapping.parse_values(_lines(data.get("values", "")))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
