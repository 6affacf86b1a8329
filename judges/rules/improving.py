"""What a judge gets wrong, and what to try against it: counted from items that people labelled.

Pure: every sentence here is derived by code from counts, and carries them. A person reads, edits
and saves; nothing is changed by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from measurement.estimate import Estimate
from measurement.intervals import wilson
from measurement.scale import NOT_APPLICABLE, TIE, side_of

LEAST_MISSES = 5
"""Fewer misses of a kind say nothing about the kind."""
USUAL_EXAMPLES = 6

Way = Callable[["Case"], bool]


@dataclass(frozen=True, slots=True)
class Case:
    """One item on one dimension: what the judge said, and what people say.

    ``judge`` is the judge's own label, ``judged`` the same as it is held against people: pass or
    fail where the dimension has a cut. ``median`` is that of people's points on a numeric scale.
    ``lengths`` are those of A and B of a pair, in characters.
    """

    item_id: int
    cluster: str
    dimension: str
    judge: str
    judged: str
    people: str
    votes: int = 0
    median: float | None = None
    is_consistent: bool | None = None
    lengths: tuple[int, int] | None = None

    @property
    def is_miss(self) -> bool:
        return self.judged != self.people

    @property
    def direction(self) -> tuple[str, str, str]:
        """The kind of error: dimension, what people say, what the judge says."""
        return (self.dimension, self.people, self.judged)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One thing that a judge gets wrong in a direction: `hits` of `n`, and a rule against it.

    ``share`` is that share with its 95 % interval (Wilson); none where nothing is shared out, as
    with a point that is never given.
    """

    key: str
    dimension: str
    finding: str
    rule: str
    hits: int
    n: int
    share: Estimate | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """Of the misses for which `among` holds, how many have `hit`?"""

    key: str
    finding: str
    rule: str
    among: Way
    hit: Way


def patterns(cases: Sequence[Case]) -> list[Pattern]:
    """What stands out, dimension by dimension: more often than not beyond chance, or never."""
    by_dimension: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_dimension[case.dimension].append(case)
    found: list[Pattern] = []
    for dimension, members in by_dimension.items():
        misses = [case for case in members if case.is_miss]
        found += _leanings(dimension, misses)
        found += _unused_points(dimension, members)
    return found


def examples(cases: Iterable[Case], *, most: int = USUAL_EXAMPLES) -> list[Case]:
    """Misses to show as worked examples: of every kind of error in turn, one for each cluster.

    The commonest kinds come first; in a kind those with the most votes behind their label.
    """
    kinds: dict[tuple[str, str, str], list[Case]] = defaultdict(list)
    for case in cases:
        if case.is_miss:
            kinds[case.direction].append(case)
    for members in kinds.values():
        members.sort(key=lambda case: (-case.votes, case.item_id))
    waiting = sorted(kinds.values(), key=lambda members: (-len(members), members[0].direction))
    chosen: list[Case] = []
    clusters: set[str] = set()
    while waiting and len(chosen) < most:
        for members in waiting:
            fresh = next((case for case in members if case.cluster not in clusters), None)
            members[:] = [case for case in members if case.cluster not in clusters]
            if fresh is not None and len(chosen) < most:
                members.remove(fresh)
                clusters.add(fresh.cluster)
                chosen.append(fresh)
        waiting = [members for members in waiting if members]
    return chosen


def rules_text(rules: Sequence[str]) -> str:
    """Rules as they stand in a prompt: a heading and a line for each."""
    return "# Rules\n\n" + "\n".join(f"- {rule}" for rule in rules) if rules else ""


def with_rules(template: str, rules: Sequence[str]) -> str:
    """A system template with the rules before its examples, or at its end."""
    text = rules_text(rules)
    if not text:
        return template
    head, mark, tail = template.partition("{{ examples }}")
    if not mark:
        return f"{template.rstrip()}\n\n{text}\n"
    return f"{head.rstrip()}\n\n{text}\n\n{mark}{tail}"


def _leanings(dimension: str, misses: Sequence[Case]) -> Iterator[Pattern]:
    """The questions about a dimension's misses that most of them answer the same way."""
    for question in _questions(dimension, misses):
        among = [case for case in misses if question.among(case)]
        hits = sum(question.hit(case) for case in among)
        if len(among) < LEAST_MISSES or hits * 2 <= len(among):
            continue
        interval = wilson(hits, len(among))
        if interval.low > 0.5:
            yield Pattern(
                key=f"{dimension}:{question.key}",
                dimension=dimension,
                finding=f"{question.finding} in {hits} of {len(among)} misses",
                rule=question.rule,
                hits=hits,
                n=len(among),
                share=Estimate(hits / len(among), len(among), interval),
            )


