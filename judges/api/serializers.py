"""What the judges' operations take and give. They share nothing with the pages."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from judges.services.serving import MOST_ITEMS
from judges.states import RunMode


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
