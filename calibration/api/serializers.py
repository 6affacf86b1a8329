"""What the operations of this room give. An estimate is value, n, interval, undefined_because."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class AgreementOutput(serializers.Serializer[Any]):
    """The object of `manage.py agreement --json` for one round."""

    round = serializers.IntegerField()
    name = serializers.CharField()
    items = serializers.IntegerField()
    sealed_items = serializers.IntegerField()
    dimensions = serializers.DictField(
        child=serializers.DictField(), help_text="By dimension, as `agreement --json` writes it."
    )
    seed = serializers.IntegerField()


class ReportLineOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    run = serializers.IntegerField()
    judge = serializers.CharField()
    version = serializers.IntegerField()
    dataset = serializers.CharField()
    made_at = serializers.DateTimeField()


class ReportOutput(ReportLineOutput):
    seed = serializers.IntegerField()
    labels_digest = serializers.CharField()
    dimensions = serializers.DictField(
        child=serializers.DictField(), help_text="By dimension, as `align --json` writes it."
    )


class SealedDimensionOutput(serializers.Serializer[Any]):
    """One dimension of a sealed look. After a pass: the estimate and the checks. After a look
    that did not pass: only the count, the failed checks' names and the looks left."""

    key = serializers.CharField()
    gate = serializers.CharField()
    look = serializers.IntegerField()
    looks_left = serializers.IntegerField()
    agrees = serializers.IntegerField()
    items = serializers.IntegerField()
    failed = serializers.ListField(child=serializers.CharField())
    agreement = serializers.DictField(required=False)
    checks = serializers.ListField(child=serializers.DictField(), required=False)


class DecisionOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    dimensions = serializers.DictField(child=serializers.CharField())
    actor = serializers.CharField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True)


class ApprovalOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    judge = serializers.CharField()
    version = serializers.IntegerField()
    fingerprint = serializers.CharField()
    dataset = serializers.CharField()
    state = serializers.CharField()
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    problem = serializers.CharField(allow_blank=True)
    dimensions = SealedDimensionOutput(many=True)
    decisions = DecisionOutput(many=True)


class CertificateSignatureOutput(serializers.Serializer[Any]):
    """Ed25519 over the certificate; `key` names the key and proves nothing."""

    algorithm = serializers.CharField()
    key = serializers.CharField()
    value = serializers.CharField()


class CertificateOutput(serializers.Serializer[Any]):
    """A decision, its evidence and the policy in force; nothing about a single item."""

    certificate = serializers.DictField()
    signature = CertificateSignatureOutput()