def _questions(dimension: str, misses: Sequence[Case]) -> Iterator[_Question]:
    if any(case.lengths for case in misses):
        yield from _about_pairs()
        return
    labels = {case.people for case in misses} | {case.judged for case in misses}
    labels.discard(NOT_APPLICABLE)
    for wrong, right in sorted((a, b) for a in labels for b in labels if a < b):
        yield from _about_two(dimension, wrong, right)
    if any(_number(case.judge) is not None and case.median is not None for case in misses):
        yield from _about_points(dimension)


def _about_pairs() -> Iterator[_Question]:
    yield _Question(
        "longer",
        "prefers the longer response",
        "A response is not better for being longer. Ask what the longer one adds that is right "
        "and was asked for; if nothing, its length does not count.",
        among=_names_a_length,
        hit=_prefers_longer,
    )
    yield _Question(
        "shorter",
        "prefers the shorter response",
        "A response is not better for being shorter. Ask what the shorter one leaves out that was "
        "asked for.",
        among=_names_a_length,
        hit=lambda case: not _prefers_longer(case),
    )
    yield _Question(
        "ties-too-rare",
        "prefers one response where people say tie",
        "Say tie when neither response is clearly better by the rubric; do not look for a small "
        "difference to decide by.",
        among=lambda case: TIE in (case.judged, case.people),
        hit=lambda case: case.people == TIE,
    )
    yield _Question(
        "ties-too-often",
        "says tie where people prefer one response",
        "Say tie only when you can name no difference that matters by the rubric.",
        among=lambda case: TIE in (case.judged, case.people),
        hit=lambda case: case.judged == TIE,
    )
    yield _Question(
        "flips",
        "changes its verdict with the places of the responses",
        "Judge each response by itself against the rubric first, and compare only then. The place "
        "in which a response stands says nothing.",
        among=lambda case: case.is_consistent is not None,
        hit=lambda case: case.is_consistent is False,
    )


def _about_two(dimension: str, one: str, other: str) -> Iterator[_Question]:
    """Of the misses between two labels, which way they go."""
    for said, meant in ((one, other), (other, one)):
        yield _Question(
            f"{said}-for-{meant}",
            f"says {said} where people say {meant}",
            f"On {dimension}: before you decide for {said}, look for what speaks for {meant} by "
            "the guideline, and name it.",
            among=partial(_is_between, labels={one, other}),
            hit=partial(_is_said, label=said),
        )


def _is_between(case: Case, *, labels: set[str]) -> bool:
    return {case.judged, case.people} == labels


def _is_said(case: Case, *, label: str) -> bool:
    return case.judged == label


def _about_points(dimension: str) -> Iterator[_Question]:
    yield _Question(
        "too-high",
        "gives more points than people",
        f"On {dimension}: give a point only when all that its anchor says holds; else give the "
        "one below.",
        among=lambda case: _distance(case) != 0,
        hit=lambda case: _distance(case) > 0,
    )
    yield _Question(
        "too-low",
        "gives fewer points than people",
        f"On {dimension}: do not take points off for what neither the rubric nor the guideline "
        "asks for.",
        among=lambda case: _distance(case) != 0,
        hit=lambda case: _distance(case) < 0,
    )


def _unused_points(dimension: str, cases: Sequence[Case]) -> Iterator[Pattern]:
    """Labels that people give now and then and the judge never."""
    pointed = [case for case in cases if case.median is not None]
    people: Counter[str] = Counter()
    for case in cases:
        people[f"{case.median:g}" if case.median is not None else case.people] += 1
    judge = Counter(case.judge if pointed else case.judged for case in cases)
    for label, count in sorted(people.items()):
        if count >= LEAST_MISSES and not judge[label] and _is_label(label, pointed):
            yield Pattern(
                key=f"{dimension}:never-{label}",
                dimension=dimension,
                finding=f"never gives {label} in {len(cases)} items; people do in {count}",
                rule=f"On {dimension}: use the whole scale. Give {label} where what the rubric "
                f"says of {label} holds.",
                hits=count,
                n=len(cases),
            )


def _is_label(label: str, pointed: Sequence[Case]) -> bool:
    """A median between two points is no label that anybody could give; A and B change places."""
    return label.lstrip("-").isdecimal() if pointed else label not in {"A", "B"}


def _names_a_length(case: Case) -> bool:
    """The judge prefers one of two responses that differ in length."""
    lengths = case.lengths
    return lengths is not None and lengths[0] != lengths[1] and side_of(case.judged) in {"A", "B"}


def _prefers_longer(case: Case) -> bool:
    assert case.lengths is not None
    longer = "A" if case.lengths[0] > case.lengths[1] else "B"
    return side_of(case.judged) == longer


def _distance(case: Case) -> float:
    """Points of the judge above people's median; 0 where either is missing."""
    point = _number(case.judge)
    return point - case.median if point is not None and case.median is not None else 0.0


def _number(label: str) -> float | None:
    try:
        return float(label)
    except ValueError:
        return None
