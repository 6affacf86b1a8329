"""The guideline editor: a text, worked examples and a rubric, in one form that needs no script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from annotation.states import DimensionKind, GuidelineForm, Level, RationaleRule

KINDS_OF = {
    GuidelineForm.POINTWISE: (DimensionKind.SCALE, DimensionKind.YES_NO, DimensionKind.CATEGORY),
    GuidelineForm.PAIRWISE: (DimensionKind.PAIRWISE, DimensionKind.PAIRWISE_GRADED),
}
CODE_FIELDS = {"scale_points": "points", "scale_level": "level", "scale_cut": "cut"}
LEVEL_NAMES = {
    "": "as usual",
    Level.NOMINAL.value: "names without an order",
    Level.ORDINAL.value: "an order",
    Level.INTERVAL.value: "equal steps",
}
# The "=" between a point and its anchor stands alone: a label may hold one itself.
POINT = re.compile(r"(?P<value>.*?)\s=(?:\s+(?P<anchor>.*))?")


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
    level = forms.TypedChoiceField(
        label="Its points are",
        required=False,
        coerce=Level,
        empty_value=None,
        choices=list(LEVEL_NAMES.items()),
        help_text="Equal steps: means make sense.",
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
            level=cleaned["level"],
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

    def focus(self, part: BaseFormSet[Any], place: int) -> None:
        """The first field of that row has the focus when the page comes, with or without script."""
        if 0 <= place < len(part.forms):
            first = next(iter(part.forms[place].fields.values()))
            first.widget.attrs["autofocus"] = True

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
        "level": _declared_level(spec),
        "cut": spec.cut,
        "rationale": spec.rationale.value,
        "allow_na": spec.allow_na,
    }


def _declared_level(spec: DimensionSpec) -> str:
    """What the kind would not say by itself: it then follows a change of the kind."""
    level = spec.level_of_measurement
    return "" if level == replace(spec, level=None).level_of_measurement else level.value


def read_points(text: str) -> list[Point]:
    """`4 = Right, …` lines to points; a line without "=" is a label without an anchor."""
    return [_read_point(line.strip()) for line in text.splitlines() if line.strip()]


def _read_point(line: str) -> Point:
    apart = POINT.fullmatch(line)
    value, anchor = apart.group("value", "anchor") if apart else line.partition("=")[::2]
    return Point(value.strip(), (anchor or "").strip())


def write_points(points: Sequence[Point]) -> str:
    return "\n".join(
        f"{p.value} = {' '.join(p.anchor.split())}".rstrip()
        if p.anchor or "=" in p.value
        else p.value
        for p in points
    )


def reshaped(data: QueryDict, act: str, *, form: GuidelineForm) -> Editor:
    """The editor after a button that adds, removes or moves a row: nothing else is touched.

    `act` is `add_example`, `add_dimension`, `remove_dimension:2`, `up_dimension:2`,
    `down_dimension:2` and so on. The row at hand afterwards takes the focus.
    """
    verb, _, place = act.partition(":")
    number = int(place) if place.isascii() and place.isdecimal() else -1
    rows = _rows_of(data)
    part = rows.examples if verb.endswith("_example") else rows.dimensions
    at_hand = _reshape(part, verb.partition("_")[0], number)
    editor = Editor(form=form, text=rows.text, examples=rows.examples, dimensions=rows.dimensions)
    editor.focus(editor.examples if part is rows.examples else editor.dimensions, at_hand)
    return editor


def _reshape(rows: Rows, verb: str, number: int) -> int:
    """Changes the rows; the place of the row that was added or moved, or stands there now."""
    if verb == "add":
        rows.append({})
        return len(rows) - 1
    if not 0 <= number < len(rows):
        return -1
    row = rows.pop(number)
    place = {"up": max(0, number - 1), "down": min(len(rows), number + 1)}.get(verb)
    if place is None:
        return min(number, len(rows) - 1)
    rows.insert(place, row)
    return place


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
