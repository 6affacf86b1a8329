"""Items and labels in by machine: a file or rows, taken whole by a job that can be followed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken
from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation import access
from annotation.api.parsers import PARSERS
from annotation.models import Dataset
from annotation.rules import shapes
from annotation.rules.labeltable import PEOPLE_FIELDS
from annotation.services import bringing, importing, uploads
from core import mapping
from core.api import ErrorOutput, key_header, once
from core.errors import Invalid, TooLarge
from core.mapping import FieldPath
from core.models import Job, JobState

NAME_CHARS = 120
PATH_CHARS = 1000
REFUSALS = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 422), ErrorOutput)
KEY_HEADER = key_header("nothing is imported twice")
WAYS = """

The rows come as a form with a `file` (CSV, JSON, JSONL; Parquet with the extra), as the file itself
in the body, with the options in the query, or as JSON. Answers 202 and the address of the import:
its rows become visible all at once when it is done, or none do. 413 for what is too large.
"""


@extend_schema_field(
    {
        "oneOf": [
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "array", "items": {"type": "string"}},
        ]
    }
)
class PairsField(serializers.ListField):
    """`{"input": "question"}`, or `input=question` as often as needed: a list of the latter."""

    child = serializers.CharField(max_length=PATH_CHARS)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, Mapping):
            data = [
                f"{name}={value}" if isinstance(value, str | int | float) else value
                for name, value in data.items()
            ]
        return list(super().to_internal_value(data))


class RowsInput(serializers.Serializer[Any]):
    """A file, or rows; and which of their columns is which field."""

    file = serializers.FileField(required=False, allow_empty_file=True)
    map = PairsField(default=list, help_text="Field -> column, dotted path or part.")
    shape = serializers.ChoiceField(
        choices=shapes.CHOICES,
        default=shapes.AUTO,
        help_text="Whose rows they are. `auto`: known by the rows; `plain`: as they stand.",
    )


class ItemsImportInput(RowsInput):
    items = serializers.ListField(child=serializers.JSONField(), required=False, allow_empty=False)
    skip_bad = serializers.BooleanField(
        default=False, help_text="Leave out rows that cannot be read, instead of taking nothing."
    )
    personal_data = serializers.ChoiceField(
        choices=[importing.REPORT, importing.MASK],
        default="",
        allow_blank=True,
        help_text="Look for personal data in the texts and count it, or mask it.",
    )
    region = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=2,
        help_text="Reads phone numbers without a country code: DE, GB, US …",
    )


class LabelsImportInput(RowsInput):
    __doc__ = f"""A label table; its fields are {", ".join(PEOPLE_FIELDS)}."""

    labels = serializers.ListField(child=serializers.JSONField(), required=False, allow_empty=False)
    values = PairsField(default=list, help_text="What the table writes -> the label.")
    wide = serializers.ListField(
        child=serializers.CharField(max_length=PATH_CHARS),
        default=list,
        help_text="Columns that each hold one rater's labels.",
    )
    guideline = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=NAME_CHARS,
        help_text="By its name; made from the labels where there is none.",
    )


class ImportedOutput(serializers.Serializer[Any]):
    """How many there were; what an import does not count is left out."""

    added = serializers.IntegerField(required=False)
    known = serializers.IntegerField()
    broken = serializers.IntegerField(required=False)
    notices = serializers.IntegerField(required=False)
    labels = serializers.IntegerField(required=False)
    repeats = serializers.IntegerField(required=False)
    items = serializers.IntegerField(required=False)
    new_items = serializers.IntegerField(required=False)
    raters = serializers.IntegerField(required=False)


class PersonalOutput(serializers.Serializer[Any]):
    """What was found of personal data, never a value."""

    is_masked = serializers.BooleanField()
    touched = serializers.IntegerField(help_text="Items that hold any.")
    found = serializers.DictField(child=serializers.IntegerField())
    items = serializers.DictField(child=serializers.IntegerField())
    places = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Item, field and kind, the first 500.",
    )


class ImportOutput(serializers.Serializer[Any]):
    """An import: how far it is, and what came of it."""

    id = serializers.IntegerField(source="pk")
    url = serializers.SerializerMethodField()
    what = serializers.SerializerMethodField()
    dataset = serializers.IntegerField(source="plan.dataset")
    file = serializers.CharField(source="plan.file")
    state = serializers.CharField(help_text=", ".join(JobState.values))
    rows_read = serializers.IntegerField(source="done")
    rows_expected = serializers.IntegerField(source="total")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField(allow_blank=True, help_text="Why it failed, as a sentence.")
    shape = serializers.SerializerMethodField()
    imported = serializers.SerializerMethodField()
    broken_rows = serializers.SerializerMethodField()
    notices = serializers.SerializerMethodField()
    personal_data = serializers.SerializerMethodField()

    def get_url(self, job: Job) -> str:
        return reverse("api_import", args=[self.context["slug"], job.pk])

    @extend_schema_field(serializers.ChoiceField(choices=["items", "labels"]))
    def get_what(self, job: Job) -> str:
        return "labels" if job.kind == uploads.LABELS else "items"

    def get_shape(self, job: Job) -> str:
        """What the rows were recognised as; empty for rows as ours are."""
        return str(job.result.get("shape", ""))

    @extend_schema_field(ImportedOutput(allow_null=True))
    def get_imported(self, job: Job) -> dict[str, int] | None:
        """Null until it is done, and where it failed."""
        if job.state != JobState.DONE:
            return None
        known = ImportedOutput().fields
        return {name: count for name, count in job.result.items() if name in known}

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_broken_rows(self, job: Job) -> list[str]:
        """One sentence each, which begins with the number of its row; the first 100."""
        return list(job.result.get("listed_broken") or job.result.get("rows") or [])

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_notices(self, job: Job) -> list[str]:
        """What was changed in reading, the first 20."""
        return list(job.result.get("listed_notices") or [])

    @extend_schema_field(PersonalOutput(allow_null=True))
    def get_personal_data(self, job: Job) -> dict[str, Any] | None:
        """Null where nobody asked to look."""
        found: dict[str, Any] | None = job.result.get("personal")
        return found


class ImportDoor(TokenDoor):
    """Who brings rows follows the import; who reads sees every one."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if isinstance(token, ApiToken) and Scope.READ.value not in token.scopes:
            view.scope = Scope.WRITE  # type: ignore[attr-defined]
        return super().has_permission(request, view)


