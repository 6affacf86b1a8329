"""What people choose for judges and their versions."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.db.models import QuerySet

from accounts.models import Project
from annotation.models import Dimension, Guideline, GuidelineVersion, Item
from annotation.states import DimensionKind, VersionState
from judges.models import Judge, ProviderKey
from judges.rules import capabilities, checklists
from judges.rules.spec import Checklist, VersionSpec
from judges.services import profiles
from judges.services.versions import (
    ANTHROPIC,
    SIMULATED_PREFIX,
    SIMULATOR,
    Choices,
    dimension_spec,
)

SIMULATED_MODELS = ("sim-plumb-1", "sim-slant-1", "sim-sway-1")
CLAUDE_MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")


def offered_models() -> tuple[str, ...]:
    """Names to choose from; any other name may be typed."""
    return (*(SIMULATED_MODELS if settings.SIMULATOR_URL else ()), *CLAUDE_MODELS)


def with_published(project: Project) -> QuerySet[Guideline]:
    """Guidelines by which a judge can judge."""
    published = Guideline.objects.filter(
        project=project, versions__state=VersionState.PUBLISHED
    ).distinct()
    return published.order_by("name")


class Asked(NamedTuple):
    """Who is asked for which model, and where; the address of simulated judges is empty."""

    provider: str
    model: str
    base_url: str


def addresses(project: Project) -> list[tuple[str, str]]:
    """Where judges of this project can be asked: here, and wherever there is a key for."""
    keys = ProviderKey.objects.filter(project=project).order_by("base_url", "provider")
    places = [(f"{key.provider} {key.base_url}", key.base_url) for key in keys]
    return [("", f"{settings.ANTHROPIC_BASE_URL} (this installation's)"), *places]


def asked_of(model: str, address: str) -> Asked:
    """`address` is a value of `addresses`."""
    model = model.strip()
    if model.startswith(SIMULATED_PREFIX):
        return Asked(SIMULATOR, model, "")
    provider, _, base_url = address.partition(" ")
    if not base_url:
        return Asked(ANTHROPIC, model, settings.ANTHROPIC_BASE_URL)
    return Asked(provider, model, base_url)


class JudgeForm(forms.Form):
    """The name of a judge and the guideline that it follows."""

    name = forms.CharField(label="Name", max_length=120)
    guideline = forms.ModelChoiceField(
        Guideline.objects.none(),
        label="Guideline",
        empty_label=None,
        help_text="The judge reads what the raters read. It cannot be changed later.",
        error_messages={"required": "Publish a guideline first: a judge judges by one."},
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["guideline"].queryset = with_published(project)  # type: ignore[attr-defined]


class GuidelineVersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: GuidelineVersion) -> str:
        now = " (in force)" if obj.state == VersionState.PUBLISHED else ""
        return f"{obj.guideline.name} {obj.number}{now}"


class VersionForm(forms.Form):
    """Everything about a version that a person chooses. Empty texts are refused by the lint."""

    guideline_version = GuidelineVersionField(
        GuidelineVersion.objects.none(), label="Guideline version", empty_label=None
    )
    model = forms.CharField(
        label="Model",
        max_length=120,
        help_text="A name that starts with sim- is a simulated judge: no model is called.",
        widget=forms.TextInput(attrs={"list": "models", "autocomplete": "off"}),
    )
    system_template = forms.CharField(
        label="System prompt",
        max_length=50_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 11, "spellcheck": "false"}),
        help_text="Variables: {{ guideline }}, {{ rubric }}, {{ examples }}.",
    )
    user_template = forms.CharField(
        label="Item prompt",
        max_length=50_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 11, "spellcheck": "false"}),
    )
    reasoning_first = forms.ChoiceField(
        label="The judge writes first",
        choices=[("yes", "the evidence, then the label"), ("no", "the label, then the evidence")],
        widget=forms.RadioSelect,
    )
    both_orders = forms.BooleanField(
        label="Ask in both orders",
        required=False,
        help_text="A verdict that changes with the places is a tie, and is counted as a flip.",
    )
    samples = forms.IntegerField(
        label="Samples for each item", min_value=1, max_value=15, initial=1
    )
    max_tokens = forms.IntegerField(
        label="Tokens of an answer, at most", min_value=64, max_value=20_000, initial=4096
    )
    effort = forms.ChoiceField(
        label="Effort",
        required=False,
        choices=[("", "the model's own")]
        + [(word, word) for word in ("low", "medium", "high", "xhigh", "max")],
    )
    thinking = forms.ChoiceField(
        label="Thinking",
        required=False,
        choices=[("", "the model's own"), ("adaptive", "adaptive"), ("disabled", "disabled")],
    )
    structured_output = forms.ChoiceField(
        label="Form of the answer",
        choices=[
            ("native", "by a JSON schema sent along"),
            ("prompt", "by a schema in the prompt, for servers without the other"),
        ],
    )
    address = forms.ChoiceField(
        label="Asked at",
        required=False,
        help_text="Addresses that an admin has set a key for. Simulated judges stay here.",
    )
    can = forms.MultipleChoiceField(
        label="What the server can",
        required=False,
        choices=capabilities.DECLARABLE,
        widget=forms.CheckboxSelectMultiple,
        help_text="Counts for a server or a model that tells nothing of itself; "
        "a Claude model's profile is read.",
    )
    temperature = forms.FloatField(
        label="Temperature",
        required=False,
        min_value=0,
        max_value=2,
        help_text="For a server of your own that takes one. Empty: the server's own.",
    )
    most_output = forms.IntegerField(
        label="Its longest answer, in tokens",
        required=False,
        min_value=128,
        max_value=10_000_000,
        help_text="Empty: not known.",
    )
    reference = forms.ChoiceField(
        label="Reference answer",
        required=False,
        choices=[("", "shown where an item has one"), ("no", "never shown")],
    )
    note = forms.CharField(
        label="What is new in it",
        max_length=200,
        required=False,
        help_text="A few words for the list of versions.",
    )

    def __init__(self, judge: Judge, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = GuidelineVersion.objects.filter(guideline=judge.guideline_id).exclude(
            state=VersionState.DRAFT
        )
        chosen: Any = self.fields["guideline_version"]
        chosen.queryset = versions.select_related("guideline").order_by("-major", "-minor")
        places: Any = self.fields["address"]
        places.choices = addresses(judge.project)
        if judge.guideline.form != "pairwise":
            del self.fields["both_orders"]
        self.checklist_keys = _scale_keys(versions)
        for key in self.checklist_keys:
            self.fields[f"checklist_{key}"] = forms.CharField(
                label=f"Questions in place of {key}",
                required=False,
                max_length=10_000,
                widget=forms.Textarea(attrs={"rows": 4}),
                help_text="Each with yes for what is good, one a line. Empty: asked as a scale.",
            )
            self.fields[f"points_{key}"] = forms.CharField(
                label=f"Points of {key} for no yes, one yes, …",
                required=False,
                max_length=400,
                help_text="Parted by commas, one more than there are questions. Empty: evenly "
                "spread.",
            )
        names = "response_a, response_b" if judge.guideline.form == "pairwise" else "response"
        self.fields["user_template"].help_text = (
            f"Variables: input, context, reference, messages, {names}, each in double braces. "
            "Every text is fenced off as data."
        )

    def asked(self) -> Asked:
        """Who is asked for what, in a valid form."""
        data = self.cleaned_data
        return asked_of(data["model"], data["address"])

    def choices(self, found: profiles.Found | None = None) -> Choices:
        """The choices of a valid form, with the profile as `found`, else as known or declared."""
        data, asked = self.cleaned_data, self.asked()
        if found is None:
            found = profiles.known(**asked._asdict())
        profile, source = found.profile, found.source
        if profile is None:
            native = data["structured_output"] == "native"
            profile = capabilities.declared(
                can=data["can"], native_output=native, max_tokens=data["most_output"]
            )
            source = profiles.DECLARED
        return Choices(
            provider=asked.provider,
            base_url=asked.base_url,
            profile=profile,
            profile_source=source,
            model=asked.model,
            system_template=data["system_template"],
            user_template=data["user_template"],
            max_tokens=data["max_tokens"],
            effort=data["effort"] or None,
            thinking=data["thinking"] or None,
            reasoning_first=data["reasoning_first"] == "yes",
            both_orders=data.get("both_orders", False),
            samples=data["samples"],
            temperature=data["temperature"],
            structured_output=data["structured_output"],
            with_reference=data["reference"] != "no",
            checklists=self._checklists(),
        )

    @property
    def checklist_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """For each scale dimension its questions and the points that they make."""
        return [(self[f"checklist_{key}"], self[f"points_{key}"]) for key in self.checklist_keys]

    @property
    def has_checklist(self) -> bool:
        """Whether a checklist is written, or something is wrong with one."""
        pairs = self.checklist_fields
        return any(bound.value() or bound.errors for pair in pairs for bound in pair)

    def _checklists(self) -> tuple[Checklist, ...]:
        """What is written, with the points evenly spread where none are named."""
        rankings = {
            dimension.key: dimension_spec(dimension).ranking
            for dimension in self.cleaned_data["guideline_version"].dimensions.all()
        }
        found = []
        for key in self.checklist_keys:
            questions = _lines(self.cleaned_data[f"checklist_{key}"])
            if not questions:
                continue
            points = tuple(re.split(r"[\s,]+", self.cleaned_data[f"points_{key}"].strip(", ")))
            if points == ("",):
                points = checklists.even_points(rankings.get(key, ("",)), len(questions))
            found.append(Checklist(key, questions, points))
        return tuple(found)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _scale_keys(versions: QuerySet[GuidelineVersion]) -> list[str]:
    """The scale dimensions of these guideline versions, in the order of the newest rubric."""
    rows = Dimension.objects.filter(version__in=versions, kind=DimensionKind.SCALE)
    ordered = rows.order_by("-version__major", "-version__minor", "position")
    return list(dict.fromkeys(ordered.values_list("key", flat=True)))


def version_initial(spec: VersionSpec) -> dict[str, object]:
    """A form that starts from a version's choices."""
    return {
        "model": spec.model,
        "system_template": spec.system_template,
        "user_template": spec.user_template,
        "reasoning_first": "yes" if spec.reasoning_first else "no",
        "both_orders": spec.both_orders,
        "samples": spec.samples,
        "max_tokens": spec.max_tokens,
        "effort": spec.effort or "",
        "thinking": spec.thinking or "",
        "structured_output": spec.structured_output,
        "temperature": spec.temperature,
        **_declared(spec),
        "reference": "" if spec.with_reference else "no",
        **{f"checklist_{one.dimension}": "\n".join(one.questions) for one in spec.checklists},
        **{f"points_{one.dimension}": ", ".join(one.points) for one in spec.checklists},
    }


