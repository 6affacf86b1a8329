"""A probe of the bias laboratory: which version, which bias, on how many items."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Project
from annotation.models import Dataset
from annotation.states import DatasetKind
from judges.forms.runs import BudgetForm
from judges.models import JudgeVersion
from judges.rules.probes import FACTORS, MOST_ITEMS, SAMPLES
from judges.services.probesamples import Asked
from judges.services.runs import MOST_CONCURRENT
from judges.states import RUN_HERE, ProbeKind

USUAL = {"size": 200, "seed": 1, "factor": "2.0", "samples": "3"}


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: JudgeVersion) -> str:
        return f"{obj.judge.name} {obj}"


class ProbeForm(BudgetForm):
    """What a person chooses for a probe; the other probes' fields are not looked at."""

    version = VersionField(
        JudgeVersion.objects.none(),
        label="Judge version",
        empty_label=None,
        error_messages={"required": "Write a judge's version first: a probe asks one."},
    )
    kind = forms.ChoiceField(label="Probe", choices=ProbeKind.choices)
    dataset = forms.ModelChoiceField(Dataset.objects.none(), label="Dataset", empty_label=None)
    size = forms.IntegerField(
        label="Items",
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="Drawn by lot. Four times as many halve the interval.",
    )
    seed = forms.IntegerField(
        label="Lot",
        min_value=1,
        max_value=999_999,
        help_text="The same number draws the same items; another one draws others.",
    )
    factor = forms.TypedChoiceField(
        label="Padded copies are longer by",
        coerce=float,
        choices=[(str(one), f"{one:g} times") for one in FACTORS],
        help_text="For the probe of length.",
    )
    samples = forms.TypedChoiceField(
        label="Each item is asked",
        coerce=int,
        choices=[(str(one), f"{one} times") for one in SAMPLES],
        help_text="For the probe of repeats.",
    )
    concurrency = forms.IntegerField(
        label="Calls at once",
        min_value=1,
        max_value=MOST_CONCURRENT,
        help_text="Fewer when the provider slows down.",
    )
    field_order = [
        "version", "kind", "dataset", "size", "seed", "factor", "samples", "budget", "concurrency",
    ]  # fmt: skip

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = JudgeVersion.objects.filter(judge__project=project, kind__in=RUN_HERE)
        datasets = Dataset.objects.filter(project=project, kind=DatasetKind.NORMAL).order_by("-pk")
        self.fields["version"].queryset = versions.select_related(  # type: ignore[attr-defined]
            "judge__project", "guideline_version"
        ).order_by("judge__name", "-number")
        self.fields["dataset"].queryset = datasets  # type: ignore[attr-defined]
        self.fields[
            "budget"
        ].help_text = "Shared by the runs of the probe and never exceeded. Empty: no limit."

    def asked(self) -> Asked:
        """The probe of a form that is valid."""
        return asked_of(self.cleaned_data)


def asked_of(chosen: dict[str, Any]) -> Asked:
    """The probe of these choices: only the parameters of its own kind belong to it."""
    kind = ProbeKind(chosen["kind"])
    parameters: dict[str, Any] = {}
    if kind is ProbeKind.LENGTH:
        parameters["factor"] = chosen["factor"]
    if kind is ProbeKind.REPEAT:
        parameters["samples"] = chosen["samples"]
    return Asked(
        version=chosen["version"],
        dataset=chosen["dataset"],
        kind=kind,
        size=chosen["size"],
        seed=chosen["seed"],
        parameters=parameters,
    )
