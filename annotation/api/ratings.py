"""Rating by machine: the same services as the pages, for measuring and for other front ends."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Rater
from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation import access
from annotation.queries import workbench
from annotation.services import claim, rating
from core.api import ErrorOutput, once
from core.errors import Conflict, NotAllowed, NotHere

WHY_NOT = {
    claim.Reason.PAUSED: ("round_paused", "This round is paused; ask again when it goes on."),
    claim.Reason.CLOSED: ("round_closed", "This round is closed; nothing is handed out any more."),
    claim.Reason.NOT_OPEN: ("round_not_open", "This round is not open yet."),
    claim.Reason.NOT_QUALIFIED: (
        "not_qualified",
        "This round asks for its qualification. Pass that first, or ask a lead to let you in.",
    ),
}


class ShownResponseOutput(serializers.Serializer[Any]):
    shown_as = serializers.CharField(allow_blank=True)
    text = serializers.CharField()


class ShownItemOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    input = serializers.CharField(allow_blank=True)
    context = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    messages = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    responses = ShownResponseOutput(many=True)


class DimensionOutput(serializers.Serializer[Any]):
    key = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())


class AssignmentOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    lease_until = serializers.DateTimeField()
    item = ShownItemOutput()
    dimensions = DimensionOutput(many=True)


class NextOutput(serializers.Serializer[Any]):
    assignment = AssignmentOutput()


class SubmitInput(serializers.Serializer[Any]):
    labels = serializers.DictField(
        child=serializers.CharField(max_length=200, allow_blank=True), allow_empty=True
    )
    rationale = serializers.CharField(
        default="", allow_blank=True, trim_whitespace=False, max_length=rating.RATIONALE_CHARS
    )
    active_seconds = serializers.FloatField(default=0.0, min_value=0.0)


class SubmittedOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.CharField()
    submitted_at = serializers.DateTimeField()


class NextView(APIView):
    """The caller's next assignment."""

    permission_classes = (TokenDoor,)
    scope = Scope.RATE

    @extend_schema(
        operation_id="rounds_next",
        tags=["rating"],
        request=None,
        responses={
            200: NextOutput,
            204: OpenApiResponse(description="Nothing left to rate here for this rater."),
            404: ErrorOutput,
            409: ErrorOutput,
        },
    )
    def post(self, request: Request, slug: str, round_id: int) -> Response:
        """Lease the next item of the round, or give the lease that is held already.

        204 when nothing is left, the quota is reached or this qualification is passed; 409
        `round_paused`, `round_closed`, `round_not_open` or, before the qualification that the
        round demands is passed, `not_qualified`.
        """
        rater = _rater(request)

        def act() -> Response:
            given = claim.next_slot(round_id=round_id, rater_id=rater.pk, now=timezone.now())
            if given.assignment_id is None:
                if given.reason == claim.Reason.NOT_A_RATER:
                    raise NotHere("There is no such round for you.")
                if given.reason in WHY_NOT:
                    raise Conflict(*WHY_NOT[given.reason])
                return Response(status=status.HTTP_204_NO_CONTENT)
            return Response(_shown(rater, given.assignment_id))

        return once(request, token_of(request).actor, act)


class SubmitView(APIView):
    """Store an answer."""

    permission_classes = (TokenDoor,)
    scope = Scope.RATE

    @extend_schema(
        operation_id="assignments_submit",
        tags=["rating"],
        request=SubmitInput,
        responses={
            200: SubmittedOutput,
            404: ErrorOutput,
            409: ErrorOutput,
            422: ErrorOutput,
        },
    )
    def post(self, request: Request, assignment_id: int) -> Response:
        """Store the labels of every dimension, as shown to this rater.

        The same labels again answer as success. 409 `lease_lost` when the slot went to somebody
        else, `round_closed` when the time ran out and the round was closed meanwhile,
        `already_submitted` when other labels were stored before; 422 names each field.
        """
        rater = _rater(request)
        form = SubmitInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data

        def act() -> Response:
            stored = rating.submit(
                assignment_id=assignment_id,
                rater=rater,
                labels=given["labels"],
                rationale=given["rationale"],
                active_seconds=given["active_seconds"],
                now=timezone.now(),
            )
            return Response(SubmittedOutput(stored).data)

        return once(request, token_of(request).actor, act)


def _rater(request: Request) -> Rater:
    """The rater that this token speaks for."""
    token = token_of(request)
    if token.rater is None:
        raise NotAllowed("This token is bound to no rater; ask an admin for one that rates.")
    return token.rater


def _shown(rater: Rater, assignment_id: int) -> dict[str, Any]:
    """An assignment as its rater may see it."""
    assignment = access.assignment_of(rater, assignment_id)
    item = workbench.shown_item(assignment.item, is_swapped=assignment.is_swapped)
    version = rating.version_of(assignment)
    body = {
        "id": assignment.pk,
        "lease_until": assignment.lease_until,
        "item": {
            "id": assignment.item_id,
            "kind": item.kind,
            "input": item.input,
            "context": item.context,
            "messages": [{"role": turn.role, "text": turn.text} for turn in item.turns],
            "responses": [
                {"shown_as": shown.shown_as, "text": shown.text} for shown in item.responses
            ],
        },
        "dimensions": [
            {"key": dimension.key, "labels": list(workbench.rule_of(dimension).labels)}
            for dimension in workbench.dimensions_of(version)
        ],
    }
    return dict(NextOutput({"assignment": body}).data)
