"""Datasets and items by machine. Of a sealed item only its ids and its part are told."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation import access
from annotation.models import Item
from annotation.queries import datasets as queries
from annotation.queries import items as item_queries
from annotation.rules.keys import NAME_CHARS
from annotation.services import datasets
from annotation.states import Part
from core.api import ErrorOutput, Page, once

REFUSALS = dict.fromkeys((401, 403, 404, 422), ErrorOutput)


class PartsOutput(serializers.Serializer[Any]):
    development = serializers.IntegerField()
    sealed = serializers.IntegerField()
    none = serializers.IntegerField(source="outside")


class DatasetOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="dataset.pk")
    name = serializers.CharField(source="dataset.name")
    kind = serializers.CharField(source="dataset.kind")
    share = serializers.FloatField(source="dataset.share")
    is_simulated = serializers.BooleanField(source="dataset.is_simulated")
    created_at = serializers.DateTimeField(source="dataset.created_at")
    items = serializers.IntegerField()
    parts = PartsOutput(source="*")


class DatasetListOutput(serializers.Serializer[Any]):
    results = DatasetOutput(many=True)


class DatasetInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=NAME_CHARS)
    share = serializers.FloatField(
        default=0.0,
        help_text="The part to seal, from 0 (open) to below 1: fixed from here on. The labels of "
        "a sealed part made so are collected here, blind; who brings such labels along declares "
        "where they come from on the page.",
    )


class ItemsInput(serializers.Serializer[Any]):
    dataset = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    part = serializers.ChoiceField(choices=Part.values, required=False)
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=Page.max_page_size)


class TurnOutput(serializers.Serializer[Any]):
    role = serializers.CharField()
    text = serializers.CharField()


class SystemResponseOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    system = serializers.CharField()


class ItemTextsOutput(serializers.Serializer[Any]):
    """What is left out of a sealed, erased or text-less item."""

    kind = serializers.CharField()
    input = serializers.CharField()
    context = serializers.CharField()  # type: ignore[assignment]
    reference = serializers.CharField()
    messages = TurnOutput(many=True)
    responses = SystemResponseOutput(many=True)
    prompt = serializers.CharField()
    cluster = serializers.CharField()
    difficulty = serializers.CharField()
    case = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    tags = serializers.ListField(child=serializers.CharField())


class ItemOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    external_id = serializers.CharField()
    dataset = serializers.IntegerField(source="dataset_id")
    part = serializers.ChoiceField(choices=Part.values)
    content = serializers.SerializerMethodField()

    @extend_schema_field(ItemTextsOutput(allow_null=True))
    def get_content(self, item: Item) -> dict[str, object] | None:
        """Null for a sealed item, one without texts, and one whose texts were erased."""
        if item.part == Part.SEALED or item.content is None or item.content.erased_at is not None:
            return None
        return _texts(item, item.content.body)


class ItemPageOutput(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ItemOutput(many=True)


class DatasetsView(APIView):
    permission_classes = [TokenDoor]
    scope = Scope.READ
    writing_scope = Scope.WRITE

    @extend_schema(operation_id="datasets_list", responses={200: DatasetListOutput, **REFUSALS})
    def get(self, request: Request, slug: str) -> Response:
        """The datasets of the project with how many items each part has, newest first."""
        project_id = token_of(request).project_id
        cards = queries.cards(queries.found(project_id=project_id), project_id=project_id)
        return Response(DatasetListOutput({"results": cards}).data)

    @extend_schema(
        operation_id="datasets_create",
        request=DatasetInput,
        responses={201: DatasetOutput, **dict.fromkeys((401, 403, 404, 409, 422), ErrorOutput)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make an empty dataset, open or with a share that is sealed as items come in."""
        token = token_of(request)
        wanted = DatasetInput(data=request.data)
        wanted.is_valid(raise_exception=True)

        def act() -> Response:
            made = datasets.create(
                project=token.project,
                name=wanted.validated_data["name"],
                share=wanted.validated_data["share"],
                actor=token.actor,
            )
            found = queries.found(project_id=token.project_id).filter(pk=made.pk)
            (card,) = queries.cards(found, project_id=token.project_id)
            return Response(DatasetOutput(card).data, status=status.HTTP_201_CREATED)

        return once(request, token.actor, act)


class ItemsView(APIView):
    permission_classes = [TokenDoor]
    scope = Scope.READ

    @extend_schema(
        operation_id="items_list",
        parameters=[ItemsInput],
        responses={200: ItemPageOutput, **REFUSALS},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The items of the project, a page at a time; of sealed ones only the ids and the part."""
        wanted = ItemsInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        asked = wanted.validated_data
        token = token_of(request)
        dataset_id: int | None = asked.get("dataset")
        if dataset_id is not None:
            access.dataset_of(token.project, dataset_id)
        items = item_queries.api_items(
            project_id=token.project_id, dataset_id=dataset_id, part=asked.get("part", "")
        )
        pages = Page()
        found = pages.paginate_queryset(items, request, view=self)
        return pages.get_paginated_response(ItemOutput(found, many=True).data)


def _texts(item: Item, body: dict[str, Any]) -> dict[str, object]:
    systems = [response.system for response in item.responses.all()]
    return {
        "kind": item.kind,
        "input": body.get("input", ""),
        "context": body.get("context", ""),
        "reference": body.get("reference", ""),
        "messages": body.get("messages", []),
        "responses": [
            {"text": text, "system": system}
            for text, system in zip(body.get("responses", []), systems, strict=False)
        ],
        "prompt": item.prompt_key,
        "cluster": item.cluster_key,
        "difficulty": item.difficulty,
        "case": item.case,
        "source": item.source,
        "tags": item.tags,
    }
