"""A judge against people: the gate's statistic, its ceiling, its biases, and the decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from measurement import gate, intervals
from measurement.agreement import (
    agreeing_pairs,
    alpha_replicates,
    cohen_kappa,
    distances,
    label_counts,
)
from measurement.alttest import AltTest, alt_test, by_distance, by_match
from measurement.ceiling import Ceiling, ceiling
from measurement.gate import Evidence, Facts, GateDecision, GateRule, Recall
from measurement.reference import Reference, reference
from measurement.sheet import Bools, Sheet
from measurement.table import PREFERRED, TIE, Estimate, Ints, RatingTable, Scale
from measurement.verdicts import MISSING, OK, JudgeTable

NO_DECIDED = "no item has a decided human label"
NO_SHARED = "no item has both a human label and a verdict"
NOT_PAIRWISE = "the labels are no preference between two responses"
NO_ORDER = "the labels have no order, so there is no direction"
COMMONEST = "commonest_label"
LONGER = "longer_response"
Lengths = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A rule that needs no judge: its agreement, and judge − baseline on the same items."""

    name: str
    agreement: Estimate
    difference: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {"agreement": self.agreement.as_dict(), "difference": self.difference.as_dict()}

    @property
    def is_cleared(self) -> bool:
        """The judge is better than the baseline, the whole interval says."""
        interval = self.difference.interval
        return interval is not None and interval.low > 0


