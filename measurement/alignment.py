"""A judge against people: the gate's statistic, its ceiling, its biases, and the decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from measurement import gate
from measurement.alttest import AltTest, alt_test, by_distance, by_match
from measurement.arrays import np
from measurement.baselines import Baseline, Lengths, baselines
from measurement.ceiling import Ceiling, ceiling
from measurement.estimate import Estimate
from measurement.figures import Confusion, Figures, confusion, facts_of
from measurement.gate import Evidence, Facts, GateDecision, GateRule
from measurement.intervals import SEED
from measurement.length import LengthEffect, length_effect
from measurement.missingness import Missingness, missingness
from measurement.points import Points, points
from measurement.reference import Reference, reference
from measurement.scale import Scale
from measurement.selfpreference import SelfPreference, self_preference
from measurement.settling import Attempt, Needed, needed, next_attempt
from measurement.sheet import Sheet
from measurement.stability import Orders, Repeats, orders, repeats
from measurement.table import RatingTable
from measurement.verdicts import MISSING, JudgeTable


@dataclass(frozen=True, slots=True)
class Alignment:
    """Everything that a report shows about one judge on one dimension.

    `agreement` is the gate's statistic (n = its denominator), `all_labels` exact agreement on
    every item with a human label, `per_vote` each verdict against each vote (n = votes with a
    verdict). `s1` and `s2` are MT-Bench's, missing verdicts dropped as in papers. Each figure in
    words: docs/statistics.md.
    """

    items: int
    decided: int
    contested: int
    adjudicated: int
    not_applicable: int
    fewer_than_three: int
    all_labels: Estimate
    agreement: Estimate
    contested_as_misses: Estimate
    level: float
    n_eff: float | None
    lower_bound: float | None
    s1: Estimate | None
    s2: Estimate | None
    per_vote: Estimate
    ceiling: Ceiling
    alpha: Estimate
    kappa: Estimate
    confusion: Confusion
    recall: Mapping[str, Estimate]
    bias: Estimate
    ranks: Mapping[str, Estimate]
    points: Points | None
    baselines: tuple[Baseline, ...]
    alt_test: AltTest
    order: Orders | None
    repeats: Repeats | None
    length: LengthEffect | None
    self_preference: SelfPreference | None
    missingness: Missingness
    outcomes: Mapping[str, int]
    gate: GateDecision
    needed: Needed
    facts: Facts
    evidence: Evidence
    is_dry_run: bool
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """One dimension object of `align --json`, with a few counts and `notes` beside it."""
        return {
            "items": self.items,
            "decided": self.decided,
            "contested": self.contested,
            "adjudicated": self.adjudicated,
            "not_applicable": self.not_applicable,
            "fewer_than_three": self.fewer_than_three,
            "all_labels": self.all_labels.as_dict(),
            "agreement": self.agreement.as_dict(),
            "contested_as_misses": self.contested_as_misses.as_dict(),
            "level": self.level,
            "n_eff": self.n_eff,
            "lower_bound": self.lower_bound,
            "s1": None if self.s1 is None else self.s1.as_dict(),
            "s2": None if self.s2 is None else self.s2.as_dict(),
            "per_vote": self.per_vote.as_dict(),
            "ceiling": self.ceiling.as_dict(),
            "alpha": self.alpha.as_dict(),
            "kappa": self.kappa.as_dict(),
            "confusion": self.confusion.as_dict(),
            "recall": {label: found.as_dict() for label, found in self.recall.items()},
            "bias": self.bias.as_dict(),
            "ranks": {name: found.as_dict() for name, found in self.ranks.items()},
            "points": None if self.points is None else self.points.as_dict(),
            "baselines": {baseline.name: baseline.as_dict() for baseline in self.baselines},
            "alt_test": self.alt_test.as_dict(),
            "order": None if self.order is None else self.order.as_dict(),
            "repeats": None if self.repeats is None else self.repeats.as_dict(),
            "length": None if self.length is None else self.length.as_dict(),
            "self_preference": (
                None if self.self_preference is None else self.self_preference.as_dict()
            ),
            "missingness": self.missingness.as_dict(),
            "outcomes": dict(self.outcomes),
            "gate": self.gate.as_dict(),
            "needed": self.needed.as_dict(),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a look would be worth it: known without a verdict, and costing no look."""

    facts: Facts
    checks: tuple[gate.Check, ...]
    because: str

    @property
    def is_sufficient(self) -> bool:
        return not self.because


