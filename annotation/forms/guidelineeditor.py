"""The guideline editor: a text, worked examples and a rubric, in one form that needs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict
from django.utils.text import slugify

from annotation.rules.rubric import (
    FIXED_VALUES,
    KEY,
    KIND_NAMES,
    MOST_DIMENSIONS,
    RATIONALE_NAMES,
    DimensionSpec,
    foreign_values,
    kind_problem,
    points_of,
    scale_problem,
)
from annotation.rules.scales import Point
from annotation.rules.writing import (
    ANCHORS_CHARS,
    DIMENSION_NAME_CHARS,
    EXAMPLE_TEXT_CHARS,
    EXAMPLE_TITLE_CHARS,
    EXAMPLE_WHY_CHARS,
    LONGEST_TEXT,
    MOST_EXAMPLES,
    QUESTION_CHARS,
    WorkedExample,
)
from annotation.states import DimensionKind, GuidelineForm, RationaleRule

KINDS_OF = {
    GuidelineForm.POINTWISE: (DimensionKind.SCALE, DimensionKind.YES_NO, DimensionKind.CATEGORY),
    GuidelineForm.PAIRWISE: (DimensionKind.PAIRWISE, DimensionKind.PAIRWISE_GRADED),
}
CODE_FIELDS = {"scale_points": "points", "scale_level": "kind", "scale_cut": "cut"}


class TextForm(forms.Form):
    text = forms.CharField(
        label="Text",
        max_length=LONGEST_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 18}),
        help_text="Markdown. It stands beside every item that is rated.",
    )


class ExampleForm(forms.Form):
    title = forms.CharField(label="Title", max_length=EXAMPLE_TITLE_CHARS)
    is_good = forms.TypedChoiceField(
        label="It is",
        choices=[("good", "good"), ("bad", "bad")],
        coerce=lambda value: value == "good",
    )
    text = forms.CharField(
        label="The response",
        max_length=EXAMPLE_TEXT_CHARS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    why = forms.CharField(
        label="Why", max_length=EXAMPLE_WHY_CHARS, widget=forms.Textarea(attrs={"rows": 2})
    )

    def example(self) -> WorkedExample:
        return WorkedExample(**self.cleaned_data)


class DimensionForm(forms.Form):
    """One row of the rubric; valid, it holds its `spec`."""

    name = forms.CharField(label="Name", max_length=DIMENSION_NAME_CHARS)
    key = forms.CharField(
        label="Key",
        max_length=60,
        required=False,
        help_text="For tables and the API; empty: from the name.",
    )
    question = forms.CharField(
        label="Question to the rater", max_length=QUESTION_CHARS, required=False
    )
    kind = forms.TypedChoiceField(label="Kind", coerce=DimensionKind)
    points = forms.CharField(
        label="Points, one a line",
        required=False,
        max_length=ANCHORS_CHARS,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="4 = Right, with a slip that changes nothing",
    )
    cut = forms.CharField(
        label="Cut",
        max_length=40,
        required=False,
        help_text="Acceptable from here on.",
    )
    rationale = forms.TypedChoiceField(
        label="Rationale",
        coerce=RationaleRule,
        choices=[(rule.value, words) for rule, words in RATIONALE_NAMES.items()],
    )
    allow_na = forms.BooleanField(label="May be “not applicable”", required=False)

    def __init__(self, *args: Any, form: GuidelineForm, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.form_of_guideline = form
        self.spec: DimensionSpec | None = None
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [(one.value, KIND_NAMES[one]) for one in KINDS_OF[form]]
        if form is GuidelineForm.PAIRWISE:
            del self.fields["cut"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        key = cleaned["key"] or slugify(cleaned["name"]).replace("-", "_")
        if not KEY.fullmatch(key):
            self.add_error("key", "Begin with a small letter; then small letters, digits, - and _.")
            return cleaned
        self._make(key, cleaned)
        return cleaned

    def _make(self, key: str, cleaned: Mapping[str, Any]) -> None:
        kind: DimensionKind = cleaned["kind"]
        written = read_points(cleaned["points"])
        foreign = foreign_values(kind, written)
        if foreign:
            allowed = ", ".join(FIXED_VALUES[kind])
            self.add_error("points", f"“{foreign[0]}” is none of the labels {allowed}.")
            return
        spec = DimensionSpec(
            key=key,
            name=cleaned["name"],
            question=cleaned["question"],
            kind=kind,
            points=points_of(kind, written),
            cut=cleaned.get("cut", ""),
            allow_na=cleaned["allow_na"],
            rationale=cleaned["rationale"],
        )
        wrong_kind = kind_problem(kind, self.form_of_guideline)
        if wrong_kind:
            self.add_error("kind", wrong_kind)
        problem = scale_problem(spec)
        if problem is not None:
            self.add_error(CODE_FIELDS[problem.code], problem.sentence)
        if not self.errors:
            self.spec = spec


ExampleFormSet = formset_factory(
    ExampleForm, extra=0, max_num=MOST_EXAMPLES, absolute_max=MOST_EXAMPLES
)
DimensionFormSet = formset_factory(
    DimensionForm, extra=0, max_num=MOST_DIMENSIONS, absolute_max=MOST_DIMENSIONS
)

EXAMPLE_FIELDS = tuple(ExampleForm.base_fields)
DIMENSION_FIELDS = tuple(DimensionForm.base_fields)
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The editor's fields as they were written, right or wrong."""

    text: str
    examples: Rows
    dimensions: Rows


