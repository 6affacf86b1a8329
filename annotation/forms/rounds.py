"""Setting up a round, and letting more people rate in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet

from accounts.models import Project, Rater
from annotation.models import Dataset, GuidelineVersion, Round
from annotation.queries import rounds as queries
from annotation.rules.overlap import HIGHEST_OVERLAP
from annotation.states import GuidelineForm, Part

USUAL_OVERLAP = 3
MOST_ITEMS = 10_000_000


if TYPE_CHECKING:
    _OneOf = forms.ModelChoiceField[Any]
    _SomeOf = forms.ModelMultipleChoiceField[Any]
else:
    _OneOf = forms.ModelChoiceField
    _SomeOf = forms.ModelMultipleChoiceField


class _DatasetField(_OneOf):
    def label_from_instance(self, obj: Dataset) -> str:
        count: int = getattr(obj, "item_count", 0)
        return f"{obj.name} · {count:,} item{'' if count == 1 else 's'}"


class _VersionField(_OneOf):
    def label_from_instance(self, obj: GuidelineVersion) -> str:
        is_pairwise = obj.guideline.form == GuidelineForm.PAIRWISE
        what = "two responses compared" if is_pairwise else "one response at a time"
        return f"{obj.guideline.name} {obj.number} · {what}"


class _RatersField(_SomeOf):
    def label_from_instance(self, obj: Rater) -> str:
        return obj.name

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except OverflowError:
            # SQLite does not compare with a number that no row could have.
            raise forms.ValidationError("Choose raters of the list.") from None


class RoundForm(forms.Form):
    """Which items, by which guideline, by whom, how often."""

    name = forms.CharField(label="Name", max_length=120)
    dataset = _DatasetField(queryset=Dataset.objects.none(), label="Dataset", empty_label=None)
    version = _VersionField(
        queryset=GuidelineVersion.objects.none(), label="Guideline", empty_label=None
    )
    overlap = forms.IntegerField(
        label="Overlap",
        min_value=1,
        max_value=HIGHEST_OVERLAP,
        help_text="How many raters rate each item. A sealed item needs three.",
    )
    raters = _RatersField(
        queryset=Rater.objects.none(),
        label="Raters",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose who rates."},
    )
    sample = forms.IntegerField(
        label="Only a sample of",
        required=False,
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="Items, drawn at random. Empty: all of them.",
    )
    quota = forms.IntegerField(
        label="Quota",
        required=False,
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="Items for each rater at most. Empty: no limit.",
    )
    parts = forms.MultipleChoiceField(
        label="Only these parts",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            (Part.DEVELOPMENT.value, "Development: may be read while a judge is tuned"),
            (Part.SEALED.value, "Sealed: its labels are kept for approvals"),
        ],
        help_text="None chosen: every item of the dataset.",
    )
    shows_own_agreement = forms.BooleanField(
        label="Raters see their own agreement",
        required=False,
        help_text="With the others on full items, and with gold labels; never item by item. Own "
        "answers that counted in what a rater was shown can no longer be changed.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        initial = {
            "name": queries.next_name(project_id=project.pk),
            "overlap": USUAL_OVERLAP,
            **kwargs.pop("initial", {}),
        }
        super().__init__(*args, **kwargs)
        self.initial = initial
        raters = queries.candidates(project_id=project.pk)
        datasets = queries.datasets_with_items(project_id=project.pk)
        _offer(self.fields["dataset"], datasets)
        _offer(self.fields["version"], queries.versions_in_force(project_id=project.pk))
        _offer(self.fields["raters"], raters)
        if not datasets.filter(share__gt=0).exists():
            del self.fields["parts"]
        self.initial.setdefault("raters", [rater.pk for rater in raters])

    def has_choices(self, name: str) -> bool:
        """Whether there is anything to choose in the field."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        return field.queryset is not None and field.queryset.exists()

    def plan(self) -> Mapping[str, Any]:
        """What `services.rounds.create` takes, but for the project and the person."""
        cleaned = dict(self.cleaned_data)
        cleaned["parts"] = [Part(part) for part in cleaned.get("parts", [])]
        return cleaned


class RatersForm(forms.Form):
    """More raters for a round."""

    raters = _RatersField(
        queryset=Rater.objects.none(),
        label="Raters",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose somebody."},
    )
    quota = forms.IntegerField(
        label="Quota, items for each", required=False, min_value=1, max_value=MOST_ITEMS
    )

    def __init__(self, *args: Any, round_: Round, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        raters = queries.candidates(project_id=round_.project_id, outside=round_)
        _offer(self.fields["raters"], raters)


def _offer(field: forms.Field, rows: QuerySet[Any]) -> None:
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = rows
