"""Two versions on the same items: `python manage.py compare --baseline A --candidate B`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from calibration.management import filecommand
from calibration.rules import comparisontext, scorefiles
from calibration.rules.scorefiles import Pairing, ScoreFile
from measurement.comparison import Comparison, compare
from measurement.findings import Findings, Margin, find


class Command(filecommand.FileCommand):
    help = (
        "Compare two versions by their scores on the same items. Exit status: 0 not worse by more "
        "than the margin, 1 worse, 2 cannot tell, 3 bad input."
    )
    # 1 and 2 are answers here.
    bad_input = 3

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--baseline", required=True, metavar="SCORES")
        parser.add_argument("--candidate", required=True, metavar="SCORES")
        parser.add_argument(
            "--margin", type=_margin, default=0.0, help="how much worse still counts as not worse"
        )
        parser.add_argument("--lower-is-better", action="store_true")
        filecommand.add_map_option(parser)
        filecommand.add_answer_options(parser)

    def answer(self, options: Mapping[str, Any]) -> str:
        baseline, candidate = (_read(options, which) for which in ("baseline", "candidate"))
        margin = Margin(options["margin"], options["lower_is_better"])
        pairings = scorefiles.paired(baseline, candidate)
        compared = {
            pairing.metric: compare(
                pairing.scores, lower_is_better=margin.lower_is_better, seed=options["seed"]
            )
            for pairing in pairings
        }
        found = find(compared, margin)
        self.exit_status = found.status
        others = scorefiles.left_out(baseline, candidate)
        if options["json"]:
            return _as_json(pairings, compared, found, others, options)
        return _as_text(pairings, compared, found, others)


def _read(options: Mapping[str, Any], which: str) -> ScoreFile:
    path = str(options[which])
    return filecommand.reading(
        path,
        lambda source: scorefiles.read_scores(source, name=Path(path).name, columns=options["map"]),
    )


def _as_json(
    pairings: list[Pairing],
    compared: Mapping[str, Comparison],
    found: Findings,
    others: list[str],
    options: Mapping[str, Any],
) -> str:
    metrics = {
        pairing.metric: {
            **found.metrics[pairing.metric].as_dict(),
            **compared[pairing.metric].as_dict(),
            "p_holm": found.adjusted[pairing.metric].holm,
            "p_benjamini_hochberg": found.adjusted[pairing.metric].benjamini_hochberg,
            "only_baseline": pairing.only_baseline,
            "only_candidate": pairing.only_candidate,
        }
        for pairing in pairings
    }
    return filecommand.as_json(
        {
            "verdict": found.word,
            "exit_status": found.status,
            "decides": list(found.decides),
            "because": found.because,
            "items_needed": found.items_needed,
            "margin": options["margin"],
            "lower_is_better": options["lower_is_better"],
            "metrics": metrics,
            "left_out": others,
            "seed": options["seed"],
        }
    )


def _as_text(
    pairings: list[Pairing], compared: Mapping[str, Comparison], found: Findings, others: list[str]
) -> str:
    blocks = []
    for pairing in pairings:
        name = pairing.metric
        lines = [*comparisontext.comparison_lines(name, compared[name], found)]
        note = pairing.note()
        lines[-1:-1] = [f"  note: {note}"] if note else []
        blocks.append("\n".join(lines))
    if others:
        blocks.append(f"Only in one of the files, hence left out: {', '.join(others)}.")
    return "\n\n".join([*blocks, "\n".join(comparisontext.summary_lines(found))])


def _margin(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a margin: a number from 0")
    return value