@dataclass(frozen=True, slots=True)
class Orders:
    """Both orders of a pair: how often they name the same winner, how often the first shown.

    `consistent` has n = pairs; `first_shown` n = calls with a winner, over all calls.
    """

    pairs: int
    consistent: Estimate
    first_shown: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs,
            "consistent": self.consistent.as_dict(),
            "first_shown": self.first_shown.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Confusion:
    """Decided items by human label (rows) and the judge's (columns); `no_verdict` by row."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    no_verdict: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "counts": [list(row) for row in self.counts],
            "no_verdict": list(self.no_verdict),
        }


@dataclass(frozen=True, slots=True)
class Alignment:
    """Everything that a report shows about one judge on one dimension.

    `agreement` is the gate's statistic (n = its denominator), `all_labels` exact agreement on
    every item with a human label, `per_vote` each verdict against each vote (n = votes with a
    verdict). `s1` and `s2` are MT-Bench's, missing verdicts dropped as in papers. Section
    numbers: docs/statistics.md.
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
    baselines: tuple[Baseline, ...]
    alt_test: AltTest
    order: Orders | None
    outcomes: Mapping[str, int]
    gate: GateDecision
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
            "baselines": {baseline.name: baseline.as_dict() for baseline in self.baselines},
            "alt_test": self.alt_test.as_dict(),
            "order": None if self.order is None else self.order.as_dict(),
            "outcomes": dict(self.outcomes),
            "gate": self.gate.as_dict(),
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
    facts = _facts(sheet, unrated)
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
    seed: int = 0,
    adjudicated: Mapping[str, str] | None = None,
    unrated: int = 0,
    lengths: Lengths | None = None,
    predictions: Mapping[str, Mapping[str, str]] | None = None,
    is_dry_run: bool = False,
) -> Alignment:
    """Hold a judge against people on one dimension and let the gate decide.

    `look` and `one_shot` set the level of the bound, `epsilon` is the alt-test's allowance.
    `adjudicated` maps items to the label that a named person decided, `unrated` counts items of
    a sealed set without a rating (contested). `lengths` maps items of pairs to the lengths of A
    and B, `predictions` further baselines' names to their labels by item. A dry run takes items
    with two labels or more, leaves thinner ones out and says that nobody knows who saw what; a
    real look counts items below the rule's ratings as contested.
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
    found = _Figures(sheet, level=level, seed=seed)
    facts = _facts(sheet, unrated)
    people_ceiling = ceiling(sheet)
    evidence = found.evidence()
    baselines = tuple(_baselines(sheet, lengths, predictions or {}, seed=seed))
    decision = gate.decide(facts, evidence, rule)
    if is_dry_run:
        said = "Dry run, as nobody knows who saw these labels."
        decision = replace(decision, because=f"{said} {decision.because}")
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
        confusion=_confusion(sheet),
        recall=found.recall(),
        bias=found.bias,
        baselines=baselines,
        alt_test=_alt_test(sheet, epsilon),
        order=_orders(judge, sheet),
        outcomes=_outcomes(sheet, judge),
        gate=decision,
        facts=facts,
        evidence=evidence,
        is_dry_run=is_dry_run,
        notes=tuple(_notes(sheet, baselines, people_ceiling, unrated)),
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


# what is known without a verdict ----------------------------------------------------------


def _facts(sheet: Sheet, unrated: int) -> Facts:
    labels = sheet.gate_labels
    inside = sheet.denominator
    per_label = {
        label: int((sheet.human[inside] == sheet.tested.labels.index(label)).sum())
        for label in labels
    }
    return Facts(
        decided=int(inside.sum()),
        clusters=len(np.unique(sheet.clusters[inside])),
        contested=int(sheet.contested.sum()) + unrated,
        asked=len(sheet.human) - int(sheet.outside.sum()) + unrated,
        per_label=per_label,
        is_two_label=len(labels) == 2,
        needs_cut=sheet.scale.is_rating and sheet.scale.cut is None,
    )


# the figures ------------------------------------------------------------------------------


class _Figures:
    """The estimates of one sheet; the gate's own are computed once."""

    def __init__(self, sheet: Sheet, *, level: float, seed: int) -> None:
        self.sheet = sheet
        self.level = level
        self.seed = seed
        inside = sheet.denominator
        hits = (sheet.agrees & inside).astype(np.float64)
        self.worth: intervals.Effective | None = None
        if inside.any():
            self.worth = intervals.effective(
                hits, inside.astype(np.float64), sheet.clusters, level=level
            )
        self.alpha, self.alpha_bound = self._alpha()
        self.bias = self._bias()

    def share(self, hits: Bools, among: Bools, *, because: str = NO_DECIDED) -> Estimate:
        return intervals.share(
            (hits & among).astype(np.float64),
            among.astype(np.float64),
            self.sheet.clusters,
            because=because,
        )

    def agreement(self) -> Estimate:
        return self.share(self.sheet.agrees, self.sheet.denominator)

    def contested_as_misses(self, unrated: int) -> Estimate:
        """The gate's agreement if every contested item were a disagreement."""
        sheet = self.sheet
        among = sheet.denominator | sheet.contested
        hits = sheet.agrees & sheet.denominator
        if not unrated:
            return self.share(hits, among)
        fresh = sheet.clusters.max(initial=-1) + 1 + np.arange(unrated)
        return intervals.share(
            np.concatenate([hits, np.zeros(unrated)]).astype(np.float64),
            np.concatenate([among, np.ones(unrated)]).astype(np.float64),
            np.concatenate([sheet.clusters, fresh]),
            because=NO_DECIDED,
        )

    def all_labels(self) -> Estimate:
        """Exact agreement on the scale's own labels, human ties and all."""
        sheet = self.sheet
        if not sheet.scale.is_rating:
            return self.share(sheet.agrees, sheet.decided)
        return self.share(sheet.judge_points == sheet.human_points, sheet.human_points >= 0)

    def per_vote(self) -> Estimate:
        """Each verdict against each vote; for pairs this is S1 (a shared tie agrees)."""
        return self._votes(self.sheet.counts)

    def per_vote_without_ties(self) -> Estimate:
        """S2: a pair of verdict and vote is dropped when either is a tie."""
        sheet = self.sheet
        tie = sheet.tested.labels.index(TIE)
        counts = sheet.counts.copy()
        counts[:, tie] = 0
        counts[sheet.judge == tie] = 0
        return self._votes(counts)

    def _votes(self, counts: Ints) -> Estimate:
        sheet = self.sheet
        sizes = np.where(sheet.answered, counts.sum(axis=1), 0)
        hits = np.zeros(len(counts), dtype=np.int64)
        if counts.shape[1]:
            chosen = counts[np.arange(len(counts)), np.maximum(sheet.judge, 0)]
            hits = np.where(sheet.judge >= 0, chosen, 0)
        return intervals.share(
            hits.astype(np.float64), sizes.astype(np.float64), sheet.clusters, because=NO_SHARED
        )

    def _alpha(self) -> tuple[Estimate, float | None]:
        """Alpha of judge and human label on the denominator, and its one-sided 95 % bound."""
        sheet = self.sheet
        both = np.flatnonzero(sheet.denominator & (sheet.judge >= 0))
        counts = label_counts(
            np.tile(np.arange(len(both)), 2),
            np.concatenate([sheet.human[both], sheet.judge[both]]),
            n_items=len(both),
            n_labels=len(sheet.tested.labels),
        )
        found, drawn = alpha_replicates(
            counts,
            sheet.clusters[both],
            level=sheet.tested.level,
            numbers=sheet.tested.numbers(),
            seed=self.seed,
        )
        return found, None if drawn is None else drawn.quantile(0.05)

    def kappa(self) -> Estimate:
        sheet = self.sheet
        both = sheet.denominator & (sheet.judge >= 0)
        if not both.any():
            return Estimate.undefined(NO_SHARED)
        return cohen_kappa(
            sheet.human[both],
            sheet.judge[both],
            sheet.clusters[both],
            weights=distances(sheet.tested),
        )

    def recall(self) -> dict[str, Estimate]:
        """How often the judge finds each human label; no verdict is a miss."""
        return {
            label: self.share(
                self.sheet.agrees,
                self.sheet.human == code,
                because=f"people gave no item the label {label}",
            )
            for code, label in enumerate(self.sheet.tested.labels)
        }

    def _bias(self) -> Estimate:
        """Mean of judge − people's mean in scale points, on the denominator."""
        sheet = self.sheet
        if not sheet.scale.is_rating:
            return Estimate.undefined(NO_ORDER)
        both = sheet.denominator & (sheet.judge_points >= 0)
        points = sheet.scale.numbers()[sheet.judge_points[both]]
        return intervals.mean_difference(
            points - sheet.human_means()[both],
            sheet.clusters[both],
            seed=self.seed,
            because=NO_SHARED,
        )

    def evidence(self) -> Evidence:
        sheet, worth = self.sheet, self.worth
        inside = sheet.denominator
        silent = None
        if inside.any():
            silent = float((inside & ~sheet.answered).sum() / inside.sum())
        return Evidence(
            lower_bound=None if worth is None else worth.lower_bound(level=self.level),
            recalls=tuple(self._recall_bounds()),
            labels=len(sheet.gate_labels),
            alpha=self.alpha.value,
            alpha_lower_bound=self.alpha_bound,
            without_verdict=silent,
            bias=self._relative_bias(),
            people_upper_bound=self._people_upper_bound(),
            raters=self._usual_raters(),
        )

    def _recall_bounds(self) -> Iterator[Recall]:
        sheet = self.sheet
        for label in sheet.gate_labels:
            among = sheet.human == sheet.tested.labels.index(label)
            if not among.any():
                continue
            hits = (sheet.agrees & among).astype(np.float64)
            found = intervals.effective(hits, among.astype(float), sheet.clusters, level=0.05)
            yield Recall(label, found.n, found.share, found.lower_bound(level=0.05))

    def _relative_bias(self) -> float | None:
        if self.bias.value is None:
            return None
        numbers = self.sheet.scale.numbers()
        return abs(self.bias.value) / float(numbers[-1] - numbers[0])

    def _people_upper_bound(self) -> float | None:
        """The bound of people's pairwise agreement; only two labels have a known ceiling."""
        sheet = self.sheet
        agreeing, pairs = agreeing_pairs(sheet.counts)
        if len(sheet.tested.labels) != 2 or not pairs.any():
            return None
        found = intervals.effective(agreeing, pairs, sheet.clusters, level=0.05)
        return found.upper_bound(level=0.05)

    def _usual_raters(self) -> int:
        votes = self.sheet.counts[self.sheet.denominator].sum(axis=1)
        return int(np.bincount(votes).argmax()) if len(votes) else 0


