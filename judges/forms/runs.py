"""A run, and the dollars that it may spend."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from accounts.models import Project
from annotation.models import Dataset
from annotation.states import DatasetKind
from judges.services.runs import MOST_CONCURRENT
from judges.states import RunMode


class Dollars(forms.DecimalField):
    """An amount that is shown as a person writes it: without the places that the row keeps."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Decimal):
            return value
        whole, _, places = f"{value:f}".partition(".")
        kept = places.rstrip("0")
        return f"{whole}.{kept.ljust(2, '0')}" if kept else whole


class BudgetForm(forms.Form):
    """Dollars that a run may spend at most."""

    budget = Dollars(
        label="Budget in US dollars",
        required=False,
        min_value=Decimal("0.000001"),
        max_digits=12,
        decimal_places=6,
        help_text="Reserved call by call: it is never exceeded. Empty: no limit.",
    )


class RunForm(BudgetForm):
    """A run over a dataset."""

    dataset = forms.ModelChoiceField(Dataset.objects.none(), label="Dataset", empty_label=None)
    concurrency = forms.IntegerField(
        label="Calls at once",
        min_value=1,
        max_value=MOST_CONCURRENT,
        help_text="Fewer when the provider slows down.",
    )
    mode = forms.ChoiceField(
        label="How the calls are sent",
        widget=forms.RadioSelect,
        required=False,
        initial=RunMode.DIRECT,
    )
    field_order = ["dataset", "mode", "budget", "concurrency"]

    def __init__(
        self, project: Project, *args: Any, may_batch: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        modes = RunMode.choices if may_batch else [(RunMode.DIRECT.value, RunMode.DIRECT.label)]
        self.fields["mode"].choices = modes  # type: ignore[attr-defined]
        datasets = Dataset.objects.filter(project=project, kind=DatasetKind.NORMAL).order_by("-pk")
        self.fields["dataset"].queryset = datasets  # type: ignore[attr-defined]

    def clean_mode(self) -> RunMode:
        """One by one where nobody says otherwise."""
        return RunMode(self.cleaned_data["mode"] or RunMode.DIRECT)
