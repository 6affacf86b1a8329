"""What a rater looks for in own answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms

from accounts.models import Rater
from annotation.models import Round
from annotation.queries.ownanswers import Show, Wanted, labels_of, rounds_of

if TYPE_CHECKING:
    _OneOf = forms.ModelChoiceField[Any]
else:
    _OneOf = forms.ModelChoiceField

APART = ":"
NO_PAGE = "This page does not exist; begin at the first one."


class OwnAnswersForm(forms.Form):
    """Everything is optional; what is not to be found is said."""

    q = forms.CharField(
        label="Text of the item",
        required=False,
        max_length=200,
        error_messages={
            "max_length": "Look for 200 characters at most.",
            "null_characters_not_allowed": "No text has this character; take it out.",
        },
    )
    show = forms.ChoiceField(
        label="Show",
        required=False,
        choices=[
            (Show.ANSWERS.value, "all my answers"),
            (Show.CHANGED.value, "answers I changed"),
            (Show.PASSED.value, "items I skipped or flagged"),
        ],
        error_messages={"invalid_choice": "Choose one of the list."},
    )
    round = _OneOf(
        label="Round",
        queryset=Round.objects.none(),
        required=False,
        empty_label="all my rounds",
        error_messages={"invalid_choice": "You rate in no such round."},
    )
    label = forms.ChoiceField(
        label="Label",
        required=False,
        error_messages={"invalid_choice": "No rubric that you rated by has this label."},
    )
    before = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            "This page does not exist; begin at the first one.",
        ),
    )

    def __init__(self, asked: Mapping[str, Any], *, rater: Rater) -> None:
        super().__init__(asked)
        rounds, label = self.fields["round"], self.fields["label"]
        assert isinstance(rounds, forms.ModelChoiceField)
        assert isinstance(label, forms.ChoiceField)
        rounds.queryset = rounds_of(rater_id=rater.pk)
        label.choices = [
            ("", "any"),
            *(
                (
                    dimension.name,
                    [(f"{dimension.key}{APART}{value}", words) for value, words in labels],
                )
                for dimension, labels in labels_of(rater_id=rater.pk)
            ),
        ]

    def wanted(self) -> Wanted:
        """Only of a form that is valid."""
        cleaned = self.cleaned_data
        key, _, label = cleaned["label"].partition(APART)
        return Wanted(
            show=Show(cleaned["show"] or Show.ANSWERS),
            text=cleaned["q"],
            round_id=cleaned["round"].pk if cleaned["round"] else None,
            label=(key, label) if key else None,
        )
