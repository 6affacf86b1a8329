"""A judge's labels against people's: `python manage.py align --people LABELS --judge LABELS`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from calibration.management import filecommand
from calibration.rules import labelfiles, plaintext
from calibration.rules.labelfiles import LabelFile
from measurement.alignment import Alignment, align
from measurement.gate import GateRule


class Command(filecommand.FileCommand):
    help = "Measure how far a judge agrees with people, and what the gate would say (a dry run)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", required=True, metavar="LABELS")
        parser.add_argument("--judge", required=True, metavar="LABELS")
        filecommand.add_scale_options(parser)
        parser.add_argument("--cut", metavar="LABEL", help="the lowest label that is acceptable")
        parser.add_argument("--target", type=filecommand.share, default=GateRule().target)
        filecommand.add_attempt_options(parser)
        parser.add_argument("--epsilon", type=filecommand.share, default=0.2)
        filecommand.add_shape_options(parser, prefix="people-")
        filecommand.add_shape_options(parser, prefix="judge-", has_wide=False)

    def answer(self, options: Mapping[str, Any]) -> str:
        people, judge = _read(options)
        found = {
            name: align(
                table,
                verdicts,
                scale=scale,
                rule=GateRule(target=options["target"]),
                look=options["look"] or filecommand.LOOKS[0],
                one_shot=options["one_shot"],
                epsilon=options["epsilon"],
                seed=options["seed"],
                is_dry_run=True,
            )
            for name, scale, table, verdicts in labelfiles.both_by_dimension(
                people, judge, wish=filecommand.wish_of(options)
            )
        }
        others = labelfiles.left_out(people, judge)
        return _as_json(found, others, options) if options["json"] else _as_text(found, others)


def _read(options: Mapping[str, Any]) -> tuple[LabelFile, LabelFile]:
    people, judge = str(options["people"]), str(options["judge"])
    return (
        filecommand.reading(
            people,
            lambda source: labelfiles.read_people(
                source,
                name=Path(people).name,
                shape=filecommand.shape_of(options, prefix="people_"),
            ),
        ),
        filecommand.reading(
            judge,
            lambda source: labelfiles.read_judge(
                source,
                name=Path(judge).name,
                shape=filecommand.shape_of(options, prefix="judge_"),
            ),
        ),
    )


def _as_json(found: Mapping[str, Alignment], others: list[str], options: Mapping[str, Any]) -> str:
    return filecommand.as_json(
        {
            "dimensions": {name: alignment.as_dict() for name, alignment in found.items()},
            "left_out": others,
            "seed": options["seed"],
        }
    )


def _as_text(found: Mapping[str, Alignment], others: list[str]) -> str:
    blocks = [
        "\n".join(plaintext.alignment_lines(name, alignment)) for name, alignment in found.items()
    ]
    if others:
        blocks.append(f"Only in one of the files, hence left out: {', '.join(others)}.")
    return "\n\n".join([*blocks, plaintext.WHERE_EXPLAINED])
