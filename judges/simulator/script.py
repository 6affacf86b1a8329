"""Scripted failures: what the next requests, or those with some text in them, shall meet."""

from __future__ import annotations

from dataclasses import dataclass

DOINGS = (
    "rate_limit",
    "ramp_limit",
    "spend_limit",
    "payment",
    "unauthorized",
    "too_large",
    "too_long",
    "error",
    "overloaded",
    "drop",
    "hang",
    "half_body",
    "bad_body",
    "other_body",
    "no_stop",
    "no_usage",
    "bad_json",
    "prose",
    "fenced",
    "out_of_scale",
    "refusal",
    "truncated",
    "renamed",
    "slow",
)
"""Everything that a step can do."""


PLACES = ("", "batch", "work", "look", "results")
"""Where a step happens: to messages, alone or in a batch; or to a batch that is made, worked on
(whatever the step does, nothing is answered until the simulator is told to release it), looked at
(listed, cancelled), or fetched."""


class BadScript(Exception):
    """The script cannot be read; the message says why."""


@dataclass(slots=True)
class Step:
    """One thing to do, ``times`` times, to requests whose body contains a text (all, if empty).

    In a batch a message that is dropped or hangs expires, and a broken body stands in its result.
    ``seconds`` is the ``retry-after`` of limits, and how long "slow" and "hang" wait.
    """

    do: str
    times: int = 1
    contains: str = ""
    seconds: float = 0.0
    at: str = ""


class Script:
    """Steps in order; the first that fits a request is used up by one."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, steps: object) -> None:
        """Add steps given as JSON objects. Raises ``BadScript`` and adds none if one is wrong."""
        if not isinstance(steps, list):
            raise BadScript("The script is a list of steps.")
        self._steps += [_step(one) for one in steps]

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._steps.clear()

    def next_for(self, body: str, at: str = "") -> Step | None:
        """The step for a request with this body at this place, if any."""
        for step in self._steps:
            if step.at == at and step.contains in body:
                step.times -= 1
                if step.times <= 0:
                    self._steps.remove(step)
                return step
        return None


def _step(given: object) -> Step:
    known = {"do", "times", "contains", "seconds", "at"}
    if not isinstance(given, dict) or not set(given) <= known:
        raise BadScript("A step is an object with do, times, contains, seconds and at.")
    do, times = given.get("do"), given.get("times", 1)
    contains, seconds = given.get("contains", ""), given.get("seconds", 0.0)
    if do not in DOINGS:
        raise BadScript(f"A step can do: {', '.join(DOINGS)}.")
    if not isinstance(times, int) or times < 1:
        raise BadScript("The times of a step are a whole number from 1.")
    if not isinstance(contains, str) or not isinstance(seconds, int | float) or seconds < 0:
        raise BadScript("A step contains a text and waits for a number of seconds.")
    at = given.get("at", "")
    if at not in PLACES:
        raise BadScript(f"A step happens at: {', '.join(PLACES[1:])}; or, empty, to messages.")
    return Step(str(do), times, contains, float(seconds), str(at))
