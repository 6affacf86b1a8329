"""What an import takes: a form with a file, a file as the body, or items as JSON.

Files go to disk as they come in; a body over its limit is refused before it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from annotation.services import uploads
from core.api import JsonParser

CHUNK = 64 * 1024
FORM_BYTES = 1024 * 1024
"""What a form may have beside its file: boundaries, headers and the other fields."""
FILE_NAMES = {
    "application/x-ndjson": "body.jsonl",
    "application/jsonl": "body.jsonl",
    "text/csv": "body.csv",
    "text/tab-separated-values": "body.tsv",
    "application/vnd.apache.parquet": "body.parquet",
    "application/octet-stream": "body",
}
Context = Mapping[str, Any]


class FileFormParser(MultiPartParser):
    """A form with a file, as `curl -F file=@items.jsonl` sends it."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Context | None = None
    ) -> DataAndFiles[Any, Any]:
        size = _length(parser_context)
        uploads.check_size(size - FORM_BYTES)
        counted = _Counted(stream)
        try:
            form = super().parse(counted, media_type, parser_context)  # type: ignore[arg-type]
        except SuspiciousOperation as problem:
            raise ParseError(f"The form cannot be read: {problem}") from problem
        _check_whole(counted.read_bytes, size)
        return form


class FileBodyParser(BaseParser):
    """The file is the body; what else there is to say stands in the query."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Context | None = None
    ) -> DataAndFiles[QueryDict, MultiValueDict[str, UploadedFile[Any]]]:
        assert parser_context is not None
        size = _length(parser_context)
        uploads.check_size(size)
        kind = (media_type or "").partition(";")[0].strip().lower()
        query: QueryDict = parser_context["request"].query_params
        file = TemporaryUploadedFile(FILE_NAMES[kind], kind, size, None)
        parser_context["view"].body_file = file
        while piece := stream.read(CHUNK):
            file.write(piece)
        _check_whole(file.tell(), size)
        file.seek(0)
        return DataAndFiles(query.copy(), MultiValueDict({"file": [file]}))


class _Counted:
    """A body and how much of it was read."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._stream.read(size)
        self.read_bytes += len(piece)
        return piece


def _as_body(kind: str) -> type[FileBodyParser]:
    return type("FileBody", (FileBodyParser,), {"media_type": kind})


PARSERS: list[type[BaseParser]] = [JsonParser, FileFormParser, *map(_as_body, FILE_NAMES)]


def _check_whole(read: int, size: int) -> None:
    """Half a file must not pass for a whole one."""
    if read < size:
        raise ParseError(
            f"The connection broke off after {read:,} of {size:,} bytes, and nothing was taken. "
            "Send it again."
        )


def _length(parser_context: Context | None) -> int:
    assert parser_context is not None
    given = str(parser_context["request"].META.get("CONTENT_LENGTH") or 0)
    return int(given) if given.isdecimal() else 0
