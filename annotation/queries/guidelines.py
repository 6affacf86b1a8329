"""Guidelines for screens, and their rubrics as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from annotation.models import Dimension, Guideline, GuidelineVersion, Round
from annotation.rules.guidelinefile import FiledGuideline, FiledVersion
from annotation.rules.rubric import DimensionSpec
from annotation.rules.scales import Point
from annotation.rules.writing import WorkedExample, Writing
from annotation.states import (
    DimensionKind,
    GuidelineForm,
    Level,
    RationaleRule,
    RoundState,
    VersionState,
)


@dataclass(frozen=True, slots=True)
class Card:
    """One guideline in the list: what is in force, what waits, who uses it."""

    guideline: Guideline
    published: GuidelineVersion | None
    draft: GuidelineVersion | None
    dimensions: tuple[str, ...]
    rounds: int


@dataclass(frozen=True, slots=True)
class History:
    """A guideline with its versions, newest first."""

    guideline: Guideline
    versions: Sequence[GuidelineVersion]
    published: GuidelineVersion | None = field(default=None)
    draft: GuidelineVersion | None = field(default=None)


def specs_of(version: GuidelineVersion) -> list[DimensionSpec]:
    """The rubric of a version in its order."""
    return [spec_of(dimension) for dimension in version.dimensions.all()]


def spec_of(dimension: Dimension) -> DimensionSpec:
    return DimensionSpec(
        key=dimension.key,
        name=dimension.name,
        question=dimension.question,
        kind=DimensionKind(dimension.kind),
        level=Level(dimension.level),
        points=tuple(
            Point(str(point["value"]), str(point.get("anchor", ""))) for point in dimension.points
        ),
        cut=dimension.cut,
        allow_na=dimension.allow_na,
        rationale=RationaleRule(dimension.rationale),
    )


def writing_of(version: GuidelineVersion) -> Writing:
    """What is written in a version."""
    return Writing(
        version.text,
        tuple(example_of(raw) for raw in version.examples),
        tuple(specs_of(version)),
    )


def example_of(raw: Mapping[str, Any]) -> WorkedExample:
    return WorkedExample(
        title=str(raw.get("title", "")),
        text=str(raw.get("text", "")),
        is_good=bool(raw.get("is_good")),
        why=str(raw.get("why", "")),
    )


def found(*, project_id: int, text: str = "", state: str = "") -> QuerySet[Guideline]:
    """The project's guidelines by name: with the text in it, and a version in this state."""
    guidelines = Guideline.objects.filter(project=project_id, name__icontains=text)
    if state:
        in_state = GuidelineVersion.objects.filter(guideline=OuterRef("pk"), state=state)
        guidelines = guidelines.filter(Exists(in_state))
    return (
        guidelines.prefetch_related("versions__dimensions")
        .annotate(
            rounds=Count(
                "versions__rounds",
                distinct=True,
                filter=~Q(versions__rounds__state=RoundState.DRAFT),
            )
        )
        .order_by("name")
    )


def cards(guidelines: Iterable[Guideline]) -> list[Card]:
    """Guidelines as `found` gives them, with what is in force and what waits."""
    return [_card(guideline) for guideline in guidelines]


def history(guideline: Guideline) -> History:
    """The versions of one guideline, newest first, with their rubrics and authors."""
    versions = list(
        guideline.versions.select_related("author")
        .prefetch_related("dimensions")
        .annotate(round_count=Count("rounds"))
        .order_by("-major", "-minor")
    )
    return History(
        guideline,
        versions,
        published=_first(versions, VersionState.PUBLISHED),
        draft=_first(versions, VersionState.DRAFT),
    )


def versions_to_compare(guideline: Guideline, *, with_draft: bool) -> list[GuidelineVersion]:
    """The versions that a reader may hold against each other, oldest first."""
    versions = guideline.versions.order_by("major", "minor")
    return list(versions if with_draft else versions.exclude(state=VersionState.DRAFT))


def has_others(version: GuidelineVersion) -> bool:
    """Whether the guideline has more versions than this one."""
    return (
        GuidelineVersion.objects.filter(guideline=version.guideline_id)
        .exclude(pk=version.pk)
        .exists()
    )


def published_of(guideline: Guideline) -> GuidelineVersion | None:
    return guideline.versions.filter(state=VersionState.PUBLISHED).first()


def newest_of(guideline: Guideline) -> GuidelineVersion | None:
    """The version in force; where there is none, the newest that is no draft."""
    return guideline.versions.exclude(state=VersionState.DRAFT).order_by("-major", "-minor").first()


def api_guidelines(*, project_id: int) -> QuerySet[Guideline]:
    """Guidelines with their versions, oldest first, for the API."""
    versions = GuidelineVersion.objects.order_by("major", "minor")
    return Guideline.objects.filter(project=project_id).prefetch_related(
        Prefetch("versions", queryset=versions)
    )


def filed(
    *, project_id: int, guideline_id: int | None = None, number: str = ""
) -> list[FiledGuideline]:
    """Guidelines as a file holds them: all of a project, one, or one version of one."""
    guidelines = Guideline.objects.filter(project=project_id).order_by("name")
    if guideline_id is not None:
        guidelines = guidelines.filter(pk=guideline_id)
    versions = GuidelineVersion.objects.order_by("major", "minor").prefetch_related("dimensions")
    return [
        FiledGuideline(
            guideline.name,
            GuidelineForm(guideline.form),
            tuple(
                _filed_version(version)
                for version in guideline.versions.all()
                if number in ("", version.number)
            ),
        )
        for guideline in guidelines.prefetch_related(Prefetch("versions", queryset=versions))
    ]


def _filed_version(version: GuidelineVersion) -> FiledVersion:
    return FiledVersion(
        major=version.major,
        minor=version.minor,
        state=VersionState(version.state),
        published_at=version.published_at,
        what_changed=version.what_changed,
        writing=writing_of(version),
    )


def draft_of(guideline: Guideline) -> GuidelineVersion | None:
    return guideline.versions.filter(state=VersionState.DRAFT).first()


def latest_published(*, project_id: int) -> GuidelineVersion | None:
    """The version that was published last in this project."""
    return (
        GuidelineVersion.objects.filter(
            guideline__project=project_id,
            state=VersionState.PUBLISHED,
            published_at__isnull=False,
        )
        .select_related("guideline")
        .order_by("-published_at")
        .first()
    )


def has_draft(*, project_id: int) -> bool:
    return GuidelineVersion.objects.filter(
        guideline__project=project_id, state=VersionState.DRAFT
    ).exists()


def rounds_being_rated(guideline: Guideline) -> list[Round]:
    """Rounds that a new version of this guideline switches or closes."""
    return list(
        Round.objects.filter(
            guideline_version__guideline=guideline,
            state__in=(RoundState.OPEN, RoundState.PAUSED),
        ).order_by("name")
    )


def _card(guideline: Guideline) -> Card:
    versions = list(guideline.versions.all())
    published = _first(versions, VersionState.PUBLISHED)
    draft = _first(versions, VersionState.DRAFT)
    shown = published or draft
    names = tuple(dimension.name for dimension in shown.dimensions.all()) if shown else ()
    return Card(guideline, published, draft, names, guideline.rounds)  # type: ignore[attr-defined]


def _first(versions: Iterable[GuidelineVersion], state: VersionState) -> GuidelineVersion | None:
    return next((version for version in versions if version.state == state), None)
