"""How a round checks its raters: gold items at a rate, a qualification that it demands, or the
pass mark of one. Checked when it is set up, changed and opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotation.models import GuidelineVersion, Round
from annotation.queries import goldring
from annotation.states import RoundKind, RoundState
from core.errors import Invalid, NotReady
from core.words import number_of

LEAST_GOLD = 5
"""A round with a rate needs so many gold items, or as many as a rater gets, if that is fewer."""
HIGHEST_EVERY = 1000
MOST_PASS_ITEMS = 2000
NAMES = ("gold_every", "shows_gold", "qualification", "pass_share", "pass_items")


@dataclass(frozen=True, slots=True)
class GoldPlan:
    """`gold_every`: one item in so many is gold. `shows_gold`: raters are told the labels after a
    gold item. `qualification`: what raters have to pass first. `pass_share`, `pass_items`: of a
    qualification, the share of gold labels to meet on so many items at least."""

    gold_every: int | None = None
    shows_gold: bool = False
    qualification: Round | None = None
    pass_share: float | None = None
    pass_items: int | None = None


def as_fields(plan: GoldPlan) -> dict[str, Any]:
    """By the names of the round's columns."""
    return {name: getattr(plan, name) for name in NAMES}


def as_data(plan: GoldPlan) -> dict[str, Any]:
    """For the audit trail: what is set, the qualification by its number."""
    found = as_fields(plan)
    found["qualification"] = plan.qualification.pk if plan.qualification is not None else None
    return {name: value for name, value in found.items() if value}


def of_round(round_: Round) -> GoldPlan:
    return GoldPlan(**{name: getattr(round_, name) for name in NAMES})


def demand_sound(plan: GoldPlan, *, kind: RoundKind, version: GuidelineVersion) -> None:
    """Raise `Invalid` for what no round of this kind can have."""
    if kind is RoundKind.QUALIFICATION:
        _demand_pass_mark(plan)
        return
    if plan.pass_share is not None or plan.pass_items is not None:
        raise _refused("pass_share", "Only a qualification has a pass mark; leave it empty.")
    if plan.gold_every is not None and not 2 <= plan.gold_every <= HIGHEST_EVERY:
        raise _refused(
            "gold_every",
            f"The gold rate is one item in each 2 to {HIGHEST_EVERY:,}, not {plan.gold_every}.",
        )
    if plan.qualification is not None:
        _demand_same_major(plan.qualification, version)


def demand_enough(plan: GoldPlan, *, version: GuidelineVersion, for_each: int) -> None:
    """Raise `Invalid` when there are too few gold items for a rater who is given `for_each`."""
    if plan.gold_every is None:
        return
    there = goldring.beside(version, qualification=plan.qualification).count()
    wanted = min(LEAST_GOLD, max(1, for_each // plan.gold_every))
    if there >= wanted:
        return
    beside = (
        f", beside those of the qualification {plan.qualification.name}"
        if plan.qualification is not None
        else ""
    )
    raise _refused(
        "gold_every",
        f"The project has {number_of(there, 'gold item')} of {version.guideline.name} "
        f"{version.major}{beside}, and this round needs at least {wanted}. Make more items gold, "
        "or leave the gold rate empty.",
    )


def demand_passable(plan: GoldPlan, *, items: int) -> None:
    """Raise `Invalid` when a qualification holds fewer gold items than it takes to pass."""
    if not items:
        raise Invalid(
            "no_gold_items",
            "The dataset has no gold item of this guideline, and a qualification is made of gold "
            "items only. Make some first.",
            {"dataset": ["Has no gold item of this guideline."]},
        )
    if plan.pass_items is not None and items < plan.pass_items:
        raise _refused(
            "pass_items",
            f"Passing takes at least {number_of(plan.pass_items, 'gold item')}, and this "
            f"qualification would hold {items:,}. Ask for fewer, or make more items gold.",
        )


def demand_no_quota(quota: int | None, *, kind: str) -> None:
    if quota is not None and kind == RoundKind.QUALIFICATION:
        raise _refused(
            "quota", "A qualification has no quota: every rater may take all of it. Leave it empty."
        )


def demand_ready(round_: Round) -> None:
    """Raise `NotReady` when what the round was set up with is gone since, before it opens."""
    if round_.kind == RoundKind.QUALIFICATION:
        there = goldring.in_qualification(round_).count()
        if there < (round_.pass_items or 1):
            raise NotReady(
                "gold_missing",
                f"This qualification has {number_of(there, 'gold item')} of its guideline version "
                f"left, and passing takes {round_.pass_items}. Make items gold and add them, or "
                "set up another qualification.",
            )
    demanded = round_.qualification
    version = round_.guideline_version
    if demanded is not None and not is_same_major(demanded, version):
        raise NotReady(
            "qualification_outdated",
            f"{demanded.name} goes by another major version of the guideline. Choose another "
            "qualification in the round's gold settings, or none.",
        )
    if demanded is not None and demanded.state == RoundState.DRAFT:
        raise NotReady(
            "qualification_not_open",
            f"Raters have to pass {demanded.name} first, and it is not open yet. Open it before.",
        )


def is_same_major(qualification: Round, version: GuidelineVersion) -> bool:
    by = qualification.guideline_version
    return (by.guideline_id, by.major) == (version.guideline_id, version.major)


def _demand_pass_mark(plan: GoldPlan) -> None:
    if plan.gold_every is not None:
        raise _refused("gold_every", "A qualification is made of gold items; leave the rate empty.")
    if plan.qualification is not None:
        raise _refused("qualification", "A qualification demands no other one.")
    if plan.pass_share is None or not 0 < plan.pass_share <= 1:
        raise _refused(
            "pass_share", "Say which share of the gold labels passes: from 1 to 100 percent."
        )
    if plan.pass_items is None or not 1 <= plan.pass_items <= MOST_PASS_ITEMS:
        raise _refused(
            "pass_items",
            f"Say on how many gold items at least one passes: from 1 to {MOST_PASS_ITEMS:,}.",
        )


def _demand_same_major(qualification: Round, version: GuidelineVersion) -> None:
    if qualification.kind != RoundKind.QUALIFICATION:
        raise _refused("qualification", f"{qualification.name} is no qualification.")
    if qualification.project_id != version.guideline.project_id:
        raise _refused("qualification", "A qualification of another project cannot be demanded.")
    if not is_same_major(qualification, version):
        by = qualification.guideline_version
        raise _refused(
            "qualification",
            f"{qualification.name} goes by {by.guideline.name} {by.major}, and this round by "
            f"{version.guideline.name} {version.major}. Choose one by the same major version.",
        )


def _refused(field: str, sentence: str) -> Invalid:
    return Invalid(f"{field}_invalid", sentence, {field: [sentence]})
