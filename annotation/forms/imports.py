"""Forms of an import: which column of a file is which field, without any script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from annotation.forms.importfields import (
    ITEM_GROUPS,
    LABEL_GROUPS,
    LONG,
    MIXED,
    PAIR,
    SINGLE,
    WIDE,
    FieldGroup,
    FieldWords,
)
from annotation.rules.itemrows import guess_map
from annotation.rules.labeltable import PEOPLE_FIELDS
from annotation.rules.personal import check_region
from annotation.services.importing import MASK, REPORT
from annotation.services.uploads import Preview
from core import mapping
from core.errors import DomainError, Invalid

REFUSE = "refuse"
SKIP = "skip"
NEW_GUIDELINE = "new"
SAMPLE_CHARS = 40
PATH_CHARS = 300
OFFERED_COLUMNS = 300
"""Each field has a list of columns to choose from; further ones are named by path."""


@dataclass(frozen=True, slots=True)
class MapRow:
    """One line of the mapping: a field, the column chosen for it, and a path instead."""

    words: FieldWords
    column: BoundField
    path: BoundField

    @property
    def errors(self) -> list[str]:
        return [str(error) for error in (*self.column.errors, *self.path.errors)]


@dataclass(frozen=True, slots=True)
class MapGroup:
    title: str
    rows: Sequence[MapRow]
    is_folded: bool


LABEL_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "item": ("itemid", "id", "idx", "index", "externalid", "questionid"),
    "rater": ("raterid", "annotator", "annotatorid", "worker", "user", "judge"),
    "label": ("rating", "value", "score", "choice", "winner", "preference"),
    "dimension": ("metric", "criterion", "aspect"),
    "round": (),
    "cluster": ("clusterkey", "clusterid"),
    "at": ("timestamp", "createdat", "submittedat", "time"),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="CSV with a header, JSON (an array), JSONL or Parquet; text in UTF-8.",
        allow_empty_file=True,
        max_length=None,
        error_messages={
            "required": "Choose a file.",
            "missing": "Choose a file.",
            "invalid": "Choose a file.",
        },
    )


class MapForm(forms.Form):
    """Which column is which field. `columns()` is the mapping, once the form is valid."""

    groups_of_fields: Sequence[FieldGroup] = ()
    shape: forms.ChoiceField
    not_offered = 0

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        preview: Preview,
        columns: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.not_offered = max(0, len(preview.columns) - OFFERED_COLUMNS)
        choices = [("", "not in the file"), *_choices(preview)]
        known = {value for value, _ in choices}
        for words in self._words():
            chosen = columns.get(words.name, "")
            self.fields[f"column_{words.name}"] = forms.ChoiceField(
                label=words.label,
                choices=choices,
                required=False,
                initial=chosen if chosen in known else "",
                widget=forms.Select(attrs={"class": "input"}),
                error_messages={"invalid_choice": "The file has no column “%(value)s”."},
            )
            self.fields[f"path_{words.name}"] = forms.CharField(
                label=f"{words.label}, by path",
                max_length=PATH_CHARS,
                required=False,
                strip=True,
                initial="" if chosen in known else chosen,
                widget=forms.TextInput(
                    attrs={
                        "class": "input",
                        "aria-label": f"{words.label}: a path instead of a column",
                        "placeholder": "or a path",
                        "autocomplete": "off",
                        "spellcheck": "false",
                    }
                ),
            )

    def groups(self) -> list[MapGroup]:
        """The lines of the mapping; a folded group with something in it is open."""
        return [
            MapGroup(
                group.title,
                [self._row(words) for words in group.fields],
                group.is_folded and not any(self._is_used(words) for words in group.fields),
            )
            for group in self.groups_of_fields
        ]

    def columns(self) -> dict[str, str]:
        """field -> column or path, for the fields of the chosen shape."""
        shape = self.cleaned_data["shape"]
        chosen = {
            words.name: self._chosen(words.name)
            for words in self._words()
            if not words.shapes or shape in words.shapes
        }
        return {name: path for name, path in chosen.items() if path}

    def add_mapping_refusal(self, refusal: DomainError) -> None:
        """Put the sentences of a refused mapping beside their fields."""
        known = {
            name: texts for name, texts in refusal.fields.items() if f"column_{name}" in self.fields
        }
        for name, texts in known.items():
            for text in texts:
                self.add_error(f"column_{name}", text)
        if not known:
            self.add_error(None, refusal.sentence)

    def _words(self) -> Iterable[FieldWords]:
        return (words for group in self.groups_of_fields for words in group.fields)

    def _row(self, words: FieldWords) -> MapRow:
        return MapRow(words, self[f"column_{words.name}"], self[f"path_{words.name}"])

    def _is_used(self, words: FieldWords) -> bool:
        row = self._row(words)
        return bool(row.column.value() or row.path.value())

    def _chosen(self, name: str) -> str:
        """A path that somebody wrote goes before the column that was guessed."""
        return str(
            self.cleaned_data.get(f"path_{name}") or self.cleaned_data.get(f"column_{name}") or ""
        )

    def _need(self, name: str, sentence: str) -> None:
        if not self._chosen(name) and f"column_{name}" not in self.errors:
            self.add_error(f"column_{name}", sentence)


class ItemMapForm(MapForm):
    """The mapping of a file of items."""

    groups_of_fields = ITEM_GROUPS

    shape = forms.ChoiceField(
        label="Each row holds",
        choices=[
            (SINGLE, "one response to judge"),
            (PAIR, "two responses to compare"),
            (MIXED, "one or two: the rows differ"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Say what each row holds."},
    )
    broken = forms.ChoiceField(
        label="If rows cannot be read",
        choices=[
            (REFUSE, "take nothing, and name each such row by its number"),
            (SKIP, "leave those rows out, and import the rest"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Say what happens with rows that cannot be read."},
    )
    personal = forms.ChoiceField(
        label="Personal data in the texts",
        choices=[
            ("", "is not looked for"),
            (REPORT, "is looked for and counted"),
            (MASK, "is masked: [e-mail 1], [phone number 1] and the like stand in its place"),
        ],
        required=False,
        widget=forms.RadioSelect,
        help_text="E-mail addresses, phone, card and account numbers, addresses of machines.",
    )
    region = forms.CharField(
        label="Country of phone numbers without a code",
        max_length=2,
        required=False,
        widget=forms.TextInput(attrs={"class": "input", "size": 2, "autocomplete": "off"}),
        help_text="Two letters, such as DE, GB or US. Left empty, only numbers with + are found.",
    )

    def clean_region(self) -> str:
        try:
            return check_region(self.cleaned_data["region"])
        except Invalid as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self._chosen("messages"):
            self._need("input", "Every item needs an input: choose its column.")
        shape = cleaned.get("shape")
        if shape == SINGLE and not self._chosen("messages"):
            self._need("response", "Choose the column of the response.")
        if shape == PAIR:
            self._need("response_a", "Choose the column of response A.")
            self._need("response_b", "Choose the column of response B.")
        return cleaned

    def skip_bad(self) -> bool:
        return bool(self.cleaned_data["broken"] == SKIP)


class LabelMapForm(MapForm):
    """The mapping of a label table: one row, one label, or a column for each rater."""

    groups_of_fields = LABEL_GROUPS

    shape = forms.ChoiceField(
        label="Each row holds",
        choices=[(LONG, "one label"), (WIDE, "one item, with a column for each rater")],
        widget=forms.RadioSelect,
        error_messages={"required": "Say what each row holds."},
    )
    wide = forms.MultipleChoiceField(
        label="Columns that each hold one rater's labels",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one column that holds a rater's labels."},
    )
    values = forms.CharField(
        label="What the file writes for a label",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "0=tie\n1=A\n2=B"}),
        help_text="One a line, the file's value first. Left empty, values are taken as they are.",
    )
    guideline = forms.ChoiceField(
        label="Guideline",
        help_text="The scales that the labels are checked against.",
    )
    new_name = forms.CharField(
        label="Name of the guideline that is made",
        max_length=120,
        required=False,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        preview: Preview,
        columns: Mapping[str, str],
        guidelines: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, preview=preview, columns=columns, **kwargs)
        wide, guideline = self.fields["wide"], self.fields["guideline"]
        assert isinstance(wide, forms.MultipleChoiceField)
        assert isinstance(guideline, forms.ChoiceField)
        wide.choices = _choices(preview)
        wide.required = data is None or data.get("shape") == WIDE
        guideline.choices = [
            (NEW_GUIDELINE, "made from the labels"),
            *((f"name:{name}", name) for name in guidelines),
        ]

    def clean_values(self) -> str:
        try:
            mapping.parse_values(self._value_lines(self.cleaned_data["values"]))
        except Invalid as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal
        return str(self.cleaned_data["values"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._need("item", "Choose the column that names the item.")
        if cleaned.get("shape") == LONG:
            self._need("rater", "Choose the column that names the rater.")
            self._need("label", "Choose the column of the label.")
        return cleaned

    def wide_columns(self) -> list[str]:
        is_wide = self.cleaned_data["shape"] == WIDE
        return list(self.cleaned_data["wide"]) if is_wide else []

    def value_codes(self) -> list[str]:
        return self._value_lines(self.cleaned_data["values"])

    def guideline_name(self) -> str:
        chosen = str(self.cleaned_data["guideline"])
        is_new = chosen == NEW_GUIDELINE
        return str(self.cleaned_data["new_name"]) if is_new else chosen.removeprefix("name:")

    @staticmethod
    def _value_lines(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.strip()]


def item_form(
    data: Mapping[str, Any] | None, *, preview: Preview, plan: Mapping[str, Any]
) -> ItemMapForm:
    """The form as an earlier try left it (`plan`), else with the columns that speak clearly."""
    columns: Mapping[str, str] = plan.get("columns") or guess_map(preview.columns)
    has_one, has_two = "response" in columns, "response_a" in columns
    shape = MIXED if has_one and has_two else PAIR if has_two else SINGLE
    initial = {
        "shape": shape,
        "broken": SKIP if plan.get("skip_bad") else REFUSE,
        "personal": plan.get("personal", ""),
        "region": plan.get("region", ""),
    }
    return ItemMapForm(data, preview=preview, columns=columns, initial=initial)


def label_form(
    data: Mapping[str, Any] | None,
    *,
    preview: Preview,
    plan: Mapping[str, Any],
    guidelines: Sequence[str],
) -> LabelMapForm:
    """The same for a label table."""
    columns: Mapping[str, str] = plan.get("columns") or guess_label_columns(preview.columns)
    name = str(plan.get("guideline", ""))
    initial = {
        "shape": WIDE if plan.get("wide") or "label" not in columns else LONG,
        "wide": plan.get("wide") or _rater_columns(preview.columns),
        "values": "\n".join(plan.get("values", [])),
        "guideline": f"name:{name}" if name in guidelines else NEW_GUIDELINE,
        "new_name": "" if name in guidelines else name,
    }
    return LabelMapForm(
        data, preview=preview, columns=columns, guidelines=guidelines, initial=initial
    )


def guess_label_columns(columns: Sequence[str]) -> dict[str, str]:
    """field -> column for a label table's columns whose names speak clearly."""
    known = {_plain(column): column for column in reversed(columns)}
    guess = {}
    for name in PEOPLE_FIELDS:
        spellings = (name, *LABEL_SPELLINGS[name])
        found = next((known[one] for one in spellings if one in known), None)
        if found is not None:
            guess[name] = found
    return guess


def _rater_columns(columns: Sequence[str]) -> list[str]:
    """Columns such as annotator1, annotator2: one word and a number."""
    words = ("annotator", "rater", "worker", "judge")
    return [
        column
        for column in columns
        if _plain(column).rstrip("0123456789") in words and _plain(column)[-1:].isdecimal()
    ]


def _plain(column: str) -> str:
    return "".join(character for character in column.lower() if character.isalnum())


def _choices(preview: Preview) -> list[tuple[str, str]]:
    """Each column with what its first filled cell says, so that the right one is recognised."""
    choices = []
    for at, column in enumerate(preview.columns[:OFFERED_COLUMNS]):
        sample = next((row[at] for row in preview.rows if row[at].strip()), "")
        cut = " ".join(sample.split())
        if len(cut) > SAMPLE_CHARS:
            cut = f"{cut[:SAMPLE_CHARS]}…"
        choices.append((column, f"{column} · {cut}" if cut else column))
    return choices
