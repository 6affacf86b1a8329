"""What every API operation shares: one error shape, cursor pages, answers kept by key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, transaction
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, status
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, DictField, ListField, Serializer
from rest_framework.views import exception_handler as drf_handler

from core.errors import Conflict, DomainError, Invalid, TooLarge
from core.models import IdempotencyKey

LONGEST_REQUEST = timedelta(minutes=10)


class JsonParser(JSONParser):
    """Refuses, with a sentence, the JSON that Python reads and cannot write or hold."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        raw = stream.read()
        try:
            parsed: dict[str, Any] = super().parse(BytesIO(raw), media_type, parser_context)
            if b"\\ud" in raw.lower():
                json.dumps(parsed, ensure_ascii=False).encode()
        except RecursionError:
            raise exceptions.ParseError("JSON parse error - it is nested too deeply.") from None
        except UnicodeEncodeError:
            raise exceptions.ParseError(
                "JSON parse error - a text holds half of a surrogate pair (\\ud800 to \\udfff)."
            ) from None
        return parsed


class ErrorOutput(Serializer[dict[str, Any]]):
    """The one shape of every refusal."""

    code = CharField()
    message = CharField()
    fields = DictField(child=ListField(child=CharField()))  # type: ignore[assignment]


class Page(CursorPagination):
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    ordering = "pk"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """`{code, message, fields}` for everything that is refused."""
    if isinstance(error, DomainError):
        body = {"code": error.code, "message": error.sentence, "fields": error.fields}
        return Response(body, status=error.status)
    if isinstance(error, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        sentence = f"The body is too large: at most {limit:,} bytes are taken at once."
        return exception_handler(TooLarge("body_too_large", sentence), context)
    if isinstance(error, exceptions.ValidationError):
        return Response(
            {
                "code": "invalid",
                "message": "Some fields cannot be taken: " + "; ".join(_sentences(error.detail)),
                "fields": _by_field(error.detail),
            },
            status=status.HTTP_422_UNPROCESSABLE_ENTITY,
        )
    response = drf_handler(error, context)
    if response is None:
        return None
    code = getattr(getattr(error, "detail", None), "code", None) or _code_of(response.status_code)
    message = str(getattr(error, "detail", "")) or str(error)
    return Response(
        {"code": code, "message": message, "fields": {}},
        status=response.status_code,
        headers={k: v for k, v in response.items() if k in {"WWW-Authenticate", "Allow"}},
    )


def _code_of(http_status: int) -> str:
    return {404: "not_found", 403: "not_allowed", 401: "not_authenticated"}.get(
        http_status, "refused"
    )


def _by_field(detail: Any) -> dict[str, list[str]]:
    if isinstance(detail, dict):
        return {str(key): _sentences(value) for key, value in detail.items()}
    return {"": _sentences(detail)}


def _sentences(detail: Any) -> list[str]:
    if isinstance(detail, dict):
        return [
            f"{key}: {sentence}" for key, value in detail.items() for sentence in _sentences(value)
        ]
    if isinstance(detail, list):
        return [sentence for part in detail for sentence in _sentences(part)]
    return [str(detail)]


def key_header(so_that: str) -> OpenApiParameter:
    """The header by which a request may be sent again, for the schema."""
    return OpenApiParameter(
        "Idempotency-Key",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description=f"The same key again gives the same answer; {so_that}.",
    )


def once(
    request: Request, principal: str, act: Callable[[], Response], *, body: object = None
) -> Response:
    """Run `act`, or give the answer that this `Idempotency-Key` got before.

    Without the header it just runs. The same key with another body, or while the first
    is still running, is a conflict. `body` stands for a body that is no JSON: a file's digest.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return act()
    if len(key) > 200:
        raise Invalid("idempotency_key_too_long", "An Idempotency-Key has at most 200 characters.")
    digest = hashlib.sha256(
        json.dumps(
            [request.method, request.path, request.data if body is None else body], sort_keys=True
        ).encode()
    ).hexdigest()
    _forget_broken_off(principal, key)
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(principal=principal, key=key, request_digest=digest)
    except IntegrityError:
        return _answer_again(principal, key, digest)
    try:
        response = act()
    except BaseException:
        row.delete()
        raise
    row.status, row.body = response.status_code, response.data
    row.save(update_fields=["status", "body"])
    return response


def _forget_broken_off(principal: str, key: str) -> None:
    """A process that died with a request in hand left its key without an answer."""
    IdempotencyKey.objects.filter(
        principal=principal,
        key=key,
        status__isnull=True,
        created_at__lt=timezone.now() - LONGEST_REQUEST,
    ).delete()


def _answer_again(principal: str, key: str, digest: str) -> Response:
    row = IdempotencyKey.objects.filter(principal=principal, key=key).first()
    if row is None:
        raise Conflict("try_again", "The first request was refused just now. Send it again.")
    if row.request_digest != digest:
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used with another request. Send a new key.",
        )
    if row.status is None:
        raise Conflict(
            "still_running", "The first request with this Idempotency-Key is still running."
        )
    return Response(row.body, status=row.status, headers={"Idempotency-Replayed": "true"})
