"""What a lead fills in about an item of a running round, and what its lists are narrowed by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from annotation.models import Item
from annotation.queries import changes, reports
from annotation.rules import linediff
from annotation.rules.linediff import Row
from annotation.services.correcting import TEXT_CHARS, Texts
from annotation.services.roundacts import REASON_CHARS
from annotation.services.settling import NOTE_CHARS
from core.filters import FilterForm, search

TURN, RESPONSE = "turn-", "response-"
WORDING, MEANING = "wording", "meaning"
MANY_LINES = 20
ANEW = "An item with the new text takes its place and is rated from the beginning."


class ReportsFilter(FilterForm):
    """What raters reported of a round's items."""

    q = search("Report", name="Find a report", hint="Item or reason")
    kind = forms.ChoiceField(
        label="Which",
        required=False,
        choices=[
            ("", "all that wait"),
            ("flags", "flagged"),
            ("skips", "skipped by several"),
            ("settled", "settled"),
        ],
    )
    sort = forms.ChoiceField(
        label="First",
        required=False,
        choices=[("", "the newest"), (reports.MOST, "the most reported")],
    )

    def wanted(self) -> reports.Wanted:
        return reports.Wanted(
            text=self.asked("q"), kind=self.asked("kind"), sort=self.asked("sort")
        )


class ChangesFilter(FilterForm):
    """What was taken out of a round or corrected in it."""

    q = search("Change", name="Find a change", hint="Item, rater or reason")
    what = forms.ChoiceField(
        label="Of",
        required=False,
        choices=[
            ("", "anything"),
            ("items", "withdrawn items"),
            ("raters", "removed raters"),
            ("corrections", "corrections"),
        ],
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "any"), (changes.OUT, "out now"), (changes.BACK, "taken back")],
    )

    def wanted(self) -> changes.Wanted:
        return changes.Wanted(
            text=self.asked("q"), what=self.asked("what"), state=self.asked("state")
        )


def reason_field(*, help_text: str = "It stands with the act for good.") -> forms.CharField:
    return forms.CharField(
        label="Why?",
        max_length=REASON_CHARS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=help_text,
        error_messages={"required": "Say why, in a few words."},
    )


def note_field() -> forms.CharField:
    return forms.CharField(
        label="A word back to whoever flagged it",
        required=False,
        max_length=NOTE_CHARS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="They read it among their answers.",
    )


class SettleForm(forms.Form):
    """Nothing is wrong with the item."""

    note = note_field()


