"""What the commands on files share: no database, no server, exit 2 with a sentence."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calibration.rules.labelfiles import ScaleWish, Shape
from core.errors import DomainError, Invalid
from measurement.intervals import SEED
from measurement.scale import LEVELS, TableError

BAD_INPUT = 2
LOOKS = (1, 2, 3)
Found = TypeVar("Found")


class FileCommand(BaseCommand):
    """A command that reads files and prints figures, as text or as one JSON object.

    `bad_input` is the exit status for files and options that cannot be read; `exit_status` the
    one of an answer, where the answer itself is told by it.
    """

    requires_system_checks = []
    requires_migrations_checks = False
    bad_input = BAD_INPUT
    exit_status = 0

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.bad_input != BAD_INPUT:
            parser.error = partial(self._refuse, parser)  # type: ignore[method-assign]
        return parser

    def _refuse(self, parser: CommandParser, message: str) -> NoReturn:
        """What argparse says to a bad option, with the status of this command."""
        if parser.called_from_command_line:
            parser.print_usage(sys.stderr)
            parser.exit(self.bad_input, f"{parser.prog}: error: {message}\n")
        raise CommandError(f"Error: {message}", returncode=self.bad_input)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            printed = self.answer(options)
        except DomainError as error:
            raise CommandError(_with_rows(error), returncode=self.bad_input) from error
        except TableError as error:
            raise CommandError(str(error), returncode=self.bad_input) from error
        self.stdout.write(printed)
        if self.exit_status:
            raise SystemExit(self.exit_status)

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
    add_answer_options(parser)


def add_answer_options(parser: CommandParser) -> None:
    """`--seed` and `--json`."""
    parser.add_argument("--seed", type=_seed, default=SEED)
    add_json_option(parser)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_attempt_options(parser: argparse.ArgumentParser) -> None:
    """`--look` 1, 2 or 3, or `--one-shot`."""
    attempt = parser.add_mutually_exclusive_group()
    # Without a default, so that argparse sees a given 1 beside --one-shot.
    attempt.add_argument("--look", type=int, choices=LOOKS)
    attempt.add_argument("--one-shot", action="store_true")


def add_map_option(parser: CommandParser) -> None:
    """`--map` alone, for files without labels."""
    parser.add_argument("--map", nargs="+", action="extend", default=[], metavar="FIELD=COLUMN")


def shape_of(options: Mapping[str, Any], *, prefix: str = "") -> Shape:
    return Shape(
        columns=options[f"{prefix}map"],
        values=options[f"{prefix}values"],
        wide=options.get(f"{prefix}wide", ()),
    )


def wish_of(options: Mapping[str, Any]) -> ScaleWish:
    return ScaleWish(options["level"], options["scale"], options.get("cut"))


def reading(path: str, read: Callable[[BinaryIO], Found]) -> Found:
    """Open a file and read it. Raises Invalid for one that cannot be opened."""
    try:
        with Path(path).open("rb") as source:
            return read(source)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise Invalid("unreadable", f"{path}: {reason}.") from error


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