class Editor:
    """Text, examples and rubric together; `form` says whether responses are compared."""

    def __init__(
        self,
        *,
        form: GuidelineForm,
        data: QueryDict | None = None,
        text: str = "",
        examples: Sequence[Mapping[str, Any]] = (),
        dimensions: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.form = form
        self.rows = (
            _Rows(text, [dict(row) for row in examples], [dict(row) for row in dimensions])
            if data is None
            else _rows_of(data)
        )
        self.head = TextForm(data, initial={"text": text})
        self.examples: BaseFormSet[ExampleForm] = ExampleFormSet(
            data,
            initial=self.rows.examples if data is None else None,
            prefix="example",
            form_kwargs={"empty_permitted": False},
        )
        self.dimensions: BaseFormSet[DimensionForm] = DimensionFormSet(
            data,
            initial=self.rows.dimensions if data is None else None,
            prefix="dimension",
            form_kwargs={"form": form, "empty_permitted": False},
        )

    def is_valid(self) -> bool:
        parts_are = [self.head.is_valid(), self.examples.is_valid(), self.dimensions.is_valid()]
        return all(parts_are) and self._keys_are_different()

    @property
    def entries(self) -> list[dict[str, str]]:
        """What has to be mended: each sentence with the field that it leads to."""
        broken = [
            {"target": "", "sentence": str(error)}
            for part in (self.examples, self.dimensions)
            for error in part.non_form_errors()
        ]
        return broken + [
            {"target": bound.auto_id, "sentence": f"{place}{bound.label}: {error}"}
            for place, form in self._places()
            if form.is_bound
            for bound in form
            for error in bound.errors
        ]

    def shown(self) -> dict[str, Any]:
        """What raters would see now: `text`, `examples`, `specs`; broken rows are left out."""
        tried = [DimensionForm(row, form=self.form) for row in self.rows.dimensions]
        whole = [form.spec for form in tried if form.is_valid() and form.spec is not None]
        examples = [
            {**row, "is_good": row.get("is_good") == "good"}
            for row in self.rows.examples
            if row.get("title") or row.get("text")
        ]
        return {
            "text": self.rows.text,
            "examples": examples,
            "specs": whole,
            "left_out": len(tried) - len(whole),
        }

    def text(self) -> str:
        return str(self.head.cleaned_data["text"]).replace("\r\n", "\n")

    def worked_examples(self) -> list[WorkedExample]:
        return [form.example() for form in self.examples.forms]

    def specs(self) -> list[DimensionSpec]:
        """The dimensions that are whole; all of them, once the editor is valid."""
        return [form.spec for form in self.dimensions.forms if form.spec is not None]

    def _keys_are_different(self) -> bool:
        seen: set[str] = set()
        for form in self.dimensions.forms:
            if form.spec is not None and form.spec.key in seen:
                form.add_error("key", f"“{form.spec.key}” stands above already.")
            elif form.spec is not None:
                seen.add(form.spec.key)
        return not any(form.errors for form in self.dimensions.forms)

    def _places(self) -> list[tuple[str, forms.Form]]:
        examples = [(f"Example {n}, ", one) for n, one in enumerate(self.examples.forms, 1)]
        rubric = [(f"Dimension {n}, ", one) for n, one in enumerate(self.dimensions.forms, 1)]
        return [("", self.head), *examples, *rubric]


def example_row(example: Mapping[str, Any]) -> dict[str, Any]:
    """A stored example as the editor shows it."""
    return {**example, "is_good": "good" if example.get("is_good") else "bad"}


def dimension_row(spec: DimensionSpec) -> dict[str, Any]:
    """A dimension as the editor shows it."""
    return {
        "name": spec.name,
        "key": spec.key,
        "question": spec.question,
        "kind": spec.kind.value,
        "points": write_points(spec.points),
        "cut": spec.cut,
        "rationale": spec.rationale.value,
        "allow_na": spec.allow_na,
    }


def read_points(text: str) -> list[Point]:
    """`4 = Right, …` lines to points; a line without "=" is a label without an anchor."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    parts = [line.partition("=") for line in lines]
    return [Point(value.strip(), anchor.strip()) for value, _, anchor in parts]


def write_points(points: Sequence[Point]) -> str:
    return "\n".join(f"{p.value} = {p.anchor}" if p.anchor else p.value for p in points)


def reshaped(data: QueryDict, act: str, *, form: GuidelineForm) -> Editor:
    """The editor after a button that adds, removes or moves a row: nothing else is touched.

    `act` is `add_example`, `add_dimension`, `remove_dimension:2`, `up_dimension:2` and so on.
    """
    verb, _, place = act.partition(":")
    number = int(place) if place.isascii() and place.isdecimal() else -1
    rows = _rows_of(data)
    part = rows.examples if verb.endswith("_example") else rows.dimensions
    _reshape(part, verb.partition("_")[0], number)
    return Editor(form=form, text=rows.text, examples=rows.examples, dimensions=rows.dimensions)


def _reshape(rows: Rows, verb: str, number: int) -> None:
    if verb == "add":
        rows.append({})
    elif 0 <= number < len(rows):
        row = rows.pop(number)
        if verb == "up":
            rows.insert(max(0, number - 1), row)


def _rows_of(data: QueryDict) -> _Rows:
    return _Rows(
        data.get("text", ""),
        _rows(data, "example", EXAMPLE_FIELDS, MOST_EXAMPLES),
        _rows(data, "dimension", DIMENSION_FIELDS, MOST_DIMENSIONS),
    )


def _rows(data: QueryDict, prefix: str, names: Sequence[str], most: int) -> Rows:
    total = data.get(f"{prefix}-TOTAL_FORMS", "0")
    count = int(total) if total.isascii() and total.isdecimal() and len(total) < 4 else 0
    return [
        {name: data.get(f"{prefix}-{place}-{name}", "") for name in names}
        for place in range(min(count, most))
    ]
