"""When an admin may approve what did not pass: only where no judge could have passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from measurement.gate import SPARED

BOUNDS = frozenset({"lower bound", SPARED})
"""The checks that are out of reach by definition; every other one has to hold."""


def why_not(numbers: Mapping[str, Any], *, least_omega: float) -> str:
    """Why evidence (the `align` object of one dimension) carries no exception; empty: it does.

    Source: docs/statistics.md, the ceiling: unattainable, all guards held, ω at least one half. It
    is the ω of the strict test: a judge is not put in people's place for what it left unanswered.
    """
    gate = numbers["gate"]
    if gate["decision"] != "unattainable":
        return "An exception is only for a target that is out of reach with these labels."
    failed = [
        check["name"]
        for check in gate["checks"]
        if not check["passed"] and check["name"] not in BOUNDS
    ]
    if failed:
        return f"An exception needs every guard to hold; not so: {', '.join(failed)}."
    omega = numbers["alt_test"]["strict"]["omega"]
    if omega is None:
        because = numbers["alt_test"].get("undefined_because") or "there is no omega"
        return f"The alternative annotator test says nothing here: {because}."
    if omega < least_omega:
        return (
            "By the alternative annotator test, missing verdicts scored worst, the judge may stand "
            f"in for {omega:.0%} of the raters; an exception needs {least_omega:.0%}."
        )
    return ""
