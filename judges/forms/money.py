"""Which part of the ledger is shown, what may be spent, and what a model costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms

from accounts.models import Project
from judges.forms.runs import BudgetForm, Dollars
from judges.models import Judge
from judges.queries import Period

if TYPE_CHECKING:
    _OneOf = forms.ModelChoiceField[Any]
else:
    _OneOf = forms.ModelChoiceField

LONGEST = timedelta(days=5 * 366)
DAY_WRONG = {
    "invalid": "Write the day as year-month-day, such as 2026-11-23.",
    "required": "Choose a day.",
}


def _within_reach(day: date) -> date:
    if not 2000 <= day.year < 3000:
        raise forms.ValidationError("Choose a day from the year 2000 on, and before 3000.")
    return day


class LedgerForm(forms.Form):
    """A part of the ledger; without any choice this month's, of all judges and models."""

    since = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), error_messages=DAY_WRONG
    )
    until = forms.DateField(
        label="To", widget=forms.DateInput(attrs={"type": "date"}), error_messages=DAY_WRONG
    )
    judge = _OneOf(
        label="Judge",
        queryset=Judge.objects.none(),
        required=False,
        empty_label="All judges",
        error_messages={"invalid_choice": "There is no such judge in this project."},
    )
    model = forms.ChoiceField(
        label="Model",
        required=False,
        error_messages={"invalid_choice": "No version in this project asks that model."},
    )

    def __init__(
        self, asked: Mapping[str, Any], *, project: Project, models: Sequence[str], today: date
    ) -> None:
        usual = {"since": today.replace(day=1).isoformat(), "until": today.isoformat()}
        super().__init__(usual | {name: asked[name] for name in self.base_fields if name in asked})
        judges, model = self.fields["judge"], self.fields["model"]
        assert isinstance(judges, forms.ModelChoiceField)
        assert isinstance(model, forms.ChoiceField)
        judges.queryset = Judge.objects.filter(project=project).order_by("name")
        model.choices = [("", "All models"), *((name, name) for name in models)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day comes before the first; exchange them.")
        elif since and until and until - since > LONGEST:
            self.add_error("since", "The page covers five years at most; begin later.")
        return cleaned

    def clean_since(self) -> date:
        return _within_reach(self.cleaned_data["since"])

    def clean_until(self) -> date:
        return _within_reach(self.cleaned_data["until"])

    def period(self) -> Period:
        """Only of a form that is valid."""
        return Period(self.cleaned_data["since"], self.cleaned_data["until"])

    def judge_id(self) -> int | None:
        chosen = self.cleaned_data["judge"]
        return chosen.pk if chosen else None


class MonthBudgetForm(BudgetForm):
    """What the project may spend in a calendar month."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["budget"].help_text = (
            "For this calendar month (UTC) and those that follow, until it is set anew. Empty: "
            "no limit."
        )


class JudgeBudgetForm(BudgetForm):
    """What a judge may spend in all; one such form for each judge of a page."""

    def __init__(self, judge: Judge, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = f"id_%s_{judge.pk}"
        self.fields["budget"].label = f"Budget of {judge.name} in US dollars"
        self.fields["budget"].help_text = ""


def _price(label: str, *, help_text: str = "", required: bool = True) -> Dollars:
    return Dollars(
        label=label,
        required=required,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=6,
        help_text=help_text,
    )


class PriceForm(forms.Form):
    """What a model costs from a day on, in US dollars for a million tokens."""

    provider = forms.RegexField(
        r"^[a-z][a-z0-9_-]*$",
        label="Provider",
        max_length=40,
        help_text="As the version's page names it, such as anthropic.",
        error_messages={"invalid": "Small letters, digits, - and _ only."},
    )
    model = forms.CharField(
        label="Model", max_length=120, help_text="The exact name that versions ask for."
    )
    input = _price("Input")
    output = _price("Output")
    cache_read = _price("Read from the prompt cache", required=False)
    cache_write_5m = _price("Written to the cache for 5 minutes", required=False)
    cache_write_1h = _price("Written to the cache for an hour", required=False)
    batch_factor = forms.DecimalField(
        label="Share of the price in a batch",
        min_value=Decimal(0),
        max_value=Decimal(1),
        max_digits=5,
        decimal_places=4,
        help_text="0.5 when a batch is half price; 1 when it costs the same.",
    )
    source = forms.CharField(
        label="Who says so",
        max_length=70,
        help_text="A contract, an invoice, a price page: it stands beside each cost.",
    )
    as_of = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=DAY_WRONG,
        help_text="The first day (UTC) of this price. A later day waits until it comes.",
    )

    def clean_as_of(self) -> date:
        return _within_reach(self.cleaned_data["as_of"])