def _confusion(sheet: Sheet) -> Confusion:
    k = len(sheet.tested.labels)
    both = sheet.decided & (sheet.judge >= 0)
    flat = np.bincount(sheet.human[both] * k + sheet.judge[both], minlength=k * k)
    silent = np.bincount(sheet.human[sheet.decided & (sheet.judge < 0)], minlength=k)
    rows = tuple(tuple(int(n) for n in row) for row in flat.reshape(k, k))
    return Confusion(sheet.tested.labels, rows, tuple(int(n) for n in silent))


def _outcomes(sheet: Sheet, judge: JudgeTable) -> dict[str, int]:
    """How the judge's calls ended, by item; an item without any call is `missing`."""
    return dict(Counter(judge.outcomes.get(item, MISSING) for item in sheet.people.items))


# baselines, alternative annotator, orders -------------------------------------------------


def _baselines(
    sheet: Sheet,
    lengths: Lengths | None,
    predictions: Mapping[str, Mapping[str, str]],
    *,
    seed: int,
) -> Iterator[Baseline]:
    inside = sheet.denominator
    if inside.any():
        commonest = int(np.bincount(sheet.human[inside]).argmax())
        yield _baseline(COMMONEST, sheet, np.full(len(sheet.human), commonest), inside, seed=seed)
    if lengths is not None and sheet.tested.is_pairwise:
        predictions = {LONGER: _longer(lengths), **predictions}
    for name, labels in predictions.items():
        table = JudgeTable(labels, dict.fromkeys(labels, OK))
        codes = table.coded(sheet.people.items, sheet.tested)
        known = np.array([item in labels for item in sheet.people.items], dtype=np.bool_)
        yield _baseline(name, sheet, codes, inside & known, seed=seed)