def bodies(form: type[RowsInput]) -> dict[str, Any]:
    """What a request may hold, for the schema."""
    as_file = ("application/x-ndjson", "text/csv", "application/octet-stream")
    return {
        "multipart/form-data": form,
        "application/json": form,
        **dict.fromkeys(as_file, OpenApiTypes.BINARY),
    }


class BringingView(APIView):
    """Closes the file that came as a body once the answer is made."""

    permission_classes = (TokenDoor,)
    parser_classes = PARSERS
    scope = Scope.WRITE
    body_file: UploadedFile[Any] | None = None

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if self.body_file is not None:
            self.body_file.close()
        return super().finalize_response(request, response, *args, **kwargs)


class DatasetItemsView(BringingView):
    """Items into a dataset."""

    @extend_schema(
        operation_id="dataset_items_import",
        tags=["imports"],
        description="Bring items into a dataset: a file, or rows as JSON under `items`." + WAYS,
        parameters=[KEY_HEADER],
        request=bodies(ItemsImportInput),
        responses={202: ImportOutput, **REFUSALS},
    )
    def post(self, request: Request, slug: str, dataset_id: int) -> Response:
        """Bring items into a dataset."""
        dataset = access.dataset_of(token_of(request).project, dataset_id)
        form = read_input(request, ItemsImportInput, "items")
        wishes = bringing.ItemWishes(
            columns=columns_of(form),
            skip_bad=form["skip_bad"],
            personal=form["personal_data"],
            region=form["region"],
            shape=form["shape"],
        )
        file = file_of(request, form, "items")

        def start() -> Job:
            return bringing.items(
                dataset=dataset, file=file, wishes=wishes, actor=token_of(request).actor
            )

        return _planned(request, dataset, form, file, start)


