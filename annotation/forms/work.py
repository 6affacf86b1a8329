"""Whose work is asked for: a period, a round, and what one line covers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django import forms

from accounts.models import Project
from annotation.models import Round
from annotation.queries.work import SHOWN, Each, Period
from annotation.states import RoundKind
from core.filters import search

if TYPE_CHECKING:
    _OneOf = forms.ModelChoiceField[Any]
else:
    _OneOf = forms.ModelChoiceField

LONGEST = timedelta(days=731)
DAY_WRONG = {
    "invalid": "Write the day as year-month-day, such as 2026-11-23.",
    "required": "Choose a day.",
}


class WorkForm(forms.Form):
    """The report for leads; without any choice this month, one line a rater."""

    q = search("Rater", name="Find a rater", hint="Name")
    since = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), error_messages=DAY_WRONG
    )
    until = forms.DateField(
        label="To", widget=forms.DateInput(attrs={"type": "date"}), error_messages=DAY_WRONG
    )
    round = _OneOf(
        label="Round",
        queryset=Round.objects.none(),
        required=False,
        empty_label="All rounds",
        error_messages={"invalid_choice": "There is no such round in this project."},
    )
    each = forms.ChoiceField(
        label="One line for",
        choices=[
            (Each.PERIOD.value, "each rater"),
            (Each.MONTH.value, "each rater and month"),
            (Each.WEEK.value, "each rater and week"),
            (Each.DAY.value, "each rater and day"),
        ],
        error_messages={"invalid_choice": "Choose one of the ways to part the period."},
    )

    def __init__(self, asked: Mapping[str, Any], *, project: Project, today: date) -> None:
        usual = {
            "since": today.replace(day=1).isoformat(),
            "until": today.isoformat(),
            "each": Each.PERIOD.value,
        }
        super().__init__(usual | {name: asked[name] for name in self.base_fields if name in asked})
        rounds = self.fields["round"]
        assert isinstance(rounds, forms.ModelChoiceField)
        rounds.queryset = (
            Round.objects.filter(project=project).exclude(kind=RoundKind.IMPORTED).order_by("-pk")
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day comes before the first; exchange them.")
        elif since and until and until - since > LONGEST:
            self.add_error("since", "A report covers two years at most; begin later.")
        return cleaned

    def clean_since(self) -> date:
        return _within_reach(self.cleaned_data["since"])

    def clean_until(self) -> date:
        return _within_reach(self.cleaned_data["until"])

    def period(self) -> Period:
        """Only of a form that is valid."""
        return Period(self.cleaned_data["since"], self.cleaned_data["until"])

    def each_line(self) -> Each:
        return Each(self.cleaned_data["each"])

    def text(self) -> str:
        return str(self.cleaned_data["q"])

    def round_id(self) -> int | None:
        chosen = self.cleaned_data["round"]
        return chosen.pk if chosen else None


class PaceForm(forms.Form):
    """By what a rater's own work over time is parted; anything unknown is by week."""

    each = forms.ChoiceField(choices=[(each.value, each.value) for each in SHOWN])

    def each_line(self) -> Each:
        return Each(self.cleaned_data["each"]) if self.is_valid() else Each.WEEK


def _within_reach(day: date) -> date:
    if not 2000 <= day.year < 3000:
        raise forms.ValidationError("Choose a day from the year 2000 on, and before 3000.")
    return day
