"""Setting up a round, and letting more people rate in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet

from accounts.models import Project, Rater
from annotation.models import Dataset, GuidelineVersion, Round
from annotation.queries import admissions
from annotation.queries import rounds as queries
from annotation.rules.overlap import HIGHEST_OVERLAP
from annotation.services.goldplans import HIGHEST_EVERY, MOST_PASS_ITEMS, GoldPlan
from annotation.states import GuidelineForm, Part, RoundKind, RoundState

USUAL_OVERLAP = 3
MOST_ITEMS = 10_000_000


if TYPE_CHECKING:
    _OneOf = forms.ModelChoiceField[Any]
    _SomeOf = forms.ModelMultipleChoiceField[Any]
else:
    _OneOf = forms.ModelChoiceField
    _SomeOf = forms.ModelMultipleChoiceField


class DatasetChoice(_OneOf):
    """A dataset by its name."""

    def label_from_instance(self, obj: Dataset) -> str:
        return obj.name


class _DatasetField(_OneOf):
    def label_from_instance(self, obj: Dataset) -> str:
        count: int = getattr(obj, "item_count", 0)
        return f"{obj.name} · {count:,} item{'' if count == 1 else 's'}"


class _VersionField(_OneOf):
    def label_from_instance(self, obj: GuidelineVersion) -> str:
        is_pairwise = obj.guideline.form == GuidelineForm.PAIRWISE
        what = "two responses compared" if is_pairwise else "one response at a time"
        return f"{obj.guideline.name} {obj.number} · {what}"


class _ByName:
    """A field of raters, who go by their names."""

    not_listed = "Choose raters of the list."

    def label_from_instance(self, obj: Rater) -> str:
        return obj.name

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)  # type: ignore[misc]  # the field's own
        except OverflowError:
            # SQLite does not compare with a number that no row could have.
            raise forms.ValidationError(self.not_listed) from None


class RatersChoice(_ByName, _SomeOf):
    """Some of the raters."""


class RaterChoice(_ByName, _OneOf):
    """One of the raters who can be given an item."""

    not_listed = "Choose a rater of the list: this one cannot have the item."
    default_error_messages = {"invalid_choice": not_listed}


class _QualificationField(_OneOf):
    def label_from_instance(self, obj: Round) -> str:
        by = obj.guideline_version
        return f"{obj.name} · {by.guideline.name} {by.major}, {obj.state}"


class GoldForm(forms.Form):
    """How a round checks its raters."""

    gold_every = forms.IntegerField(
        label="Gold rate: one item in each",
        required=False,
        min_value=2,
        max_value=HIGHEST_EVERY,
        help_text="is a gold item of the guideline, at a place of the rater's own. Empty: none.",
    )
    shows_gold = forms.BooleanField(
        label="Tell raters the gold label afterwards",
        required=False,
        help_text="Each rater is told after a gold item, and can no longer change the answer. Told "
        "labels get around: such an item checks less from then on.",
    )
    qualification = _QualificationField(
        queryset=Round.objects.none(),
        label="Only raters who passed",
        required=False,
        empty_label="no qualification",
        help_text="Nobody else is given an item. Raters of the round come into the qualification "
        "too.",
    )
    pass_share = forms.IntegerField(
        label="Pass mark, % of gold labels",
        required=False,
        min_value=1,
        max_value=100,
        help_text="80 is usual.",
    )
    pass_items = forms.IntegerField(
        label="on at least so many gold items",
        required=False,
        min_value=1,
        max_value=MOST_PASS_ITEMS,
        help_text="10 is usual; fewer say little.",
    )

    def gold_plan(self) -> GoldPlan:
        """What `services.goldplans` takes; a field that is not there is empty."""
        cleaned = self.cleaned_data
        percent = cleaned.get("pass_share")
        return GoldPlan(
            gold_every=cleaned.get("gold_every"),
            shows_gold=cleaned.get("shows_gold", False),
            qualification=cleaned.get("qualification"),
            pass_share=None if percent is None else percent / 100,
            pass_items=cleaned.get("pass_items"),
        )


class RoundChecksForm(GoldForm):
    """The same for a round that is there, with the fields that its kind and state have."""

    def __init__(self, *args: Any, round_: Round, **kwargs: Any) -> None:
        share = round_.pass_share
        initial = {
            "gold_every": round_.gold_every,
            "shows_gold": round_.shows_gold,
            "qualification": round_.qualification_id,
            "pass_share": None if share is None else round(share * 100),
            "pass_items": round_.pass_items,
        }
        super().__init__(*args, **kwargs)
        self.initial = initial
        self.round = round_
        is_qualification = round_.kind == RoundKind.QUALIFICATION
        gone = ("gold_every", "qualification") if is_qualification else ("pass_share", "pass_items")
        for name in gone:
            del self.fields[name]
        if is_qualification:
            self.is_mark_fixed = round_.state != RoundState.DRAFT
            for name in ("pass_share", "pass_items"):
                if self.is_mark_fixed:
                    del self.fields[name]
                else:
                    self.fields[name].required = True
        else:
            version = round_.guideline_version
            offered = admissions.offered(project_id=round_.project_id)
            same = offered.filter(
                guideline_version__guideline=version.guideline_id,
                guideline_version__major=version.major,
            )
            offer(self.fields["qualification"], same)

    is_mark_fixed = False

    def gold_plan(self) -> GoldPlan:
        found = super().gold_plan()
        if self.is_mark_fixed:
            now = self.round
            found = replace(found, pass_share=now.pass_share, pass_items=now.pass_items)
        return found


class RoundForm(GoldForm):
    """Which items, by which guideline, by whom, how often, and how its raters are checked."""

    kind = forms.ChoiceField(
        label="What for?",
        widget=forms.RadioSelect,
        choices=[
            (RoundKind.STANDARD.value, "Rating: people's labels of the items"),
            (
                RoundKind.QUALIFICATION.value,
                "Qualification: gold items only, all of them for everybody, to see who may rate",
            ),
        ],
        initial=RoundKind.STANDARD.value,
        error_messages={"required": "Say what the round is for."},
    )
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
    raters = RatersChoice(
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
        offer(self.fields["dataset"], datasets)
        offer(self.fields["version"], queries.versions_in_force(project_id=project.pk))
        offer(self.fields["raters"], raters)
        offer(self.fields["qualification"], admissions.offered(project_id=project.pk))
        self.initial.setdefault("kind", RoundKind.STANDARD.value)
        if not datasets.filter(share__gt=0).exists():
            del self.fields["parts"]
        self.initial.setdefault("raters", [rater.pk for rater in raters])

    @property
    def opens_checks(self) -> bool:
        """Whether something in that fold was sent, or is to be mended."""
        return self.is_bound and any(
            name in self.errors or self[name].value() for name in GoldForm.base_fields
        )

    def has_choices(self, name: str) -> bool:
        """Whether there is anything to choose in the field."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        return field.queryset is not None and field.queryset.exists()

    def plan(self) -> Mapping[str, Any]:
        """What `services.rounds.create` takes, but for the project and the person."""
        cleaned = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in GoldForm.base_fields
        }
        cleaned["checks"] = self.gold_plan()
        cleaned["kind"] = RoundKind(cleaned["kind"])
        cleaned["parts"] = [Part(part) for part in cleaned.get("parts", [])]
        return cleaned


class RatersForm(forms.Form):
    """More raters for a round."""

    raters = RatersChoice(
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
        offer(self.fields["raters"], raters)
        if round_.kind == RoundKind.DRIFT:
            self.fields[
                "raters"
            ].help_text = "Whoever wrote what this round watches is not among them."


def offer(field: forms.Field, rows: QuerySet[Any]) -> None:
    """Let a field choose among these rows."""
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = rows
