"""Forms of a guideline as a whole: a new one, one from a file, publishing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from annotation.models import GuidelineVersion
from annotation.queries import guidelines as queries
from annotation.rules.guidelinefile import LARGEST_FILE
from annotation.rules.keys import NAME_CHARS
from annotation.rules.presets import (
    EMPTY,
    FORM_OF,
    FOUR_DIMENSIONS,
    GRADED,
    PREFERENCE,
    PRESETS,
    START_TEXT,
    YES_OR_NO,
)
from annotation.rules.writing import WHAT_CHANGED_CHARS, Writing
from annotation.states import GuidelineForm

EMPTY_PAIRWISE = "empty_pairwise"
COPY = "copy"
START_CHOICES = [
    (FOUR_DIMENSIONS, "Four dimensions, 1–5: accuracy, completeness, clarity, safety"),
    (YES_OR_NO, "Pass or fail: one question, yes or no, with a required reason"),
    (PREFERENCE, "Pairwise preference: A, B or a tie"),
    (GRADED, "Graded preference: how clearly A or B is better"),
    (EMPTY, "An empty rubric, one response at a time"),
    (EMPTY_PAIRWISE, "An empty rubric, two responses compared"),
]


class GuidelineNewForm(forms.Form):
    """The name of a guideline and what its rubric starts from."""

    name = forms.CharField(label="Name", max_length=120)
    start = forms.ChoiceField(
        label="Start from",
        choices=START_CHOICES,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what to start from; all of it can be changed."},
    )

    def __init__(self, data: QueryDict | None, *, source: GuidelineVersion | None = None) -> None:
        """`source` is a version that can be copied."""
        super().__init__(data, initial={"start": COPY} if source else None)
        self.source = source
        start = self.fields["start"]
        assert isinstance(start, forms.ChoiceField)
        if source is not None:
            words = f"A copy of {source.guideline.name} {source.number}"
            start.choices = [(COPY, words), *START_CHOICES]

    def chosen_form(self) -> GuidelineForm:
        start = self.cleaned_data["start"]
        if self.source is not None and start == COPY:
            return GuidelineForm(self.source.guideline.form)
        empty = GuidelineForm.PAIRWISE if start == EMPTY_PAIRWISE else GuidelineForm.POINTWISE
        return FORM_OF.get(start, empty)

    def writing(self) -> Writing:
        """What the first draft holds."""
        start = self.cleaned_data["start"]
        if self.source is not None and start == COPY:
            return queries.writing_of(self.source)
        return Writing(START_TEXT[self.chosen_form()], (), PRESETS.get(start, ()))


class PublishForm(forms.Form):
    """How much a new version changes."""

    MINOR = "minor"
    MAJOR = "major"

    size = forms.ChoiceField(
        label="Size of the change",
        choices=[
            (MINOR, "Minor: other words, the same meaning. Open rounds go on by the new version."),
            (MAJOR, "Major: other meaning. Rounds being rated are closed; labels start anew."),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose minor or major."},
    )
    what_changed = forms.CharField(
        label="What changed",
        max_length=WHAT_CHANGED_CHARS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Raters read this before their next item.",
        error_messages={"required": "Raters read this before their next item: say it shortly."},
    )

    def is_major(self) -> bool:
        return bool(self.cleaned_data["size"] == self.MAJOR)


class GuidelineImportForm(forms.Form):
    """A file of guidelines, and another name for a single one."""

    file = forms.FileField(
        label="File",
        help_text="A guideline file (JSON) that was exported from a project.",
        allow_empty_file=True,
        max_length=None,
        error_messages=dict.fromkeys(("required", "missing", "invalid"), "Choose a file."),
    )
    name = forms.CharField(
        label="Another name",
        max_length=NAME_CHARS,
        required=False,
        help_text="For a file with one guideline; left empty, it keeps its name.",
    )

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST_FILE:
            raise forms.ValidationError(
                f"The file is larger than {LARGEST_FILE // 1024**2} MB: is it a guideline file?"
            )
        return file

    def raw(self) -> bytes:
        """What is in the file."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        return bytes(file.read())
