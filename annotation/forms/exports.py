"""What an export is narrowed to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts.models import Project
from annotation.models import Dataset, Round
from annotation.states import DatasetKind
from core.registry import ExportScope

if TYPE_CHECKING:
    _OneOf = forms.ModelChoiceField[Any]
else:
    _OneOf = forms.ModelChoiceField


DAYS = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 12, 31)))


class ExportForm(forms.Form):
    """One dataset, one round, one run, one judge, one model, some days; nothing chosen is
    everything.

    What is hidden comes in the address, from the pages of runs and of the ledger.
    """

    dataset = _OneOf(queryset=Dataset.objects.none(), required=False, empty_label="All datasets")
    round = _OneOf(queryset=Round.objects.none(), required=False, empty_label="All rounds")
    run = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )

    judge = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )
    model = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)
    since = forms.DateField(required=False, widget=forms.HiddenInput, validators=DAYS)
    until = forms.DateField(required=False, widget=forms.HiddenInput, validators=DAYS)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._project = project
        self._choose("dataset", Dataset.objects.filter(project=project, kind=DatasetKind.NORMAL))
        self._choose("round", Round.objects.filter(project=project))

    def _choose(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows.order_by("name")

    def scope(self, *, user_id: int | None) -> ExportScope:
        """Only of a form that is valid."""
        dataset, round_ = self.cleaned_data["dataset"], self.cleaned_data["round"]
        return ExportScope(
            project_id=self._project.pk,
            user_id=user_id,
            dataset_id=dataset.pk if dataset else None,
            round_id=round_.pk if round_ else None,
            run_id=self.cleaned_data["run"],
            judge_id=self.cleaned_data["judge"],
            model=self.cleaned_data["model"],
            since=self.cleaned_data["since"],
            until=self.cleaned_data["until"],
        )
