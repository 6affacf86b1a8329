"""Which baseline a judge is given to beat."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.states import GuidelineForm
from judges.models import Judge
from judges.states import BaselineRule

_WORDS = {
    BaselineRule.LONGER: "The longer response wins",
    BaselineRule.MAJORITY: "Always the commonest label",
    BaselineRule.TRAINED: "Word weights, trained on people's labels",
}


class BaselineForm(forms.Form):
    """One of the rules; the longer response is offered for pairs only."""

    rule = forms.ChoiceField(
        label="The rule",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one of the rules."},
    )

    def __init__(self, judge: Judge, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_pairwise = judge.guideline.form == GuidelineForm.PAIRWISE
        field: Any = self.fields["rule"]
        field.choices = [
            (rule.value, words)
            for rule, words in _WORDS.items()
            if is_pairwise or rule is not BaselineRule.LONGER
        ]

    def chosen(self) -> BaselineRule:
        return BaselineRule(self.cleaned_data["rule"])