def _longer(lengths: Lengths) -> dict[str, str]:
    """The longer response of each pair; equal lengths are a tie."""
    one, other = PREFERRED
    return {
        item: TIE if length_a == length_b else one if length_a > length_b else other
        for item, (length_a, length_b) in lengths.items()
    }


def _baseline(
    name: str,
    sheet: Sheet,
    codes: Ints,
    among: Bools,
    *,
    seed: int,
) -> Baseline:
    right = (codes == sheet.human)[among].astype(np.float64)
    judge = sheet.agrees[among].astype(np.float64)
    clusters = sheet.clusters[among]
    because = "no decided item has what the baseline needs"
    return Baseline(
        name,
        intervals.share(right, np.ones(len(right)), clusters, because=because),
        intervals.mean_difference(judge - right, clusters, seed=seed, because=because),
    )


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


def _orders(judge: JudgeTable, sheet: Sheet) -> Orders | None:
    """Consistency over the two orders and the first-shown rate; None without calls in orders."""
    if not sheet.tested.is_pairwise or not judge.calls:
        return None
    winners: dict[tuple[str, str], dict[str, str]] = {}
    firsts: list[tuple[str, bool]] = []
    mapped, labels = sheet.scale.tested_codes(), sheet.tested.labels
    for call in judge.calls:
        code = sheet.scale.code(call.label) if call.outcome == OK else -1
        if code < 0:
            continue
        winner = labels[mapped[code]]
        winners.setdefault((call.item, str(call.sample)), {})[call.order] = winner
        if winner != TIE:
            firsts.append((call.item, winner == call.order[0]))
    same = [
        (item, len(set(both.values())) == 1)
        for (item, _), both in winners.items()
        if len(both) == 2
    ]
    return Orders(
        len(same),
        _by_item(same, sheet, because="no pair has a verdict in both orders"),
        _by_item(firsts, sheet, because="no call names a winner"),
    )


def _by_item(found: list[tuple[str, bool]], sheet: Sheet, *, because: str) -> Estimate:
    """A share of calls, those of one item (or its cluster) taken together."""
    known = dict(zip(sheet.people.items, sheet.clusters.tolist(), strict=True))
    codes = {item: len(known) + place for place, item in enumerate(dict(found))} | known
    clusters = np.array([codes[item] for item, _ in found], dtype=np.int64)
    hits = np.array([hit for _, hit in found], dtype=np.float64)
    return intervals.share(hits, np.ones(len(found)), clusters, because=because)


def _notes(
    sheet: Sheet, baselines: tuple[Baseline, ...], people: Ceiling, unrated: int
) -> Iterator[str]:
    thin = int((sheet.reference.ratings < 3).sum()) + unrated
    if thin:
        yield f"{thin} items have fewer than 3 ratings."
    if sheet.tested.is_pairwise and sheet.decided.any():
        ties = int((sheet.decided & ~sheet.denominator).sum())
        yield f"People call {ties} of {int(sheet.decided.sum())} decided items a tie."
    for baseline in baselines:
        if baseline.difference.is_defined and not baseline.is_cleared:
            yield f"No better than the baseline: {baseline.name.replace('_', ' ')}."
    if not people.people.is_defined:
        yield f"No human ceiling: {people.people.undefined_because}."
