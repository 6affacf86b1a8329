"""What stands for one judge: what it covers, what ends it, how it came about."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page

from accounts import queries as people_queries
from calibration.queries import driftrounds, reports
from calibration.queries.driftrounds import DriftRound
from calibration.rules.decisionwords import DECIDED_WORDS
from core import charts
from core.charts import LimitPath
from core.filters import paged
from judges.models import Decision, Judge, Standing
from judges.queries import drift
from judges.queries.drift import DriftState
from judges.states import DecisionKind
from measurement.drift import LIMIT

DECISIONS_PAGE = 20


@dataclass(frozen=True, slots=True)
class DriftLine:
    """The drift alarm of one dimension; no picture while there is nothing to draw."""

    name: str
    state: DriftState
    limit: float
    picture: LimitPath | None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One decision about the judge, with the name of its person as it is today."""

    decision: Decision
    badge_kind: str
    badge: str
    dimensions: tuple[tuple[str, str], ...]
    who: str


@dataclass(frozen=True, slots=True)
class Standings:
    standing: Standing | None
    dimensions: tuple[tuple[str, bool], ...]
    who: str
    suspension: HistoryLine | None
    drifts: list[DriftLine]
    rounds: list[DriftRound]
    page: Page[Decision]
    history: list[HistoryLine]


def of_judge(judge: Judge, *, page: object) -> Standings:
    """One judge's standing, and a page of its decisions, newest first."""
    standing = (
        Standing.objects.select_related(
            "judge", "version__guideline_version__guideline", "decision"
        )
        .filter(judge=judge)
        .first()
    )
    decisions = (
        Decision.objects.filter(judge=judge)
        .select_related("version__judge", "version__guideline_version")
        .prefetch_related("version__guideline_version__dimensions")
        .order_by("-pk")
    )
    shown = paged(decisions, page, size=DECISIONS_PAGE)
    names = people_queries.actor_names(
        [one.actor for one in shown] + ([standing.decision.actor] if standing else [])
    )
    return Standings(
        standing=standing,
        dimensions=_covered(standing) if standing else (),
        who=names[standing.decision.actor] if standing else "",
        suspension=suspension_of(standing) if standing else None,
        drifts=_drifts(standing) if standing else [],
        rounds=driftrounds.of_standing(standing) if standing else [],
        page=shown,
        history=[_line(one, names[one.actor]) for one in shown],
    )


def suspension_of(standing: Standing) -> HistoryLine | None:
    """The decision that suspended what stands, with its person; nothing while it is in force."""
    if not standing.is_suspended:
        return None
    decisions = Decision.objects.filter(judge=standing.judge_id, kind=DecisionKind.SUSPEND)
    decision = decisions.select_related("version__judge").latest("pk")
    return _line(decision, people_queries.actor_names([decision.actor])[decision.actor])


def _covered(standing: Standing) -> tuple[tuple[str, bool], ...]:
    """The names of the dimensions that are answered, and whether each is one by exception."""
    names = reports.dimension_names(standing.version)
    said = standing.decision.dimensions
    return tuple((names.get(key, key), said.get(key) == "exception") for key in standing.dimensions)


def _drifts(standing: Standing) -> list[DriftLine]:
    names = reports.dimension_names(standing.version)
    lines = []
    for key in standing.dimensions:
        state = drift.state_of(standing, key)
        name, found = names.get(key, key), state.drift
        limit = found.limit if found else standing.decision.policy.get("drift_limit", LIMIT)
        picture = None
        if found is not None:
            picture = charts.limit_path(found.path.tolist(), limit, name=f"Drift alarm, {name}")
        lines.append(DriftLine(name, state, limit, picture))
    return lines


def _line(decision: Decision, who: str) -> HistoryLine:
    kind, words = DECIDED_WORDS[decision.kind]
    names = {one.key: one.name for one in decision.version.guideline_version.dimensions.all()}
    return HistoryLine(
        decision,
        kind,
        words,
        tuple(
            (names.get(key, key), DECIDED_WORDS[said][1])
            for key, said in sorted(decision.dimensions.items())
        ),
        who,
    )
