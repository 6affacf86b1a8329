"""The editor's worked examples, the choice of two versions, and what Improve proposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import Truncator

from judges.models import JudgeVersion
from judges.queries.people import Labelled
from judges.services.examples import MOST_EXAMPLES, WHY_CHARS, Chosen

LONGEST_ID = 15


class ExamplesForm(forms.Form):
    """The worked examples of a version that is being written: each can be taken out, each has its
    why; one more can be added. Always rendered anew from what is chosen, see `chosen_in_post`.
    """

    add_example = forms.ChoiceField(label="One more example", required=False)

    def __init__(
        self, shown: Sequence[Labelled], reasons: dict[int, str], offered: Sequence[Labelled]
    ) -> None:
        super().__init__()
        self.shown = shown
        for one in shown:
            pk = one.item.pk
            title = Truncator(one.item.title or one.item.external_id).chars(80)
            self.fields[f"keep_{pk}"] = forms.BooleanField(
                label=f"Show “{title}”", required=False, initial=True
            )
            self.fields[f"why_{pk}"] = forms.CharField(
                label=f"Why: {one.spoken}",
                required=False,
                max_length=WHY_CHARS,
                initial=reasons.get(pk, ""),
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        known = {one.item.pk for one in shown}
        rest = [one for one in offered if one.item.pk not in known]
        field: Any = self.fields["add_example"]
        field.choices = [("", "Choose an item …"), *((one.item.pk, _words(one)) for one in rest)]
        self.may_grow = bool(rest) and len(shown) < MOST_EXAMPLES

    @property
    def rows(self) -> list[tuple[Labelled, forms.BoundField, forms.BoundField]]:
        """Each example with its check box and its why."""
        return [
            (one, self[f"keep_{one.item.pk}"], self[f"why_{one.item.pk}"]) for one in self.shown
        ]


def chosen_in_post(data: QueryDict) -> list[Chosen]:
    """The examples that stay, with their reasons, in the order in which they stand."""
    return [
        (pk, data.get(f"why_{pk}", "")[:WHY_CHARS])
        for pk in ids_in(data, "example")
        if data.get(f"keep_{pk}")
    ]


def ids_in(data: QueryDict, name: str) -> list[int]:
    """Row numbers that were sent under a name; what is no number is left out."""
    texts = data.getlist(name)[: 2 * MOST_EXAMPLES]
    usable = [text for text in texts if text.isdecimal() and len(text) <= LONGEST_ID]
    return list(dict.fromkeys(int(text) for text in usable))


def _words(one: Labelled) -> str:
    title = Truncator(one.item.title or one.item.external_id).chars(60)
    return f"{title} · {one.spoken}"


class TwoVersionsForm(forms.Form):
    """Two versions of one judge that are held against each other."""

    before = forms.ModelChoiceField(
        JudgeVersion.objects.none(), label="From version", empty_label=None
    )
    after = forms.ModelChoiceField(
        JudgeVersion.objects.none(), label="To version", empty_label=None
    )

    def __init__(self, versions: Sequence[JudgeVersion], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("before", "after"):
            field: Any = self.fields[name]
            field.queryset = JudgeVersion.objects.filter(pk__in=[one.pk for one in versions])
            field.choices = [
                (one.pk, f"{one}{' · ' + one.note[:60] if one.note else ''}") for one in versions
            ]
