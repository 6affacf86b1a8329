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


class ReportProbeOutput(serializers.Serializer[Any]):
    """The newest result of one kind of probe, as it stood when the report was frozen; where there
    is none, `because` says why."""

    probe = serializers.IntegerField(allow_null=True)
    measured_at = serializers.DateTimeField(allow_null=True)
    parameters = serializers.DictField()
    dimensions = serializers.DictField(
        child=serializers.DictField(), help_text="By dimension and figure, each an estimate."
    )
    tolerances = serializers.DictField(
        help_text="By figure the two ends between which the whole interval has to lie, or null."
    )
    because = serializers.CharField(allow_blank=True)


class ReportOutput(ReportLineOutput):
    seed = serializers.IntegerField()
    labels_digest = serializers.CharField()
    dimensions = serializers.DictField(
        child=serializers.DictField(), help_text="By dimension, as `align --json` writes it."
    )
    probes = serializers.DictField(
        child=ReportProbeOutput(),
        allow_null=True,
        help_text="By kind of probe; null in reports frozen before this part was kept.",
    )


class NeededOutput(serializers.Serializer[Any]):
    """Decided items in all for a pass in four of five tries, as `align --json` writes it. After a
    look that did not pass it is made of the count and the gate's rule alone."""

    items = serializers.IntegerField(
        allow_null=True, help_text="Null where no number does it; `undefined_because` says why."
    )
    now = serializers.IntegerField(help_text="Decided already.")
    interval = serializers.ListField(
        child=serializers.IntegerField(allow_null=True),
        help_text="The same at the upper and the lower end of the agreement's interval.",
    )
    undefined_because = serializers.CharField(allow_blank=True)
    guards = serializers.ListField(
        child=serializers.CharField(), help_text="Failed checks that are no matter of number."
    )


class SealedDimensionOutput(serializers.Serializer[Any]):
    """One dimension of a sealed look. After a pass: the estimate and the checks. After a look
    that did not pass: only the count, the failed checks' names, the looks left and the labels
    still needed."""

    key = serializers.CharField()
    gate = serializers.CharField()
    look = serializers.IntegerField()
    looks_left = serializers.IntegerField()
    agrees = serializers.IntegerField()
    items = serializers.IntegerField()
    failed = serializers.ListField(child=serializers.CharField())
    needed = NeededOutput(
        allow_null=True, help_text="Labels still needed; null in evidence frozen before it."
    )
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
