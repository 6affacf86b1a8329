"""A sample of what was rated by an earlier meaning of a guideline, to be rated by the new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from accounts.models import Rater
from annotation.forms.rounds import MOST_ITEMS, USUAL_OVERLAP, DatasetChoice, RatersChoice, offer
from annotation.models import Dataset, GuidelineVersion
from annotation.queries import affected, rounds
from annotation.rules.keys import NAME_CHARS
from annotation.rules.overlap import HIGHEST_OVERLAP

USUAL_SAMPLE = 50


class ReratingForm(forms.Form):
    """Which items, how many of them, by whom."""

    name = forms.CharField(label="Name", max_length=NAME_CHARS)
    dataset = DatasetChoice(queryset=Dataset.objects.none(), label="Dataset", empty_label=None)
    sample = forms.IntegerField(
        label="A sample of",
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="Unsealed items, drawn at random from those that were rated before.",
    )
    overlap = forms.IntegerField(
        label="Overlap",
        min_value=1,
        max_value=HIGHEST_OVERLAP,
        help_text="How many raters rate each item.",
    )
    raters = RatersChoice(
        queryset=Rater.objects.none(),
        label="Raters",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose who rates."},
    )

    def __init__(self, *args: Any, version: GuidelineVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project_id = version.guideline.project_id
        raters = rounds.candidates(project_id=project_id)
        offer(self.fields["dataset"], affected.datasets_rated_before(version))
        offer(self.fields["raters"], raters)
        self.initial = {
            "name": _free_name(version),
            "sample": USUAL_SAMPLE,
            "overlap": USUAL_OVERLAP,
            "raters": [rater.pk for rater in raters],
        }

    def plan(self) -> Mapping[str, Any]:
        """What `services.rounds.create` takes, but for project, version, kind and person."""
        return self.cleaned_data


def _free_name(version: GuidelineVersion) -> str:
    """A name that says what for, and that nobody took yet."""
    plain = f"{version.guideline.name[:80]} {version.number} again"
    return rounds.free_name(plain, project_id=version.guideline.project_id)
