"""What ended an approval by itself: time, a new major guideline, a renamed or retired model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import OuterRef, Subquery

from annotation.models import GuidelineVersion
from annotation.states import VersionState
from judges.models import Attempt, EvidenceSnapshot, JudgeVersion, Standing
from judges.rules.verdicts import Outcome
from judges.states import AttemptState

GONE = ("HTTP 404", "HTTP 410")
"""How the ledger writes that a model is not there (judges.providers.common)."""


def why_over(standing: Standing, *, now: datetime) -> str:
    """What ended an approval; empty while it holds.

    The standing must be loaded with its version's guideline version.
    """
    return why_over_each([standing], now=now)[standing.pk]


def why_over_each(standings: Iterable[Standing], *, now: datetime) -> dict[int, str]:
    """The same of several by their ids, in as many queries as one takes."""
    rows = list(standings)
    found = {row.pk: _why_late(row, now) for row in rows}
    open_rows = [row for row in rows if not found[row.pk]]
    if open_rows:
        newer = _published(open_rows)
        last = _last_attempts({row.version_id for row in open_rows})
        names = measured_names(row.decision_id for row in open_rows)
        for row in open_rows:
            final, named = last[row.version_id]
            found[row.pk] = (
                _why_moved_on(row.version, newer.get(row.version.guideline_version.guideline_id))
                or _why_retired(row.version, final)
                or _why_renamed(named, names[row.decision_id])
            )
    return found


def measured_names(decision_ids: Iterable[int]) -> Mapping[int, set[str]]:
    """By decision the names under which the model answered when it was measured."""
    measured = EvidenceSnapshot.objects.filter(decisions__in=list(decision_ids))
    # Each dimension has its evidence, and all of a request are of one run: its answers count once.
    runs = set(measured.values_list("decisions", "run"))
    answered = (
        Attempt.objects.filter(call__run__in={run for _, run in runs}, outcome=Outcome.OK)
        .exclude(model_answered="")
        .values_list("call__run", "model_answered")
        .distinct()
    )
    of_run: dict[int, set[str]] = defaultdict(set)
    for run, name in answered:
        of_run[run].add(name)
    found: dict[int, set[str]] = defaultdict(set)
    for decision, run in runs:
        found[decision] |= of_run[run]
    return found


def renamed(name: str, measured: Iterable[str]) -> str:
    return (
        f"The model answers as {name!r} now, and was measured as {', '.join(sorted(measured))}. "
        "Save a version for it and have that measured."
    )


def _why_late(standing: Standing, now: datetime) -> str:
    if standing.valid_until > now:
        return ""
    return f"The approval ended on {standing.valid_until:%d %B %Y}; have it measured anew."


def _published(standings: Iterable[Standing]) -> dict[int, GuidelineVersion]:
    """By guideline the version that is in force: there is one at most."""
    guidelines = {row.version.guideline_version.guideline_id for row in standings}
    versions = GuidelineVersion.objects.filter(
        guideline__in=guidelines, state=VersionState.PUBLISHED
    )
    return {version.guideline_id: version for version in versions}


def _why_moved_on(version: JudgeVersion, in_force: GuidelineVersion | None) -> str:
    by = version.guideline_version
    if in_force is None or in_force.major <= by.major:
        return ""
    return (
        f"The guideline is at {in_force.number} now, and the approved version judges by "
        f"{by.number}. Approve a version for the new guideline."
    )


def _last_attempts(version_ids: set[int]) -> dict[int, tuple[Attempt | None, Attempt | None]]:
    """By version the newest attempt that is final, and the newest answer that says its model."""
    of_version = Attempt.objects.filter(call__run__version=OuterRef("pk")).order_by("-pk")
    named = of_version.filter(outcome=Outcome.OK).exclude(model_answered="")
    pairs = (
        JudgeVersion.objects.filter(pk__in=version_ids)
        .annotate(
            last_final=Subquery(of_version.filter(state=AttemptState.FINAL).values("pk")[:1]),
            last_named=Subquery(named.values("pk")[:1]),
        )
        .values_list("pk", "last_final", "last_named")
    )
    wanted = {pk: (final, name) for pk, final, name in pairs}
    rows = Attempt.objects.only("outcome", "problem", "model_answered").in_bulk(
        [pk for both in wanted.values() for pk in both if pk is not None]
    )
    return {
        version: (rows.get(final or 0), rows.get(name or 0))
        for version, (final, name) in wanted.items()
    }


def _why_retired(version: JudgeVersion, newest: Attempt | None) -> str:
    """The provider no longer knows the model: what was approved is gone, whatever comes after.

    The newest attempt tells, so that a run over development items that is answered ends it.
    """
    if newest is None or newest.outcome != Outcome.FAILED or not newest.problem.startswith(GONE):
        return ""
    return (
        f"The provider no longer knows the model {version.spec.get('model', '')!r} "
        f"({newest.problem}). Save a version for another one and have that measured."
    )


def _why_renamed(last: Attempt | None, measured: set[str]) -> str:
    if last is None or not measured or last.model_answered in measured:
        return ""
    return renamed(last.model_answered, measured)
