"""How many items it takes: `python manage.py plan gate | difference | interval`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import CommandParser

from calibration.management import filecommand
from calibration.rules import plantext
from measurement import planning
from measurement.gate import GateRule
from measurement.scale import TableError

Answer = dict[str, Any]
_LEAST_POWER = 0.5
TABLE_SIZES = (100, 150, 200, 250, 300, 400, 500, 1000)


class Command(filecommand.FileCommand):
    help = "Say how many items a decision, a difference or an interval needs."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(
            dest="kind", required=True, metavar="gate|difference|interval"
        )
        _add_gate(kinds.add_parser("gate", help="items until the gate can decide"))
        _add_difference(kinds.add_parser("difference", help="items to see a difference"))
        _add_interval(kinds.add_parser("interval", help="items for an interval this narrow"))

    def answer(self, options: Mapping[str, Any]) -> str:
        answers = {"gate": _gate, "difference": _difference, "interval": _interval}
        found = answers[options["kind"]](options)
        if options["json"]:
            return filecommand.as_json(found)
        return "\n".join(plantext.plan_lines(found))


def _add_gate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--true", type=filecommand.share, required=True, metavar="SHARE")
    parser.add_argument("--target", type=filecommand.share, default=GateRule().target)
    _add_power(parser)
    filecommand.add_attempt_options(parser)


def _add_difference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--baseline", type=filecommand.share, metavar="SHARE")
    parser.add_argument("--change", type=_number, required=True)
    parser.add_argument("--paired", action="store_true", help="both versions on the same items")
    parser.add_argument(
        "--discordance", type=filecommand.share, help="share of items on which they differ"
    )
    parser.add_argument("--sd", type=_positive, help="ratings: SD of the paired difference")
    _add_power(parser)


def _add_interval(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--share", type=filecommand.share, required=True)
    parser.add_argument("--half-width", type=filecommand.share, required=True)
    filecommand.add_json_option(parser)


def _add_power(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--power", type=_power, default=planning.POWER)
    filecommand.add_json_option(parser)


def _gate(options: Mapping[str, Any]) -> Answer:
    true, target = options["true"], options["target"]
    rule = GateRule(target=target)
    look, one_shot = options["look"] or filecommand.LOOKS[0], options["one_shot"]
    level = rule.level_of(look=look, one_shot=one_shot)
    spare = rule.spare_of(look=look, one_shot=one_shot)
    found: Answer = {
        "plan": "gate",
        "true": true,
        "target": target,
        "power": options["power"],
        "level": level,
        "least_items": rule.least_items,
        "items": None,
        "needed": None,
        "undefined_because": "",
    }
    try:
        found["items"] = planning.gate_items(
            true=true, target=target, level=level, power=options["power"], spare=spare
        )
        [row] = planning.gate_table(
            [found["items"]], true=true, target=target, level=level, spare=spare
        )
        found["needed"] = row["needed"]
    except planning.NoNumber as error:
        found["undefined_because"] = str(error)
    found["table"] = planning.gate_table(
        TABLE_SIZES, true=true, target=target, level=level, spare=spare
    )
    return found


def _difference(options: Mapping[str, Any]) -> Answer:
    design, count = _design(options)
    found: Answer = {"plan": "difference", "design": design}
    found |= {name: options[name] for name in ("baseline", "change", "discordance", "sd", "power")}
    return _counted(found, count)


def _design(options: Mapping[str, Any]) -> tuple[str, Callable[[], float]]:
    """Which kind of difference was asked for. Raises TableError for options that contradict."""
    change, power, baseline = options["change"], options["power"], options["baseline"]
    discordance, sd = options["discordance"], options["sd"]
    if sd is not None:
        if discordance is not None:
            raise TableError("Name --sd for ratings or --discordance for shares, not both.")
        return plantext.RATINGS, lambda: planning.rating_items(change, spread=sd, power=power)
    if options["paired"]:
        if discordance is None:
            raise TableError(
                "With --paired, name the share of items on which the versions differ, e.g. "
                "--discordance 0.2, or for ratings the SD of the difference, e.g. --sd 1."
            )
        return plantext.PAIRED, lambda: planning.paired_items(
            change, discordance=discordance, baseline=baseline, power=power
        )
    if discordance is not None:
        raise TableError("--discordance is about the same items: add --paired.")
    if baseline is None:
        raise TableError("Name the share that the baseline reaches, e.g. --baseline 0.8.")
    return plantext.UNPAIRED, lambda: planning.unpaired_items(baseline, change, power=power)


def _interval(options: Mapping[str, Any]) -> Answer:
    share, half_width = options["share"], options["half_width"]
    found: Answer = {"plan": "interval", "share": share, "half_width": half_width}
    return _counted(found, lambda: planning.interval_items(share, half_width=half_width))


def _counted(found: Answer, count: Callable[[], float]) -> Answer:
    """The answer with its items, rounded up, or with the reason why there is no number."""
    try:
        exact = count()
        return {**found, "items": planning.whole(exact), "exact": exact, "undefined_because": ""}
    except planning.NoNumber as error:
        return {**found, "items": None, "exact": None, "undefined_because": str(error)}


def _power(text: str) -> float:
    value = filecommand.share(text)
    if value < _LEAST_POWER:
        raise argparse.ArgumentTypeError(f"{text} is not a power from {_LEAST_POWER} to 1")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is not a number")
    return value


def _positive(text: str) -> float:
    value = _number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value