def readiness(
    people: RatingTable,
    *,
    scale: Scale,
    cut: str | None = None,
    rule: GateRule | None = None,
    adjudicated: Mapping[str, str] | None = None,
    unrated: int = 0,
) -> Readiness:
    """What makes a table insufficient, before any verdict is looked at.

    `unrated` counts items of the set that nobody rated: they are contested.
    """
    rule = rule or GateRule()
    empty = JudgeTable({}, {})
    sheet = Sheet.of(
        people,
        empty,
        scale=scale.with_cut(cut),
        least_ratings=rule.least_ratings,
        adjudicated=adjudicated,
    )
    facts = facts_of(sheet, unrated)
    return Readiness(facts, gate.sufficiency(facts, rule), gate.why_insufficient(facts, rule))


def align(
    people: RatingTable,
    judge: JudgeTable,
    *,
    scale: Scale,
    cut: str | None = None,
    rule: GateRule | None = None,
    look: int = 1,
    one_shot: bool = False,
    epsilon: float = 0.2,
    seed: int = SEED,
    adjudicated: Mapping[str, str] | None = None,
    unrated: int = 0,
    lengths: Lengths | None = None,
    own: Mapping[str, str] | None = None,
    predictions: Mapping[str, Mapping[str, str]] | None = None,
    is_dry_run: bool = False,
) -> Alignment:
    """Hold a judge against people on one dimension and let the gate decide.

    `look` and `one_shot` set the level of the bound, `epsilon` is the alt-test's allowance.
    `adjudicated` maps items to the label that a named person decided, `unrated` counts items of
    a sealed set without a rating (contested). `lengths` maps items of pairs to the lengths of A
    and B, `own` those that the judge's own family took part in to its side, `predictions` further
    baselines' names to their labels by item. A dry run takes items with two labels or more, leaves
    thinner ones out and says that nobody knows who saw what; a real look counts items below the
    rule's ratings as contested.
    Raises TableError for a label outside the scale, a cut or a look that does not exist.
    """
    rule = rule or GateRule()
    level = rule.level_of(look=look, one_shot=one_shot)
    if is_dry_run:
        rule, people = replace(rule, least_ratings=2), people.with_at_least(2)
    sheet = Sheet.of(
        people,
        judge,
        scale=scale.with_cut(cut),
        least_ratings=rule.least_ratings,
        adjudicated=adjudicated,
    )
    spare = rule.spare_of(look=look, one_shot=one_shot)
    found = Figures(sheet, level=level, seed=seed, spare=spare)
    facts = facts_of(sheet, unrated)
    people_ceiling = ceiling(sheet)
    evidence = found.evidence()
    compared = tuple(baselines(sheet, lengths, predictions or {}, seed=seed))
    decision = gate.decide(facts, evidence, rule)
    if is_dry_run:
        said = "Dry run, as nobody knows who saw these labels."
        decision = replace(decision, because=f"{said} {decision.because}")
    if is_dry_run:
        worth = None if found.worth is None else found.worth.n_eff
        settled = needed(
            decision, facts, rule, Attempt(level, spare), agreement=found.agreement(), n_eff=worth
        )
    else:
        # After a look people read the count alone: this is made of nothing else.
        settled = needed(
            decision,
            facts,
            rule,
            next_attempt(rule, look=look, one_shot=one_shot),
            agreement=found.plain_agreement(),
        )
    return Alignment(
        items=len(people.items) + unrated,
        decided=int(sheet.decided.sum()),
        contested=facts.contested,
        adjudicated=int(sheet.reference.adjudicated.sum()),
        not_applicable=int(sheet.outside.sum()),
        fewer_than_three=int((sheet.reference.ratings < 3).sum()) + unrated,
        all_labels=found.all_labels(),
        agreement=found.agreement(),
        contested_as_misses=found.contested_as_misses(unrated),
        level=level,
        n_eff=None if found.worth is None else found.worth.n_eff,
        lower_bound=evidence.lower_bound,
        s1=found.per_vote() if sheet.tested.is_pairwise else None,
        s2=found.per_vote_without_ties() if sheet.tested.is_pairwise else None,
        per_vote=found.per_vote(),
        ceiling=people_ceiling,
        alpha=found.alpha,
        kappa=found.kappa(),
        confusion=confusion(sheet),
        recall=found.recall(),
        bias=found.bias,
        ranks=found.ranks(),
        points=points(sheet, seed=seed),
        baselines=compared,
        alt_test=_alt_test(sheet, epsilon),
        order=orders(judge, sheet, seed=seed),
        repeats=repeats(judge, sheet),
        length=length_effect(sheet, lengths, seed=seed),
        self_preference=self_preference(sheet, own, seed=seed),
        missingness=missingness(sheet, judge, seed=seed),
        outcomes=_outcomes(sheet, judge),
        gate=decision,
        needed=settled,
        facts=facts,
        evidence=evidence,
        is_dry_run=is_dry_run,
        notes=tuple(_notes(sheet, compared, people_ceiling, unrated)),
    )


