"""What the commands on files share: no database, no server, exit 2 with a sentence."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calibration.rules.labelfiles import ScaleWish, Shape
from core.errors import DomainError
from measurement.intervals import SEED
from measurement.scale import LEVELS, TableError

BAD_INPUT = 2
Found = TypeVar("Found")


class FileCommand(BaseCommand):
    """A command that reads label files and prints figures, as text or as one JSON object."""

    requires_system_checks = []
    requires_migrations_checks = False

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            printed = self.answer(options)
        except DomainError as error:
            raise CommandError(_with_rows(error), returncode=BAD_INPUT) from error
        except TableError as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from error
        self.stdout.write(printed)

    def answer(self, options: Mapping[str, Any]) -> str:
        """What is printed. Raises DomainError or TableError for bad files and options."""
        raise NotImplementedError


def _with_rows(error: DomainError) -> str:
    """The sentence, and one line for each row that it is about."""
    rows = error.fields.get("rows", [])
    return "\n  ".join([error.sentence, *rows]) if len(rows) > 1 else error.sentence


def add_shape_options(parser: CommandParser, *, prefix: str = "", has_wide: bool = True) -> None:
    """`--map`, `--values` and `--wide`, or `--people-map` and so on."""
    names = ("map", "values", "wide") if has_wide else ("map", "values")
    shown = {"map": "FIELD=COLUMN", "values": "VALUE=LABEL", "wide": "COLUMN"}
    for name in names:
        parser.add_argument(
            f"--{prefix}{name}", nargs="+", action="extend", default=[], metavar=shown[name]
        )


def add_scale_options(parser: CommandParser) -> None:
    """`--level`, `--scale`, `--seed` and `--json`."""
    parser.add_argument("--level", choices=LEVELS)
    parser.add_argument("--scale", default="", metavar="1-5 | a,b,c")
    parser.add_argument("--seed", type=_seed, default=SEED)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def shape_of(options: Mapping[str, Any], *, prefix: str = "") -> Shape:
    return Shape(
        columns=options[f"{prefix}map"],
        values=options[f"{prefix}values"],
        wide=options.get(f"{prefix}wide", ()),
    )


def wish_of(options: Mapping[str, Any]) -> ScaleWish:
    return ScaleWish(options["level"], options["scale"], options.get("cut"))


def reading(path: str, read: Callable[[BinaryIO], Found]) -> Found:
    """Open a file and read it; one that cannot be opened is a bad input."""
    try:
        with Path(path).open("rb") as source:
            return read(source)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise CommandError(f"{path}: {reason}.", returncode=BAD_INPUT) from error


def as_json(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, indent=2)


def share(text: str) -> float:
    """An option that is a share strictly between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share between 0 and 1, such as 0.8")
    return value


def _seed(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0")
    return value
