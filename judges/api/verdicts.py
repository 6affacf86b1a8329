"""Ask an approved judge; follow a run; read the verdicts of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken
from accounts.permissions import TokenDoor
from accounts.roles import Scope
from annotation.services import traffic
from core.api import ErrorOutput, once
from core.errors import Invalid, NotAllowed, NotHere
from judges import access
from judges.api import serializers
from judges.models import Judge, JudgeLabel, Run
from judges.queries import Progress, endings
from judges.queries import runs as run_queries
from judges.queries import serving as queries
from judges.services import serving
from judges.services.serving import Asked
from judges.states import RunPurpose

PAGE_ITEMS = 100
ASK_BODY = PolymorphicProxySerializer(
    component_name="VerdictsAsk",
    serializers=[serializers.OneItemInput, serializers.ManyItemsInput],
    resource_type_field_name=None,
)
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key again gives the same answer; nothing is asked or paid twice.",
)


class RunDoor(TokenDoor):
    """A token that asks judges follows its own runs; one that reads sees every run."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if isinstance(token, ApiToken) and Scope.READ.value not in token.scopes:
            view.scope = Scope.JUDGE  # type: ignore[attr-defined]
        return super().has_permission(request, view)


class VerdictsView(APIView):
    """Verdicts of an approved judge."""

    permission_classes = (TokenDoor,)
    scope = Scope.JUDGE

    @extend_schema(
        operation_id="judges_verdicts",
        tags=["judges"],
        parameters=[KEY_HEADER],
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
        token = _token(request)
        found = serving.judge_of(token.project, judge)
        rows, dimensions, is_one = _read(request.data)

        def act() -> Response:
            return _answered(found, rows, dimensions, is_one=is_one, actor=token.actor)

        return once(request, token.actor, act)


class RunsView(APIView):
    """The runs of a project."""

    permission_classes = (TokenDoor,)
    scope = Scope.READ

    @extend_schema(
        operation_id="runs_list",
        tags=["judges"],
        parameters=[
            OpenApiParameter("before", OpenApiTypes.INT, description="Runs older than this one.")
        ],
        responses={200: serializers.RunOutput(many=True), 404: ErrorOutput, 422: ErrorOutput},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The newest 100 runs, newest first; `before` gives those before a run."""
        before = _number(request.query_params.get("before"), "before")
        rows = queries.runs_before(_token(request).project, before=before, limit=PAGE_ITEMS)
        found = run_queries.progress_of(rows, now=timezone.now())
        return Response([_run(run, slug, found[run.pk]) for run in rows])


class RunView(APIView):
    """One run."""

    permission_classes = (RunDoor,)
    scope = Scope.READ

    @extend_schema(
        operation_id="runs_retrieve",
        tags=["judges"],
        responses={200: serializers.RunOutput, 404: ErrorOutput},
    )
    def get(self, request: Request, slug: str, run_id: int) -> Response:
        """How far a run is, in counts."""
        run = _seen(request, run_id)
        return Response(_run(run, slug, run_queries.progress(run, now=timezone.now())))


class RunVerdictsView(APIView):
    """The verdicts of one run."""

    permission_classes = (RunDoor,)
    scope = Scope.READ

    @extend_schema(
        operation_id="runs_verdicts",
        tags=["judges"],
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="The cursor of `next`.")
        ],
        responses={
            200: serializers.VerdictsPageOutput,
            403: ErrorOutput,
            404: ErrorOutput,
            409: ErrorOutput,
            422: ErrorOutput,
        },
    )
    def get(self, request: Request, slug: str, run_id: int) -> Response:
        """The verdicts so far, 100 items a page, in the order in which items were made.

        Of a run that served, what stands is asked once more. Those of an approval are sealed.
        """
        run = _seen(request, run_id)
        if run.purpose == RunPurpose.APPROVAL:
            raise NotAllowed(
                "This run serves an approval: its verdicts stay sealed, its report has the "
                "numbers.",
                code="sealed_verdicts",
            )
        if run.purpose == RunPurpose.PROBE:
            raise NotAllowed(
                "This run belongs to a probe of the bias laboratory: its verdicts may be on "
                "changed copies of the items, and are no labels of theirs.",
                code="probe_verdicts",
            )
        if run.purpose == RunPurpose.SERVING and Scope.JUDGE.value not in _token(request).scopes:
            raise NotAllowed("What a judge in use answered is for tokens that may ask it.")
        after = _number(request.query_params.get("after"), "after") or 0
        items = queries.items_of(run, after=after, limit=PAGE_ITEMS)
        labels = queries.labels_of(run, items)
        following = None
        if len(items) == PAGE_ITEMS:
            address = reverse("api_run_verdicts", args=[slug, run.pk])
            following = f"{address}?after={items[-1].pk}"
        return Response(
            {
                **_signature(run),
                "state": run.state,
                "next": following,
                "results": _results(run, labels),
            }
        )


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
        judges = queries.judges_with_standing(_token(request).project)
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
    return _to_follow(asked, judge)


def _to_follow(asked: Asked, judge: Judge) -> Response:
    progress = run_queries.progress(asked.run, now=timezone.now())
    body = _run(asked.run, judge.project.slug, progress)
    return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["url"]})


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


def _seen(request: Request, run_id: int) -> Run:
    """The run, if this token may know of it."""
    token = _token(request)
    run = access.run_of(token.project, run_id)
    is_readable = Scope.READ.value in token.scopes and run.purpose != RunPurpose.PLAYGROUND
    if not is_readable and run.purpose != RunPurpose.SERVING:
        raise NotHere("There is no such run in this project.")
    return run


def _run(run: Run, slug: str, progress: Progress) -> dict[str, Any]:
    return {
        "run": run.pk,
        "url": reverse("api_run", args=[slug, run.pk]),
        "verdicts_url": reverse("api_run_verdicts", args=[slug, run.pk]),
        "judge": run.version.judge.slug,
        "version": run.version.number,
        "purpose": run.purpose,
        "mode": run.mode,
        "state": run.state,
        "problem": run.pause_reason,
        "items": run.items_planned,
        "calls": run.calls_planned,
        "finished": progress.finished,
        "cost": float(run.spent),
    }


def _signature(run: Run) -> dict[str, Any]:
    if run.purpose == RunPurpose.SERVING:
        standing = serving.standing_of(run.version.judge, now=timezone.now())
        return serving.signature(standing, run)
    return {
        "judge": run.version.judge.slug,
        "version": run.version.number,
        "fingerprint": run.version.fingerprint,
        "decision": None,
        "decision_kind": None,
        "cost": float(run.spent),
    }


def _results(run: Run, labels: list[JudgeLabel]) -> list[dict[str, Any]]:
    """An answer of an approved judge, or the plain labels of a run on development items."""
    if run.purpose == RunPurpose.SERVING:
        return serving.answers(run, labels, now=timezone.now())
    by_item: dict[str, dict[str, Any]] = {}
    for row in labels:
        one = by_item.setdefault(
            row.item.external_id, {"item": row.item.external_id, "verdicts": {}, "no_verdict": {}}
        )
        if row.label:
            one["verdicts"][row.dimension_key] = {
                "label": row.label,
                "confidence": row.confidence,
            }
        else:
            one["no_verdict"][row.dimension_key] = row.outcome
    return list(by_item.values())


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


def _number(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid("not_a_number", f"{name} is the number of a row.", {name: ["A number."]})
    return int(text)


def _token(request: Request) -> ApiToken:
    token = request.auth
    assert isinstance(token, ApiToken), "TokenDoor lets nobody in without one"
    return token