def human_labels(
    people: RatingTable,
    *,
    scale: Scale,
    cut: str | None = None,
    least_ratings: int = 2,
    adjudicated: Mapping[str, str] | None = None,
) -> Reference:
    """The human label of each item of a table, by the rule that `align` uses."""
    return reference(
        people, scale=scale.with_cut(cut), least_ratings=least_ratings, adjudicated=adjudicated
    )


def _outcomes(sheet: Sheet, judge: JudgeTable) -> dict[str, int]:
    """How the judge's calls ended, by item; an item without any call is `missing`."""
    return dict(Counter(judge.outcomes.get(item, MISSING) for item in sheet.people.items))


def _alt_test(sheet: Sheet, epsilon: float) -> AltTest:
    """On the tested labels by matches; on numbers without a cut by distance."""
    names = sheet.people.raters
    if sheet.scale.is_rating and sheet.scale.is_numeric and sheet.scale.cut is None:
        numbers = sheet.scale.numbers()
        verdicts = np.where(
            sheet.judge_points >= 0, numbers[np.maximum(sheet.judge_points, 0)], np.nan
        )
        compared = by_distance(
            sheet.vote_raters,
            sheet.vote_items,
            numbers[sheet.vote_points],
            verdicts,
            len(sheet.people.items),
        )
    else:
        compared = by_match(
            sheet.vote_raters, sheet.vote_items, sheet.votes, sheet.judge, sheet.counts
        )
    return alt_test(names, compared, epsilon=epsilon)


def _notes(
    sheet: Sheet, compared: tuple[Baseline, ...], people: Ceiling, unrated: int
) -> Iterator[str]:
    thin = int((sheet.reference.ratings < 3).sum()) + unrated
    if thin:
        yield f"{thin} items have fewer than 3 ratings."
    if sheet.tested.is_pairwise and sheet.decided.any():
        ties = int((sheet.decided & ~sheet.denominator).sum())
        yield f"People call {ties} of {int(sheet.decided.sum())} decided items a tie."
    for baseline in compared:
        if baseline.difference.is_defined and not baseline.is_cleared:
            yield f"No better than the baseline: {baseline.name.replace('_', ' ')}."
    if not people.people.is_defined:
        yield f"No human ceiling: {people.people.undefined_because}."
