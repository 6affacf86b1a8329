"""Agreement among people on a label table: `python manage.py agreement LABELS`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from calibration.management import filecommand
from calibration.rules import labelfiles, plaintext
from measurement.agreement import summarise


class Command(filecommand.FileCommand):
    help = "Measure how far people agree with each other on a table of labels."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("labels", metavar="LABELS")
        filecommand.add_scale_options(parser)
        filecommand.add_shape_options(parser)

    def answer(self, options: Mapping[str, Any]) -> str:
        path = str(options["labels"])
        people = filecommand.reading(
            path,
            lambda source: labelfiles.read_people(
                source, name=Path(path).name, shape=filecommand.shape_of(options)
            ),
        )
        seed = options["seed"]
        found = {
            name: summarise(table, scale=scale, seed=seed)
            for name, scale, table in labelfiles.people_by_dimension(
                people, wish=filecommand.wish_of(options)
            )
        }
        if options["json"]:
            dimensions = {name: summary.as_dict() for name, summary in found.items()}
            return filecommand.as_json({"dimensions": dimensions, "seed": seed})
        blocks = ["\n".join(plaintext.agreement_lines(name, one)) for name, one in found.items()]
        return "\n\n".join([*blocks, plaintext.WHERE_EXPLAINED])