def _declared(spec: VersionSpec) -> dict[str, object]:
    """The address of the version, and what was declared of its server."""
    is_here = spec.base_url in {"", settings.ANTHROPIC_BASE_URL}
    has = spec.capabilities
    can = {"effort": has.get("efforts"), "thinking": has.get("thinking")}
    can |= {word: has.get(word) for word in ("prompt_cache", "token_counting", "sampling")}
    return {
        "address": "" if is_here else f"{spec.provider} {spec.base_url}",
        "can": [] if is_here else [word for word, is_there in can.items() if is_there],
        "most_output": None if is_here else has.get("max_tokens"),
    }


class ProfileForm(forms.Form):
    """Which model's profile the editor shows."""

    model = forms.CharField(max_length=120)
    address = forms.ChoiceField(required=False)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places: Any = self.fields["address"]
        places.choices = addresses(project)


class PreviewItemForm(forms.Form):
    """Which development item a preview shows."""

    item = forms.ModelChoiceField(
        Item.objects.none(),
        label="Shown with the item",
        empty_label=None,
        required=False,
        widget=forms.Select(attrs={"form": "version-form"}),
    )

    def __init__(self, items: list[Item], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["item"]
        field.queryset = Item.objects.filter(pk__in=[item.pk for item in items])
        field.choices = [(item.pk, item.title or item.external_id) for item in items]
