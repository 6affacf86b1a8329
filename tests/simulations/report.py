"""The results as a page for people who rely on the figures."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from tests.simulations.lines import Result, Subject
from tests.simulations.running import SEED

OPENING = (
    "# Simulations\n\n"
    "What the intervals and the approval gate promise, tried on data whose truth is known. "
    "`make simulate` runs all of it and writes this page; it fails when a line that has something "
    "required does not hold. Every figure comes from the functions that draw the product's pages; "
    "the data and their truth come from chances that stand in `tests/simulations/`.\n\n"
    "How to read a line. A *trial* is one invented study: people rate, a judge answers, the "
    "product measures. *Measured* is the share of trials in which what the table counts happened, "
    "± the standard error that this number of trials leaves. *Required* is what the share has to "
    "keep; it is compared as measured, without a margin. Lines that say *reported* require "
    "nothing: settings too small or too lopsided for the method, and comparisons.\n"
)
Found = Mapping[str, Sequence[Result]]


def page(
    found: Mapping[str, Sequence[Result]], about: Mapping[str, Subject], seconds: float
) -> str:
    """All tables with what they rest on, as Markdown."""
    everything = [result for results in found.values() for result in results]
    sections = "\n".join(section(about[name], results) for name, results in found.items())
    return f"{OPENING}\n{_summary(everything)}\n\n{_origin(seconds)}\n\n{sections}"


def _summary(results: Sequence[Result]) -> str:
    required = [result for result in results if result.line.is_required]
    broken = [result.line.setting for result in required if not result.holds]
    said = f"**{len(required) - len(broken)} of {len(required)} required lines hold**"
    rest = f"{len(results) - len(required)} more are reported."
    if broken:
        return f"{said}; {rest} These do not: {'; '.join(broken)}."
    return f"{said}; {rest}"


def _origin(seconds: float) -> str:
    names = ("numpy", "scipy", "krippendorff")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    today = datetime.now(UTC).date().isoformat()
    python = platform.python_version()
    return f"Seed {SEED}, {today}, Python {python}, {versions}; {seconds / 60:.0f} minutes."


def section(subject: Subject, results: Sequence[Result]) -> str:
    """One subject: what is simulated, and its table."""
    return "\n".join((f"## {subject.title}\n", f"{subject.text}\n", *_table(subject, results), ""))


def _table(subject: Subject, results: Sequence[Result]) -> Iterator[str]:
    yield f"Counted: {subject.counted}.\n"
    yield "| setting | trials | measured | required | holds |"
    yield "|---|--:|--:|--:|---|"
    for result in results:
        measured = f"{100 * result.share:.2f} ± {100 * result.error:.2f} %"
        holds = ("yes" if result.holds else "**no**") if result.line.is_required else ""
        required = result.line.required()
        yield f"| {result.line.setting} | {result.trials:,} | {measured} | {required} | {holds} |"
