"""Guidelines by machine: which there are, each as a file, and files in as drafts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation import access
from annotation.queries import guidelines as queries
from annotation.rules.guidelinefile import as_document, read_document
from annotation.services import guideline_files
from annotation.states import GuidelineForm, VersionState
from core.api import ErrorOutput, Page, once

REFUSALS = dict.fromkeys((401, 403, 404, 422), ErrorOutput)


class GuidelineVersionOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    number = serializers.CharField()
    state = serializers.ChoiceField(choices=VersionState.values)
    published_at = serializers.DateTimeField(allow_null=True)


class GuidelineOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    form = serializers.ChoiceField(choices=GuidelineForm.values)
    versions = GuidelineVersionOutput(many=True, source="versions.all")


class GuidelinePageOutput(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = GuidelineOutput(many=True)


class GuidelineFile(serializers.Serializer[Any]):
    """The file that guidelines travel in; its parts are described in the documentation."""

    format = serializers.CharField()
    version = serializers.IntegerField()
    guidelines = serializers.ListField(child=serializers.DictField())


class GuidelineFileInput(serializers.Serializer[Any]):
    version = serializers.CharField(required=False, max_length=11)


class DraftOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="guideline_id")
    name = serializers.CharField(source="guideline.name")
    draft = serializers.CharField(source="number")


class DraftsOutput(serializers.Serializer[Any]):
    drafts = DraftOutput(many=True)


class GuidelinesView(APIView):
    permission_classes = [TokenDoor]
    scope = Scope.READ
    writing_scope = Scope.WRITE

    @extend_schema(operation_id="guidelines_list", responses={200: GuidelinePageOutput, **REFUSALS})
    def get(self, request: Request, slug: str) -> Response:
        """The guidelines of the project with their versions, a page at a time."""
        pages = Page()
        guidelines = queries.api_guidelines(project_id=token_of(request).project_id)
        found = pages.paginate_queryset(guidelines, request, view=self)
        return pages.get_paginated_response(GuidelineOutput(found, many=True).data)

    @extend_schema(
        operation_id="guidelines_import",
        request=GuidelineFile,
        responses={201: DraftsOutput, **dict.fromkeys((401, 403, 404, 409, 422), ErrorOutput)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Bring a guideline file in, all or nothing: the newest version of each is a draft."""
        token = token_of(request)

        def act() -> Response:
            drafts = guideline_files.bring_in(
                project=token.project,
                guidelines=read_document(request.data),
                actor=token.actor,
            )
            answer = DraftsOutput({"drafts": drafts}).data
            return Response(answer, status=status.HTTP_201_CREATED)

        return once(request, token.actor, act)


class GuidelineFileView(APIView):
    permission_classes = [TokenDoor]
    scope = Scope.READ

    @extend_schema(
        operation_id="guideline_file",
        parameters=[GuidelineFileInput],
        responses={200: GuidelineFile, **REFUSALS},
    )
    def get(self, request: Request, slug: str, guideline_id: int) -> Response:
        """A guideline as a file: with all its versions, or with the one that is named."""
        wanted = GuidelineFileInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        token = token_of(request)
        filed = guideline_files.filed(
            project=token.project,
            actor=token.actor,
            guideline=access.guideline_of(token.project, guideline_id),
            number=wanted.validated_data.get("version", ""),
        )
        return Response(as_document(filed))
