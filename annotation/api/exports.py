"""Tables out by machine, streamed."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation import access
from annotation.services import exporting
from core.api import ErrorOutput
from core.exporting import CONTENT_TYPES, FORMATS
from core.registry import ExportScope

BIGGEST = 2**63 - 1


class ExportInput(serializers.Serializer[Any]):
    file_format = serializers.ChoiceField(choices=FORMATS, default="jsonl")
    dataset = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST)
    round = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST)
    run = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST)


class ExportView(APIView):
    permission_classes = [TokenDoor]
    scope = Scope.READ

    @extend_schema(
        operation_id="export",
        parameters=[ExportInput],
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.BINARY, "The rows."),
            **dict.fromkeys((401, 403, 404, 422), ErrorOutput),
        },
    )
    def get(self, request: Request, slug: str, table: str) -> StreamingHttpResponse:
        """One table, streamed: items, ratings, labels, verdicts, ledger, decisions or audit."""
        wanted = ExportInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        asked = wanted.validated_data
        token = token_of(request)
        if "dataset" in asked:
            access.dataset_of(token.project, asked["dataset"])
        if "round" in asked:
            access.round_of(token.project, asked["round"])
        pieces = exporting.export(
            table=exporting.table_of(table),
            form=asked["file_format"],
            scope=ExportScope(
                project_id=token.project_id,
                dataset_id=asked.get("dataset"),
                round_id=asked.get("round"),
                run_id=asked.get("run"),
            ),
            actor=token.actor,
        )
        return StreamingHttpResponse(pieces, content_type=CONTENT_TYPES[asked["file_format"]])
