"""Reading parsed JSON part by part: each complaint says where it is and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, NoReturn, TypeVar

from core.errors import Invalid

Choice = TypeVar("Choice", bound=Enum)


def refuse(sentence: str) -> NoReturn:
    raise Invalid("guideline_file", sentence, {"file": [sentence]})


@dataclass(frozen=True, slots=True)
class Part:
    """An object of the file, where it stands, and the names that it may have."""

    raw: Mapping[str, Any]
    where: str
    names: Sequence[str]

    def __post_init__(self) -> None:
        unknown = [name for name in self.raw if name not in self.names]
        if unknown:
            self.refuse(f"“{unknown[0][:40]}” is not known here. Known are {', '.join(self.names)}")

    def refuse(self, words: str) -> NoReturn:
        refuse(f"{self.where[:1].upper()}{self.where[1:]}: {words}.")

    def at(self, where: str, *, within: bool = False) -> Part:
        """The same part, called by a better name than its number."""
        outer = self.where.rpartition(", ")[0]
        return replace(self, where=f"{outer}, {where}" if within and outer else where)

    def text(self, name: str, most: int, *, needed: bool = False) -> str:
        """A text of at most `most` characters; left out, it is empty."""
        value = self.raw.get(name, "")
        if not isinstance(value, str):
            self.refuse(f"“{name}” has to be a text in quotes")
        if needed and not value.strip():
            self.refuse(f"“{name}” is missing or empty")
        if len(value) > most:
            self.refuse(f"“{name}” is longer than {most:,} characters")
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            self.refuse(f"“{name}” holds a sign that cannot be stored")
        return value

    def flag(self, name: str) -> bool:
        value = self.raw.get(name)
        if not isinstance(value, bool):
            self.refuse(f"“{name}” has to be true or false")
        return value

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        value = self.raw.get(name)
        found = next((one for one in choices if one.value == value), None)
        if found is None:
            self.refuse(f"“{name}” has to be one of {', '.join(one.value for one in choices)}")
        return found

    def moment(self, name: str) -> datetime | None:
        """A point in time with its zone, or none."""
        value = self.raw.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            moment = None
        if moment is None or moment.tzinfo is None:
            self.refuse(f"“{name}” has to be a time such as 2026-11-23T12:00:00+00:00, or null")
        return moment

    def parts(self, name: str, what: str, names: Sequence[str], *, most: int) -> list[Part]:
        """A list of objects, each called by `what` and its number."""
        rows = self.raw.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.refuse(f"“{name}” has to be a list of objects")
        if len(rows) > most:
            self.refuse(f"“{name}” has more than {most} entries")
        outer = "" if self.where == "The file" else f"{self.where}, "
        return [Part(row, f"{outer}{what} {place}", names) for place, row in enumerate(rows, 1)]
