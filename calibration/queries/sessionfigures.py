"""Agreement in a session before and after, and from session to session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache

from annotation.models import Dimension, GuidelineVersion, Round
from annotation.queries import labels
from calibration.models import CalibrationSession
from calibration.queries import agreement
from calibration.queries.agreement import DimensionAgreement
from calibration.rules.sessionwords import moved
from calibration.states import SessionState
from measurement.change import change
from measurement.estimate import Estimate

KEPT_SECONDS = 24 * 3600
SESSIONS_DRAWN = 12
OTHER_MAJOR = "the guideline's major version changed, so the labels do not compare"
GONE = "only one of the two guideline versions has this dimension"


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one figure moved: both estimates, the difference, and the word for it."""

    before: Any
    after: Any
    difference: Any
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class DimensionChange:
    """One dimension of a session: what the first round showed, and what moved since."""

    key: str
    name: str
    alpha: Moved
    percent: Moved
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """Alpha of one blind round of a session on one dimension."""

    session: CalibrationSession
    is_fresh: bool
    at: datetime | None
    alpha: Any
    percent: Any
    number: int
    version: GuidelineVersion

    @property
    def label(self) -> str:
        """What stands below its place in the picture."""
        return f"{self.number}{' fresh' if self.is_fresh else ''}"

    @property
    def compares_as(self) -> str:
        """Points of which this is the same compare: the same kind of items, one meaning."""
        return f"{'fresh' if self.is_fresh else 'chosen'} {self.version.major}"


@dataclass(frozen=True, slots=True)
class TrendTopic:
    """A dimension of a guideline whose agreement is followed."""

    value: str
    guideline: str
    dimension: str
    points: Sequence[TrendPoint]

    @property
    def name(self) -> str:
        return f"{self.guideline}: {self.dimension}"

    @property
    def has_several_meanings(self) -> bool:
        return len({point.version.major for point in self.points}) > 1


def revealed_rounds(session: CalibrationSession) -> list[Round]:
    """The blind rounds of a session whose ratings may be read, in their order."""
    rounds = (session.first_round, session.second_round)
    return [one for one in rounds if one is not None and one.revealed_at is not None]


def changes(session: CalibrationSession) -> list[DimensionChange]:
    """Each dimension before and, once the second round is revealed, after; nothing before that."""
    rounds = revealed_rounds(session)
    if not rounds:
        return []
    first = agreement.of_round(rounds[0])
    if len(rounds) == 1:
        return [_only_before(one) for one in first.dimensions]
    second = agreement.of_round(rounds[1])
    key = f"session-change/1/{session.pk}/{first.digest}/{second.digest}"
    found: list[DimensionChange] | None = cache.get(key)
    if found is None:
        found = [_changed(rounds[0], rounds[1], one) for one in first.dimensions]
        cache.set(key, found, KEPT_SECONDS)
    return found


def notes(found: Sequence[DimensionChange]) -> list[str]:
    """What is to be known of the figures: each sentence once, with the dimensions it concerns."""
    named: dict[str, list[str]] = {}
    for one in found:
        for note in one.notes:
            named.setdefault(note, []).append(one.name)
    return [
        note if len(names) == len(found) else f"{', '.join(names)}: {note}"
        for note, names in named.items()
    ]


def trend(*, project_id: int) -> list[TrendTopic]:
    """Alpha of the newest sessions by dimension of a guideline, oldest session first."""
    sessions = list(
        CalibrationSession.objects.filter(project=project_id)
        .exclude(state__in=(SessionState.DRAFT, SessionState.BLIND))
        .select_related(
            "first_round__guideline_version__guideline",
            "second_round__guideline_version__guideline",
        )
        .order_by("-pk")[:SESSIONS_DRAWN]
    )
    topics: dict[tuple[int, str], list[TrendPoint]] = {}
    names: dict[tuple[int, str], tuple[str, str]] = {}
    for number, session in enumerate(reversed(sessions), start=1):
        for round_ in revealed_rounds(session):
            guideline = round_.guideline_version.guideline
            for one in agreement.of_round(round_).dimensions:
                topic = guideline.pk, one.key
                names[topic] = guideline.name, one.name
                topics.setdefault(topic, []).append(_point(session, round_, one, number))
    return [
        TrendTopic(f"{topic[0]}:{topic[1]}", *names[topic], points)
        for topic, points in topics.items()
    ]


def _point(
    session: CalibrationSession, round_: Round, one: DimensionAgreement, number: int
) -> TrendPoint:
    return TrendPoint(
        session=session,
        is_fresh=round_.pk == session.second_round_id,
        at=round_.revealed_at,
        alpha=one.summary["alpha"],
        percent=one.summary["percent_agreement"],
        number=number,
        version=round_.guideline_version,
    )


def _only_before(one: DimensionAgreement) -> DimensionChange:
    return DimensionChange(
        key=one.key,
        name=one.name,
        alpha=Moved(one.summary["alpha"], None, None, "", ""),
        percent=Moved(one.summary["percent_agreement"], None, None, "", ""),
        notes=tuple(one.summary["notes"]),
    )


def _changed(first: Round, second: Round, one: DimensionAgreement) -> DimensionChange:
    later = agreement.of_round(second).dimension(one.key)
    if later is None or later.key != one.key:
        return _apart(one, None, GONE)
    if first.guideline_version.major != second.guideline_version.major:
        return _apart(one, later, OTHER_MAJOR)
    dimension = _dimension(second, one.key)
    scale = labels.scale_of(dimension)
    tables = [
        labels.table(labels.round_labels(round_id=round_.pk, dimension_key=one.key))
        for round_ in (first, second)
    ]
    found = change(*tables, scale=scale)
    return DimensionChange(
        key=one.key,
        name=one.name,
        alpha=_moved(found.alpha_before, found.alpha_after, found.alpha),
        percent=_moved(found.agreement_before, found.agreement_after, found.agreement),
        notes=_notes(one, later),
    )


def _apart(
    one: DimensionAgreement, later: DimensionAgreement | None, because: str
) -> DimensionChange:
    """Both figures as they are, and why they are not held against each other."""
    none = Estimate.undefined(because)
    after = later.summary if later is not None else None
    kind, words = moved(none)

    def told(name: str) -> Moved:
        return Moved(
            one.summary[name],
            after[name] if after is not None else Estimate.undefined(GONE).as_dict(),
            none.as_dict(),
            kind,
            words,
        )

    return DimensionChange(one.key, one.name, told("alpha"), told("percent_agreement"), ())


def _moved(before: Estimate, after: Estimate, difference: Estimate) -> Moved:
    kind, words = moved(difference)
    return Moved(before.as_dict(), after.as_dict(), difference.as_dict(), kind, words)


def _notes(one: DimensionAgreement, later: DimensionAgreement) -> tuple[str, ...]:
    first, second = dict.fromkeys(one.summary["notes"]), dict.fromkeys(later.summary["notes"])
    said = [note if note in second else f"First round: {note}" for note in first]
    return (*said, *(f"Second round: {note}" for note in second if note not in first))


def _dimension(round_: Round, key: str) -> Dimension:
    return round_.guideline_version.dimensions.select_related("version").get(key=key)
