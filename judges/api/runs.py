"""The runs of a project: start one, follow it, read its verdicts."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken
from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation import access as annotation_access
from core.api import ErrorOutput, key_header, once
from core.errors import Invalid, NotAllowed, NotHere
from judges import access
from judges.api import serializers
from judges.models import JudgeLabel, Run
from judges.queries import Progress
from judges.queries import runs as run_queries
from judges.queries import serving as queries
from judges.services import runs, serving
from judges.states import RunMode, RunPurpose

PAGE_ITEMS = 100


class RunDoor(TokenDoor):
    """Who asks judges or starts runs follows those; a token that reads sees every run."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if isinstance(token, ApiToken) and Scope.READ.value not in token.scopes:
            starts = Scope.WRITE.value in token.scopes and Scope.JUDGE.value not in token.scopes
            view.scope = Scope.WRITE if starts else Scope.JUDGE  # type: ignore[attr-defined]
        return super().has_permission(request, view)


class RunsView(APIView):
    """The runs of a project."""

    permission_classes = (TokenDoor,)
    scope = Scope.READ
    writing_scope = Scope.WRITE

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
        rows = queries.runs_before(token_of(request).project, before=before, limit=PAGE_ITEMS)
        found = run_queries.progress_of(rows, now=timezone.now())
        return Response([described(run, slug, found[run.pk]) for run in rows])

    @extend_schema(
        operation_id="runs_create",
        tags=["judges"],
        parameters=[key_header("no second run is started")],
        request=serializers.RunInput,
        responses={
            202: serializers.RunOutput,
            **dict.fromkeys((401, 403, 404, 409, 422), ErrorOutput),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Run a judge over the open part of a dataset: 202, and a run to follow.

        Sealed items, what stands beside them, and the version's own worked examples are left out.
        """
        token = token_of(request)
        form = serializers.RunInput(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        dataset = annotation_access.dataset_of(token.project, wanted["dataset"])
        version = access.runnable_version_of(token.project, wanted["judge"], wanted.get("version"))

        def act() -> Response:
            run = runs.plan_run(
                version=version,
                dataset=dataset,
                budget=wanted.get("budget"),
                concurrency=wanted.get("concurrency"),
                mode=RunMode(wanted["mode"]),
                actor=token.actor,
                now=timezone.now(),
            )
            return to_follow(run, slug)

        return once(request, token.actor, act)


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
        return Response(described(run, slug, run_queries.progress(run, now=timezone.now())))


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
        if run.purpose == RunPurpose.SERVING and Scope.JUDGE.value not in token_of(request).scopes:
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


def _seen(request: Request, run_id: int) -> Run:
    """The run, if this token may know of it."""
    token = token_of(request)
    run = access.run_of(token.project, run_id)
    is_own = run.actor == token.actor and run.purpose == RunPurpose.ORDINARY
    is_readable = Scope.READ.value in token.scopes and run.purpose != RunPurpose.PLAYGROUND
    is_served = Scope.JUDGE.value in token.scopes and run.purpose == RunPurpose.SERVING
    if not (is_readable or is_served or is_own):
        raise NotHere("There is no such run in this project.")
    return run


def to_follow(run: Run, slug: str) -> Response:
    """202: the run goes on by itself."""
    body = described(run, slug, run_queries.progress(run, now=timezone.now()))
    return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["url"]})


def described(run: Run, slug: str, progress: Progress) -> dict[str, Any]:
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


def _number(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid("not_a_number", f"{name} is the number of a row.", {name: ["A number."]})
    return int(text)
