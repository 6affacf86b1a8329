"""What the judges' operations take and give. They share nothing with the pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from annotation.api.imports import NAME_CHARS, PairsField, RowsInput
from judges.services.runs import MOST_CONCURRENT
from judges.services.serving import MOST_ITEMS
from judges.states import RunMode

BIGGEST = 2**63 - 1


class MessageInput(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField(allow_blank=True)


class ItemInput(serializers.Serializer[Any]):
    """One item, as a row of an import. Other fields are kept and shown to nobody.

    Only described here: the import's own reading decides, with its own sentences.
    """

    id = serializers.CharField(required=False)
    kind = serializers.CharField(required=False, help_text="single, pair or conversation")
    input = serializers.CharField(required=False, allow_blank=True)
    context = serializers.CharField(required=False, allow_blank=True)  # type: ignore[assignment]
    messages = MessageInput(many=True, required=False)
    reference = serializers.CharField(required=False, allow_blank=True)
    response = serializers.CharField(required=False)
    response_a = serializers.CharField(required=False)
    response_b = serializers.CharField(required=False)
    system = serializers.CharField(required=False)
    system_a = serializers.CharField(required=False)
    system_b = serializers.CharField(required=False)


class OneItemInput(ItemInput):
    dimensions = serializers.ListField(child=serializers.CharField(), required=False)


class ManyItemsInput(serializers.Serializer[Any]):
    items = serializers.ListField(child=ItemInput(), min_length=1, max_length=MOST_ITEMS)
    dimensions = serializers.ListField(child=serializers.CharField(), required=False)


class AskInput(serializers.Serializer[Any]):
    """The outer shape of what is asked; the items are read as an import reads rows."""

    items = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=MOST_ITEMS
    )
    dimensions = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=100
    )


class VerdictOutput(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    confidence = serializers.FloatField(allow_null=True)


class AnswerOutput(serializers.Serializer[Any]):
    verdicts = serializers.DictField(child=VerdictOutput())
    judge = serializers.CharField()
    version = serializers.IntegerField()
    fingerprint = serializers.CharField()
    decision = serializers.IntegerField()
    decision_kind = serializers.CharField(help_text="`approve`, or `exception`.")
    cost = serializers.FloatField(help_text="US dollars")


class RunInput(serializers.Serializer[Any]):
    """A run over a dataset: of its open part, without what the version shows as examples."""

    judge = serializers.CharField(max_length=120, help_text="Its short name, or its name.")
    dataset = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    version = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST,
        help_text="Its number; left out: the newest that can be run.",
    )
    budget = serializers.DecimalField(
        required=False,
        allow_null=True,
        min_value=Decimal("0.000001"),
        max_digits=12,
        decimal_places=6,
        help_text="US dollars; reserved call by call and never exceeded. Left out: no limit but "
        "those of the judge and the month.",
    )
    mode = serializers.ChoiceField(
        choices=RunMode.choices,
        default=RunMode.DIRECT,
        help_text="direct, or batch: half price, answers within 24 hours.",
    )
    concurrency = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_CONCURRENT,
        help_text="Calls at once, at most.",
    )


class VerdictsImportInput(RowsInput):
    """A table of verdicts that a judge gave elsewhere; its fields are those of a judge's label
    table."""

    verdicts = serializers.ListField(
        child=serializers.JSONField(), required=False, allow_empty=False
    )
    judge = serializers.CharField(
        max_length=NAME_CHARS, help_text="Its name; a new one makes a new judge."
    )
    guideline = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=NAME_CHARS,
        help_text="By its name; left out: the judge's, or the one the dataset was rated by.",
    )
    values = PairsField(default=list, help_text="What the table writes -> the label.")


class VerdictsImportedOutput(serializers.Serializer[Any]):
    """The version that the table became. The same table again is the same version."""

    judge = serializers.CharField()
    version = serializers.IntegerField()
    run = serializers.IntegerField()
    url = serializers.CharField()
    is_new = serializers.BooleanField()
    verdicts = serializers.IntegerField()
    items = serializers.IntegerField()
    repeats = serializers.IntegerField()
    outcomes = serializers.DictField(child=serializers.IntegerField())


class RunOutput(serializers.Serializer[Any]):
    """A run: where it stands, in counts."""

    run = serializers.IntegerField()
    url = serializers.CharField()
    verdicts_url = serializers.CharField()
    judge = serializers.CharField()
    version = serializers.IntegerField()
    purpose = serializers.CharField()
    mode = serializers.ChoiceField(
        choices=RunMode.choices, help_text="direct, or batch: answers within 24 hours."
    )
    state = serializers.CharField()
    problem = serializers.CharField(allow_blank=True)
    items = serializers.IntegerField()
    calls = serializers.IntegerField()
    finished = serializers.IntegerField()
    cost = serializers.FloatField(help_text="US dollars")


class ItemVerdictsOutput(serializers.Serializer[Any]):
    item = serializers.CharField()
    verdicts = serializers.DictField(child=VerdictOutput())
    no_verdict = serializers.DictField(
        child=serializers.CharField(), help_text="Dimension -> why there is no label."
    )


class SignatureOutput(serializers.Serializer[Any]):
    judge = serializers.CharField()
    version = serializers.IntegerField()
    fingerprint = serializers.CharField()
    decision = serializers.IntegerField(allow_null=True)
    decision_kind = serializers.CharField(allow_null=True)
    cost = serializers.FloatField()


class VerdictsPageOutput(SignatureOutput):
    state = serializers.CharField()
    next = serializers.CharField(allow_null=True)
    results = ItemVerdictsOutput(many=True)


class StandingOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    decision = serializers.IntegerField()
    decision_kind = serializers.CharField(help_text="`approve`, or `exception`.")
    dimensions = serializers.ListField(child=serializers.CharField())
    since = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()
    is_suspended = serializers.BooleanField()
    ended_because = serializers.CharField(
        allow_blank=True,
        help_text="Why it ended by itself and the API answers no more; empty while it holds.",
    )


class VersionOutput(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    model = serializers.CharField()
    fingerprint = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    is_simulated = serializers.BooleanField()


class JudgeOutput(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    guideline = serializers.CharField()
    versions = VersionOutput(many=True)
    standing = StandingOutput(allow_null=True)
