"""What a lead fills in about a rater of a running round, and about more items for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts.models import Rater
from annotation.forms.roundacts import reason_field
from annotation.forms.rounds import MOST_ITEMS, RaterChoice, offer
from annotation.states import Part
from core.words import number_of

KEEP, WITHDRAW = "keep", "withdraw"
PART_WORDS = {
    Part.DEVELOPMENT: "Development",
    Part.SEALED: "Sealed",
    Part.NONE: "Outside both parts",
}


class QuotaForm(forms.Form):
    quota = forms.IntegerField(
        label="Quota, items at most",
        required=False,
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="Empty: no limit. What they hold they may finish.",
    )


class HandBackForm(forms.Form):
    """To whom it goes: to everybody, unless somebody is chosen."""

    to = RaterChoice(
        queryset=Rater.objects.none(),
        required=False,
        label="Give it to",
        empty_label="everybody",
    )

    def __init__(self, *args: Any, raters: QuerySet[Rater], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self.fields["to"], raters)


class KeepForm(forms.Form):
    rater = RaterChoice(
        queryset=Rater.objects.none(),
        label="Keep it for",
        empty_label="choose a rater",
        error_messages={"required": "Choose for whom."},
    )

    def __init__(self, *args: Any, raters: QuerySet[Rater], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self.fields["rater"], raters)


class RemoveForm(forms.Form):
    """With the answers kept or withdrawn; nothing is chosen beforehand."""

    answers = forms.ChoiceField(
        label="Their answers",
        widget=forms.RadioSelect,
        error_messages={"required": "Say what becomes of their answers."},
    )
    reason = reason_field()

    def __init__(self, *args: Any, answers: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["answers"]
        assert isinstance(field, forms.ChoiceField)
        one = answers == 1
        said = number_of(answers, "answer")
        counts, becomes = ("counts", "becomes") if one else ("count", "become")
        rest = "history, and others rate these items"
        field.choices = [
            (KEEP, f"Keep: {said} {counts} as before"),
            (WITHDRAW, f"Withdraw: {said} {becomes} {rest}"),
        ]

    @property
    def keeps_answers(self) -> bool:
        return bool(self.cleaned_data["answers"] == KEEP)


class MoreItemsForm(forms.Form):
    """Which of the dataset's items that are not in the round yet, and how many of them."""

    parts = forms.MultipleChoiceField(
        label="Only these parts",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them.",
    )
    sample = forms.IntegerField(
        label="Only a sample of",
        required=False,
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="Items, drawn at random. Empty: all that are not in the round yet.",
    )

    def __init__(self, *args: Any, addable: Mapping[Part, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["parts"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (part.value, f"{PART_WORDS[part]}: {count:,}") for part, count in addable.items()
        ]
        if len(addable) < 2:
            del self.fields["parts"]

    def chosen_parts(self) -> list[Part]:
        return [Part(part) for part in self.cleaned_data.get("parts", [])]
