"""JSON arrays and JSONL, one record at a time."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from core.errors import Invalid
from core.reading import limits
from core.reading.rows import BrokenRow, Record, Records, unstorable
from core.reading.text import Text, line_breaks

_UNTERMINATED = "Unterminated string"  # how the json module begins this complaint


class _Decoder:
    """JSON values with what no table may hold remarked: NaN, endless numbers, repeated keys."""

    def __init__(self) -> None:
        self._remarks: list[str] = []
        self._decoder = json.JSONDecoder(
            parse_constant=self._constant, parse_float=self._float, object_pairs_hook=self._object
        )

    def decode(self, text: str, start: int) -> tuple[object, int, str]:
        """The value at `start`, where it ends, and what is wrong with it ('' when nothing is).

        Raises ValueError (json.JSONDecodeError among them) or RecursionError.
        """
        self._remarks.clear()
        value, end = self._decoder.raw_decode(text, start)
        if not isinstance(value, dict):
            return value, end, f"it is {_kind_of(value)}, not an object with named values."
        if self._remarks:
            return value, end, self._remarks[0]
        # Only an escape can smuggle in what the decoder of the file would have refused.
        if text.find("\\u", start, end) >= 0:
            return value, end, unstorable(value)
        return value, end, ""

    def _constant(self, name: str) -> None:
        self._remarks.append(f"{name} is not a JSON value. Write null where there is none.")

    def _float(self, digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            self._remarks.append(f"the number {digits[:40]} is too large.")
        return number

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            self._remarks.append(f"it names “{twice}” more than once.")
        return found


def _kind_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case _:
            return "a list"


def read_json(text: Text, first: str) -> Records:
    if first == "{":
        raise Invalid(
            "json_not_array",
            "The file holds a JSON object, not an array. Put the records between [ and ], or one "
            "on each line in a file whose name ends in .jsonl.",
        )
    if first != "[":
        raise Invalid(
            "json_syntax",
            f"A JSON file of rows starts with [, this one starts with “{first}”. If it is another "
            "format, give its name the right ending: .csv, .jsonl or .parquet.",
        )
    return Records(_ArrayReader(text).rows(), format="json")


class _ArrayReader:
    """The elements of one JSON array, decoded one at a time from a buffer that is cut behind."""

    def __init__(self, text: Text) -> None:
        self._chunks = text.chunks()
        self._decoder = _Decoder()
        self._buffer = ""
        self._at = 0
        self._breaks_before = 0
        self._is_complete = False

    def rows(self) -> Iterator[Record | BrokenRow]:
        self._next_sign(0)
        self._at += 1
        number = 0
        if self._next_sign(number) == "]":
            self._finish()
            return
        while True:
            number += 1
            value, trouble = self._element(number)
            if trouble:
                yield BrokenRow(number, trouble, "record")
            else:
                yield Record(number, cast("dict[str, object]", value), "record")
            sign = self._next_sign(number)
            self._at += 1
            if sign == "]":
                self._at -= 1
                self._finish()
                return
            if sign != ",":
                self._at -= 1
                raise self._syntax(self._at, number, f"a comma was expected, not “{sign}”.")

    def _finish(self) -> None:
        self._at += 1
        while True:
            rest = self._buffer[self._at :].strip()
            if rest:
                raise Invalid(
                    "json_syntax", f"There is more after the closing ] of the array: “{rest[:20]}”."
                )
            if not self._grow():
                return

    def _element(self, number: int) -> tuple[object, str]:
        sign = self._next_sign(number)
        if sign == "]":
            raise self._syntax(self._at, number, "there is a comma before the closing ].")
        while True:
            try:
                value, end, trouble = self._decoder.decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error) and self._grow(number):
                    continue
                raise self._syntax(error.pos, number, self._explained(error)) from error
            except RecursionError as error:
                raise self._syntax(self._at, number, "it is nested too deeply.") from error
            except ValueError as error:
                raise self._syntax(self._at, number, "a number is too long.") from error
            # What touches the end of the buffer may go on in the next piece (12|34).
            if end == len(self._buffer) and self._grow(number):
                continue
            self._at = end
            return value, trouble

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Is the error one that more text could cure?"""
        longest_sign = 16
        return error.msg.startswith(_UNTERMINATED) or error.pos >= len(self._buffer) - longest_sign

    def _explained(self, error: json.JSONDecodeError) -> str:
        is_at_end = error.pos >= len(self._buffer.rstrip())
        if self._is_complete and (is_at_end or error.msg.startswith(_UNTERMINATED)):
            return "the file breaks off inside it."
        return f"{error.msg[0].lower()}{error.msg[1:]}."

    def _next_sign(self, number: int) -> str:
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._grow():
                raise self._syntax(
                    self._at, number, "the file breaks off: the closing ] is missing."
                )

    def _grow(self, number: int = 0) -> bool:
        """Drop what was read, take in at least as much again as is waiting; False at the end."""
        waiting = self._buffer[self._at :]
        if len(waiting) > limits.MAX_RECORD_CHARS:
            raise Invalid(
                "record_too_long",
                f"Record {number} has more than {limits.MAX_RECORD_CHARS:,} characters. Usually a "
                "quotation mark or a bracket is not closed.",
            )
        pieces = []
        wanted = max(1, len(waiting))
        while wanted > 0 and (piece := next(self._chunks, "")):
            pieces.append(piece)
            wanted -= len(piece)
        if not pieces:
            self._is_complete = True
            return False
        self._breaks_before += line_breaks(self._buffer[: self._at])
        self._buffer, self._at = "".join([waiting, *pieces]), 0
        return True

    def _syntax(self, position: int, number: int, trouble: str) -> Invalid:
        line = self._breaks_before + line_breaks(self._buffer[:position]) + 1
        return Invalid(
            "json_syntax",
            f"Record {max(number, 1)} (at line {line}) is not valid JSON: {trouble} Nothing after "
            "it can be read.",
        )


def read_jsonl(text: Text, first: str) -> Records:
    if first == "[":
        raise Invalid(
            "jsonl_is_array",
            "The name says one JSON object on each line, but the file starts with [. If it is a "
            "JSON array, let its name end in .json.",
        )
    return Records(_jsonl_rows(text), format="jsonl")


def _jsonl_rows(text: Text) -> Iterator[Record | BrokenRow]:
    decoder = _Decoder()
    for number, raw in enumerate(text.lines(), 1):
        line = raw.strip()
        if not line:
            continue
        try:
            value, end, trouble = decoder.decode(line, 0)
        except json.JSONDecodeError as error:
            yield BrokenRow(
                number,
                f"it is not a whole JSON object: {error.msg[0].lower()}{error.msg[1:]} "
                f"(character {error.pos + 1}).",
                "line",
            )
            continue
        except RecursionError:
            yield BrokenRow(number, "it is nested too deeply.", "line")
            continue
        except ValueError:
            yield BrokenRow(number, "a number is too long.", "line")
            continue
        if end != len(line):
            trouble = "there is more after the JSON object. Put one object on each line."
        if trouble:
            yield BrokenRow(number, trouble, "line")
        else:
            yield Record(number, cast("dict[str, object]", value), "line")
