"""Ask an approved judge; the judges of a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation.services import traffic
from core.api import ErrorOutput, key_header, once
from core.errors import Invalid
from judges.api import runs, serializers
from judges.models import Judge
from judges.queries import endings
from judges.queries import serving as queries
from judges.services import serving

ASK_BODY = PolymorphicProxySerializer(
    component_name="VerdictsAsk",
    serializers=[serializers.OneItemInput, serializers.ManyItemsInput],
    resource_type_field_name=None,
)


class VerdictsView(APIView):
    """Verdicts of an approved judge."""

    permission_classes = (TokenDoor,)
    scope = Scope.JUDGE

    @extend_schema(
        operation_id="judges_verdicts",
        tags=["judges"],
        parameters=[key_header("nothing is asked or paid twice")],
        request=ASK_BODY,
        responses={
            200: serializers.AnswerOutput,
            202: serializers.RunOutput,
            404: ErrorOutput,
            409: ErrorOutput,
            422: ErrorOutput,
            502: ErrorOutput,
        },
    )
    def post(self, request: Request, slug: str, judge: str) -> Response:
        """Ask the approved version for its verdict on one item, or on at most 1,000.

        One item waits and answers; `{"items": […]}` gives 202 and a run to follow, as does one
        item when two calls wait already. Only dimensions that the approval covers are answered;
        one with a cut answers `pass` or `fail`. 409: `judge_not_approved`, `approval_expired`,
        `approval_suspended`, `dimension_not_approved`, `budget_reached`. 422 and 502: no verdict,
        with the reason; a label is never made up.
        """
        token = token_of(request)
        found = serving.judge_of(token.project, judge)
        rows, dimensions, is_one = _read(request.data)

        def act() -> Response:
            return _answered(found, rows, dimensions, is_one=is_one, actor=token.actor)

        return once(request, token.actor, act)


class JudgesView(APIView):
    """The judges of a project."""

    permission_classes = (TokenDoor,)
    scope = Scope.READ

    @extend_schema(
        operation_id="judges_list",
        tags=["judges"],
        responses={200: serializers.JudgeOutput(many=True), 404: ErrorOutput},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every judge with its versions and what stands for it."""
        judges = queries.judges_with_standing(token_of(request).project)
        standings = [one.standing for one in judges if hasattr(one, "standing")]
        ended = endings.why_over_each(standings, now=timezone.now())
        return Response([_judge(one, ended) for one in judges])


def _answered(
    judge: Judge,
    rows: list[Mapping[str, object]],
    dimensions: list[str] | None,
    *,
    is_one: bool,
    actor: str,
) -> Response:
    asked = serving.ask(
        judge=judge,
        drafts=traffic.drafts(rows),
        dimensions=dimensions,
        actor=actor,
        now=timezone.now(),
    )
    if is_one and serving.wait(asked):
        return Response(serving.answer(asked, now=timezone.now()))
    return runs.to_follow(asked.run, judge.project.slug)


def _read(data: Any) -> tuple[list[Mapping[str, object]], list[str] | None, bool]:
    """The rows, the dimensions that are named, and whether it is one item that waits."""
    if not isinstance(data, dict):
        raise Invalid("not_an_object", 'Send one item as an object, or {"items": […]}.')
    is_one = "items" not in data
    body = {"items": [_without_dimensions(data)]} if is_one else dict(data)
    if "dimensions" in data:
        body["dimensions"] = data["dimensions"]
    form = serializers.AskInput(data=body)
    form.is_valid(raise_exception=True)
    return list(body["items"]), form.validated_data.get("dimensions"), is_one


def _without_dimensions(data: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in data.items() if key != "dimensions"}


def _judge(judge: Judge, ended: Mapping[int, str]) -> dict[str, Any]:
    standing = getattr(judge, "standing", None)
    return {
        "slug": judge.slug,
        "name": judge.name,
        "guideline": judge.guideline.name,
        "versions": [
            {
                "number": version.number,
                "kind": version.kind,
                "model": str(version.spec.get("model", "")),
                "fingerprint": version.fingerprint,
                "note": version.note,
                "is_simulated": version.is_simulated,
            }
            for version in judge.versions.all()
        ],
        "standing": None
        if standing is None
        else {
            "version": standing.version.number,
            "decision": standing.decision_id,
            "decision_kind": standing.decision.kind,
            "dimensions": standing.dimensions,
            "since": standing.since,
            "valid_until": standing.valid_until,
            "is_suspended": standing.is_suspended,
            "ended_because": ended[standing.pk],
        },
    }
