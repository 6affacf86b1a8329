"""Decoded text of a byte source, with the line number for every complaint."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from core.errors import Invalid
from core.reading import limits

SAVE_AS_UTF8 = "Save it as UTF-8 (in a spreadsheet: “CSV UTF-8”) and try again."


class Text:
    """Decoded text of a byte source, with the line number for every complaint.

    UTF-8 with or without a mark, UTF-16 with one. Line breaks are kept as they are.
    """

    def __init__(self, source: BinaryIO, head: bytes) -> None:
        self._source = source
        encoding = "utf-8"
        if head.startswith(codecs.BOM_UTF8):
            head = head[len(codecs.BOM_UTF8) :]
        elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        self._encoding = encoding
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        # Keeps "\r\n" together across chunks, so that it counts as one break.
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=False)
        self._breaks = 0
        self._at_end = False
        self._waiting = self._decoded(head, final=not head)

    def first_character(self) -> str:
        """The first character that is not white space, or '' when there is none."""
        pieces = [self._waiting]
        while not pieces[-1].strip() and (piece := self._read()):
            pieces.append(piece)
        self._waiting = "".join(pieces)
        return pieces[-1].lstrip()[:1]

    def chunks(self) -> Iterator[str]:
        """All text, in pieces of at most `limits.CHUNK_BYTES` characters."""
        if self._waiting:
            yield self._waiting
            self._waiting = ""
        while piece := self._read():
            yield piece

    def lines(self) -> Iterator[str]:
        """All text, line by line, each with its line break."""
        waiting = ""
        parts: list[str] = []
        size = 0
        for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > limits.MAX_RECORD_CHARS:
                raise Invalid(
                    "record_too_long",
                    f"A line near line {self._breaks + 1} has more than "
                    f"{limits.MAX_RECORD_CHARS:,} characters. Is this a text file with one row on "
                    "each line?",
                )
            if "\n" not in chunk and "\r" not in chunk:
                continue
            waiting = ""
            for line in io.StringIO("".join(parts), newline=""):
                if waiting:
                    yield waiting
                waiting = line
            parts, size = [waiting], len(waiting)
        yield from io.StringIO("".join(parts), newline="")

    def _read(self) -> str:
        """The next piece that is not empty, or '' at the end."""
        while not self._at_end:
            raw = self._source.read(limits.CHUNK_BYTES)
            text = self._decoded(raw, final=not raw)
            if text:
                return text
        return ""

    def _decoded(self, raw: bytes, *, final: bool) -> str:
        self._at_end = final
        try:
            text = self._decoder.decode(raw, final=final)
        except UnicodeDecodeError as error:
            raise self._wrong_encoding(error) from error
        zero = text.find("\0")
        if zero >= 0:
            raise self._zero_byte(text[:zero])
        self._breaks += line_breaks(text)
        return text

    def _zero_byte(self, before: str) -> Invalid:
        return Invalid(
            "not_text",
            f"Line {self._breaks + line_breaks(before) + 1} holds a zero byte: this is not a text "
            f"file, or it is UTF-16 without its mark. {SAVE_AS_UTF8}",
        )

    def _wrong_encoding(self, error: UnicodeDecodeError) -> Invalid:
        before = error.object[: error.start].decode(self._encoding, errors="ignore")
        line = self._breaks + line_breaks(before) + 1
        if self._encoding == "utf-16":
            return Invalid("encoding", f"Line {line} is not valid UTF-16. {SAVE_AS_UTF8}")
        zero = error.object.find(b"\0")
        if zero >= 0:
            return self._zero_byte(error.object[:zero].decode(errors="replace"))
        byte = error.object[error.start]
        return Invalid(
            "encoding",
            f"Line {line} holds the byte 0x{byte:02X}, which is not UTF-8: the file is in another "
            f"encoding. {SAVE_AS_UTF8}",
        )


def line_breaks(text: str) -> int:
    """How many line breaks: \\n, \\r\\n and \\r each count as one."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")
