"""Rounds and what people answered in them, a page at a time; nothing of sealed items."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation import access
from annotation.queries import exporting
from annotation.queries import rounds as queries
from annotation.states import RoundKind, RoundState
from core.api import ErrorOutput, Page
from core.registry import ExportScope

REFUSALS = dict.fromkeys((401, 403, 404, 422), ErrorOutput)
BIGGEST = 2**63 - 1


class PageInput(serializers.Serializer[Any]):
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=Page.max_page_size)


class RoundsInput(PageInput):
    state = serializers.ChoiceField(choices=RoundState.choices, required=False)
    kind = serializers.ChoiceField(choices=RoundKind.choices, required=False)


class RoundOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="round.pk")
    name = serializers.CharField(source="round.name")
    kind = serializers.ChoiceField(choices=RoundKind.choices, source="round.kind")
    state = serializers.ChoiceField(choices=RoundState.choices, source="round.state")
    dataset = serializers.IntegerField(source="round.dataset_id")
    guideline = serializers.IntegerField(source="round.guideline_version.guideline_id")
    guideline_version = serializers.CharField(source="round.guideline_version.number")
    overlap = serializers.IntegerField(source="round.overlap")
    items = serializers.IntegerField()
    raters = serializers.IntegerField()
    ratings_wanted = serializers.IntegerField(source="slots", help_text="Items x overlap.")
    ratings_in = serializers.IntegerField(source="submitted", help_text="How many of them.")
    is_simulated = serializers.BooleanField(source="round.is_simulated")
    created_at = serializers.DateTimeField(source="round.created_at")
    opened_at = serializers.DateTimeField(source="round.opened_at", allow_null=True)
    closed_at = serializers.DateTimeField(source="round.closed_at", allow_null=True)
    revealed_at = serializers.DateTimeField(source="round.revealed_at", allow_null=True)


class RoundPageOutput(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RoundOutput(many=True)


class RatingsInput(PageInput):
    round = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST)
    dataset = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST)


class RatingOutput(serializers.Serializer[Any]):
    """As the export of ratings has it."""

    item = serializers.CharField()
    rater = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Null where the label does not count: see `uncounted_label`."
    )
    dimension = serializers.CharField()
    round = serializers.CharField()
    cluster = serializers.CharField()
    at = serializers.DateTimeField()
    dataset = serializers.CharField()
    guideline = serializers.CharField()
    version = serializers.CharField()
    revision = serializers.IntegerField()
    state = serializers.CharField(help_text="current, replaced, withdrawn or gold.")
    uncounted_label = serializers.CharField(allow_null=True)
    rationale = serializers.CharField(allow_null=True)
    active_seconds = serializers.FloatField()
    was_swapped = serializers.BooleanField()
    assignment = serializers.IntegerField()


class RatingPageOutput(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RatingOutput(many=True)


class RoundsView(APIView):
    permission_classes = (TokenDoor,)
    scope = Scope.READ

    @extend_schema(
        operation_id="rounds_list",
        tags=["rating"],
        parameters=[RoundsInput],
        responses={200: RoundPageOutput, **REFUSALS},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The rounds of the project and how far they are, the oldest first, a page at a time."""
        wanted = RoundsInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        asked = wanted.validated_data
        rounds = queries.found(
            project_id=token_of(request).project_id,
            state=asked.get("state", ""),
            kind=asked.get("kind", ""),
        )
        pages = Page()
        found = pages.paginate_queryset(rounds, request, view=self)
        return pages.get_paginated_response(RoundOutput(queries.cards(found or []), many=True).data)


class RatingsView(APIView):
    permission_classes = (TokenDoor,)
    scope = Scope.READ

    @extend_schema(
        operation_id="ratings_list",
        tags=["rating"],
        parameters=[RatingsInput],
        responses={200: RatingPageOutput, **REFUSALS},
    )
    def get(self, request: Request, slug: str) -> Response:
        """What raters answered, every revision, in the order it was stored, a page at a time.

        Answers on items of a sealed prompt and in sessions that are not revealed stay here. The
        export has all of it in one stream, with what was skipped.
        """
        wanted = RatingsInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        asked = wanted.validated_data
        project = token_of(request).project
        if "round" in asked:
            access.round_of(project, asked["round"])
        if "dataset" in asked:
            access.dataset_of(project, asked["dataset"])
        scope = ExportScope(
            project_id=project.pk, dataset_id=asked.get("dataset"), round_id=asked.get("round")
        )
        pages = Page()
        found = pages.paginate_queryset(exporting.rating_lines(scope), request, view=self)
        lines = [exporting.rating_line(row) for row in found or []]
        return pages.get_paginated_response(RatingOutput(lines, many=True).data)
