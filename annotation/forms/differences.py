"""Which two versions of a guideline are held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from annotation.models import GuidelineVersion
from annotation.states import VersionState


class VersionsForm(forms.Form):
    """Two of several versions by their numbers; left out: the newest, and the one before it."""

    before = forms.ChoiceField(label="From")
    after = forms.ChoiceField(label="To")

    def __init__(self, *, before: str, after: str, versions: Sequence[GuidelineVersion]) -> None:
        self.versions = {version.number: version for version in versions}
        after = after or versions[-1].number
        super().__init__({"after": after, "before": before or self._one_before(after)})
        for field in self.fields.values():
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(one.number, _words(one)) for one in reversed(versions)]
            field.error_messages["invalid_choice"] = (
                "There is no version %(value)s. Choose one of the list."
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and cleaned["before"] == cleaned["after"]:
            self.add_error("before", "Choose two versions that are not the same.")
        return cleaned

    def _one_before(self, number: str) -> str:
        """The version before this one; of the oldest the one after it."""
        numbers = list(self.versions)
        place = numbers.index(number) if number in numbers else 0
        return numbers[place - 1] if place else numbers[1]

    def chosen(self) -> tuple[GuidelineVersion, GuidelineVersion]:
        """Both versions of a valid form."""
        return (
            self.versions[self.cleaned_data["before"]],
            self.versions[self.cleaned_data["after"]],
        )


def _words(version: GuidelineVersion) -> str:
    state = {VersionState.DRAFT: " · draft", VersionState.PUBLISHED: " · in force"}
    return f"{version.number}{state.get(VersionState(version.state), '')}"