class WithdrawForm(forms.Form):
    """An item out of the round; the note is there when somebody flagged it."""

    reason = reason_field()
    note = note_field()

    def __init__(self, *args: Any, is_flagged: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_flagged:
            del self.fields["note"]

    def word_back(self) -> str:
        return str(self.cleaned_data.get("note", ""))


@dataclass(frozen=True, slots=True)
class Difference:
    """One text of the item, line by line beside what it becomes."""

    name: str
    rows: Sequence[Row]


class CorrectForm(forms.Form):
    """Every text of an item. What it would change is looked at before it is done.

    `seen` is the item's content hash when the form was made, `looked` names the texts whose
    differences were shown.
    """

    keep = forms.ChoiceField(
        label="What changes?",
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether only the wording changes, or the meaning."},
    )
    reason = reason_field()
    note = note_field()
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    looked = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        item: Item,
        answers: int,
        is_flagged: bool,
        is_drawn: bool,
        shows_reference: bool,
    ) -> None:
        super().__init__(data.copy() if data is not None else None)
        assert item.content is not None
        self.body: Mapping[str, Any] = item.content.body
        self.before = Texts.of(self.body)
        self.is_drawn = is_drawn
        self.initial["seen"] = item.content_hash
        texts = self._texts_of_input()
        for number, text in enumerate(self.before.responses):
            many = len(self.before.responses) > 1
            name = f"Response {'AB'[number]}" if many and number < 2 else "Response"
            texts[f"{RESPONSE}{number}"] = _text(name, text)
        if shows_reference:
            texts["reference"] = _text("Reference answer", self.before.reference)
        self.texts = list(texts)
        self.fields = texts | self.fields
        kept, gone = _answers(answers)
        keep = self.fields["keep"]
        assert isinstance(keep, forms.ChoiceField)
        self.outcomes = {
            WORDING: f"Only the wording. {kept}",
            MEANING: f"The meaning. {ANEW} {gone}",
        }
        keep.choices = list(self.outcomes.items())
        if not is_flagged:
            del self.fields["note"]

    def _texts_of_input(self) -> dict[str, forms.Field]:
        """What was asked; where the part hangs on it, it is there to be read."""
        before = self.before
        texts: dict[str, forms.Field] = {}
        for number, turn in enumerate(self.body.get("messages") or []):
            role = str(turn.get("role", "")).capitalize() or "Message"
            texts[f"{TURN}{number}"] = _text(f"{role} {number + 1}", before.turns[number])
        if before.input or not texts:
            texts["input"] = _text("Input", before.input)
        texts["context"] = _text("Context", before.context)
        for field in texts.values():
            field.disabled = self.is_drawn
        return texts

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not self.differences():
            raise forms.ValidationError("No text is different from what it was.")
        return cleaned

    def asked_texts(self) -> Texts:
        """What a valid form says; a field that is not there leaves its text as it is."""
        said, before = self.cleaned_data, self.before
        return Texts(
            input=str(said.get("input", before.input)),
            context=str(said.get("context", before.context)),
            reference=str(said.get("reference", before.reference)),
            turns=tuple(
                str(said.get(f"{TURN}{number}", text)) for number, text in enumerate(before.turns)
            ),
            responses=tuple(
                str(said.get(f"{RESPONSE}{number}", text))
                for number, text in enumerate(before.responses)
            ),
        )

    def differences(self) -> list[Difference]:
        found = []
        for name in self.texts:
            rows = linediff.rows(
                _plain(self.fields[name].initial), _plain(self.cleaned_data.get(name))
            )
            if rows:
                found.append(Difference(str(self.fields[name].label), rows))
        return found

    @property
    def keeps_answers(self) -> bool:
        return bool(self.cleaned_data["keep"] == WORDING)

    @property
    def what_is_kept(self) -> str:
        """What becomes of the answers, as it was chosen."""
        return self.outcomes[self.cleaned_data["keep"]]

    @property
    def is_looked_at(self) -> bool:
        """Whether exactly this was shown before."""
        return bool(self.cleaned_data["looked"] == self._digest())

    def mark_looked_at(self) -> None:
        """What is sent with the form from now on."""
        assert isinstance(self.data, QueryDict)
        self.data["looked"] = self._digest()

    def word_back(self) -> str:
        return str(self.cleaned_data.get("note", ""))

    def text_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.texts]

    def _digest(self) -> str:
        said = [_plain(self.cleaned_data.get(name)) for name in self.texts]
        what = repr((said, self.cleaned_data["keep"], self.cleaned_data["seen"]))
        return hashlib.sha256(what.encode()).hexdigest()


def _text(label: str, text: str) -> forms.CharField:
    rows = min(MANY_LINES, max(3, text.count("\n") + len(text) // 80 + 1))
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        initial=text,
        max_length=TEXT_CHARS,
        widget=forms.Textarea(attrs={"rows": rows, "dir": "auto"}),
    )


def _plain(text: object) -> str:
    """As the service takes it: a browser ends lines in its own way."""
    return str(text or "").replace("\r\n", "\n")


def _answers(number: int) -> tuple[str, str]:
    """What happens to the answers, for the wording and for the meaning."""
    if not number:
        return "Nobody has answered yet.", "Nobody has answered yet."
    one = number == 1
    what = f"The {'one answer' if one else f'{number:,} answers'}"
    if one:
        return f"{what} stays, and counts.", f"{what} stays as history and counts nowhere."
    return f"{what} stay, and count.", f"{what} stay as history and count nowhere."