class DatasetLabelsView(BringingView):
    """Existing labels into a dataset."""

    @extend_schema(
        operation_id="dataset_labels_import",
        tags=["imports"],
        description="Bring labels that people gave elsewhere: a file, or rows under `labels`."
        + WAYS,
        parameters=[KEY_HEADER],
        request=bodies(LabelsImportInput),
        responses={202: ImportOutput, **REFUSALS},
    )
    def post(self, request: Request, slug: str, dataset_id: int) -> Response:
        """Bring existing labels into a dataset."""
        dataset = access.dataset_of(token_of(request).project, dataset_id)
        form = read_input(request, LabelsImportInput, "labels")
        wishes = bringing.LabelWishes(
            columns=columns_of(form),
            values=form["values"],
            wide=form["wide"],
            guideline=form["guideline"],
            shape=form["shape"],
        )
        mapping.parse_values(wishes.values)
        file = file_of(request, form, "labels")

        def start() -> Job:
            return bringing.labels(
                dataset=dataset, file=file, wishes=wishes, actor=token_of(request).actor
            )

        return _planned(request, dataset, form, file, start)


class ImportView(APIView):
    """One import."""

    permission_classes = (ImportDoor,)
    scope = Scope.READ

    @extend_schema(
        operation_id="imports_retrieve",
        tags=["imports"],
        responses={200: ImportOutput, **dict.fromkeys((401, 403, 404), ErrorOutput)},
    )
    def get(self, request: Request, slug: str, job_id: int) -> Response:
        """How far an import is; when it is over, its counts, its broken rows and its report."""
        project = token_of(request).project
        job = access.import_job_of(project, job_id)
        access.dataset_of(project, job.plan["dataset"])
        return Response(ImportOutput(job, context={"slug": slug}).data)


def read_input(request: Request, form: type[RowsInput], rows: str) -> dict[str, Any]:
    """The options; a JSON list is the rows themselves."""
    try:
        data = request.data
    except RequestDataTooBig:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raise TooLarge(
            "body_too_large",
            f"As JSON at most {limit:,} bytes are taken at once. Send the rows as a file "
            f"(multipart/form-data, field “file”): it may have {uploads.limit_in_words()}.",
        ) from None
    if isinstance(data, list):
        data = {rows: data}
    if not isinstance(data, Mapping):
        raise Invalid("not_an_object", f'Send {{"{rows}": […]}}, or a file.')
    read = form(data=data)
    read.is_valid(raise_exception=True)
    return dict(read.validated_data)


def columns_of(form: Mapping[str, Any]) -> dict[str, FieldPath]:
    return mapping.parse_map(form["map"])


def file_of(request: Request, form: Mapping[str, Any], rows: str) -> UploadedFile[Any]:
    """What was sent, as a file; rows of JSON become one, whose records are numbered as they are."""
    file: UploadedFile[Any] | None = form.get("file")
    given = form.get(rows)
    if (file is None) == (given is None):
        sentence = (
            f"Send a file or {rows}, and not both."
            if file is not None
            else f"Nothing was sent: a file is expected, or {rows} as JSON."
        )
        if request.headers.get("Transfer-Encoding"):
            sentence += " A body is read only with its Content-Length: send it in one piece."
        raise Invalid("rows_missing", sentence, {"file": [sentence]})
    if file is not None:
        return file
    return SimpleUploadedFile(f"{rows}.json", json.dumps(given, ensure_ascii=False).encode())


def _planned(
    request: Request,
    dataset: Dataset,
    form: Mapping[str, Any],
    file: UploadedFile[Any],
    start: Callable[[], Job],
) -> Response:
    slug = dataset.project.slug

    def act() -> Response:
        body = dict(ImportOutput(start(), context={"slug": slug}).data)
        headers = {"Location": str(body["url"])}
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)

    return once(request, token_of(request).actor, act, body=said(form, file, "items", "labels"))


def said(form: Mapping[str, Any], file: UploadedFile[Any], *rows: str) -> list[object]:
    """What was asked, for `once`: the options and the file's digest, without the rows in `rows`."""
    wishes = {name: value for name, value in form.items() if name not in ("file", *rows)}
    return [wishes, file.name, _digest(file)]


def _digest(file: UploadedFile[Any]) -> str:
    hashed = hashlib.sha256()
    for piece in file.chunks():
        hashed.update(piece)
    return hashed.hexdigest()
