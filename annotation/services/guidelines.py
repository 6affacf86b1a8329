"""Guidelines: written as drafts, published once, immutable from then on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Project, User
from annotation.models import Dimension, Guideline, GuidelineVersion
from annotation.queries import guidelines as queries
from annotation.rules.keys import NAME_CHARS, fitting
from annotation.rules.rubric import DimensionSpec, meaning_changes, rubric_problems
from annotation.rules.writing import WorkedExample
from annotation.services import rounds
from annotation.states import GuidelineForm, VersionState
from core import audit
from core.errors import Conflict, Invalid, NotReady


def create(
    *,
    project: Project,
    name: str,
    form: GuidelineForm,
    dimensions: Sequence[DimensionSpec] = (),
    text: str = "",
    examples: Iterable[WorkedExample] = (),
    by: User,
) -> GuidelineVersion:
    """A new guideline with its first draft, 1.0. `Conflict` when the name is taken."""
    name = name.strip()
    if not name:
        raise Invalid("name_missing", "Give the guideline a name.", {"name": ["A name is needed."]})
    fitting(name, "name", limit=NAME_CHARS)
    try:
        with transaction.atomic(durable=True):
            guideline = Guideline.objects.create(project=project, name=name, form=form)
            version = GuidelineVersion.objects.create(
                guideline=guideline,
                text=text,
                examples=[asdict(example) for example in examples],
                author=by,
            )
            write_dimensions(version, dimensions)
            _record(version, "guideline.created", by, {"form": form.value})
    except IntegrityError:
        raise Conflict(
            "guideline_name_taken",
            f"This project has a guideline named {name!r} already; choose another name.",
            {"name": ["This name is taken."]},
        ) from None
    return version


@transaction.atomic(durable=True)
def save_draft(
    *,
    version_id: int,
    text: str,
    examples: Iterable[WorkedExample],
    dimensions: Sequence[DimensionSpec],
    what_changed: str | None = None,
    by: User,
) -> GuidelineVersion:
    """Replace all of a draft (`what_changed` only when given).

    A published version refuses: it stays what raters went by.
    """
    version = _locked(version_id)
    _demand_draft(version)
    version.text = text
    version.examples = [asdict(example) for example in examples]
    if what_changed is not None:
        version.what_changed = what_changed
    version.author = by
    version.save(update_fields=["text", "examples", "what_changed", "author"])
    version.dimensions.all().delete()
    write_dimensions(version, dimensions)
    return version


def new_draft(*, guideline: Guideline, by: User) -> GuidelineVersion:
    """A draft that starts from the version in force; a guideline has one draft at a time.

    An imported guideline may have none in force: it goes on from its newest version.
    """
    with transaction.atomic(durable=True):
        _lock(guideline.pk)
        existing = queries.draft_of(guideline)
        if existing is not None:
            raise Conflict(
                "draft_exists",
                f"Version {existing.number} is being written already; change that one.",
            )
        former = queries.newest_of(guideline)
        if former is None:
            raise NotReady("nothing_published", "There is no published version to start from.")
        draft = GuidelineVersion.objects.create(
            guideline=guideline,
            major=former.major,
            minor=former.minor + 1,
            text=former.text,
            examples=former.examples,
            author=by,
        )
        write_dimensions(draft, queries.specs_of(former))
        _record(draft, "guideline.drafted", by)
    return draft


@transaction.atomic(durable=True)
def discard_draft(*, version_id: int, by: User) -> None:
    """Throw a draft away; with it the guideline, when nothing of it was ever published."""
    version = _locked(version_id)
    _demand_draft(version)
    _record(version, "guideline.draft_discarded", by)
    guideline = version.guideline
    version.dimensions.all().delete()
    version.delete()
    if not guideline.versions.exists():
        guideline.delete()


@transaction.atomic(durable=True)
def publish(
    *,
    version_id: int,
    is_major: bool = False,
    what_changed: str | None = None,
    by: User,
    now: datetime,
) -> GuidelineVersion:
    """Put a draft in force; the version before it is superseded.

    A minor version keeps rounds going: those of the same major go by it from the next claim
    on. A major one closes the rounds that are rated now. A changed key, scale, cut or "not
    applicable" is refused as a minor version (`Invalid`, code `must_be_major`).
    """
    version = _locked(version_id)
    _demand_draft(version)
    _demand_whole(version)
    if what_changed is not None:
        version.what_changed = what_changed.strip()
    former = queries.published_of(version.guideline)
    if former is not None:
        _follow(former, version, is_major=is_major)
        former.state = VersionState.SUPERSEDED
        former.save(update_fields=["state"])
    version.state = VersionState.PUBLISHED
    version.published_at = now
    version.save(update_fields=["major", "minor", "state", "what_changed", "published_at"])
    if former is not None and version.major > former.major:
        rounds.end_for_major(version=version, actor=by.actor, now=now)
    elif former is not None:
        rounds.follow_minor(version=version)
    _record(version, "guideline.published", by, {"version": version.number})
    return version


def _follow(former: GuidelineVersion, version: GuidelineVersion, *, is_major: bool) -> None:
    """Number the version after the one before it."""
    if not version.what_changed.strip():
        raise Invalid(
            "what_changed_missing",
            "Say in a sentence what changed: raters read it before their next item.",
            {"what_changed": ["Raters read this before their next item."]},
        )
    changes = meaning_changes(queries.specs_of(former), queries.specs_of(version))
    if changes and not is_major:
        raise Invalid(
            "must_be_major",
            "Labels before and after this change cannot be compared, so it has to be a major "
            f"version: {'; '.join(changes)}.",
            {"size": ["This has to be a major version."]},
        )
    version.major = former.major + 1 if is_major else former.major
    version.minor = 0 if is_major else former.minor + 1


def _demand_whole(version: GuidelineVersion) -> None:
    problems = rubric_problems(queries.specs_of(version), GuidelineForm(version.guideline.form))
    if not version.text.strip():
        problems.insert(0, "The text is empty: say what raters shall look at.")
    if problems:
        raise Invalid(
            "guideline_incomplete",
            "Not ready to publish. " + " ".join(problems),
            {"text": problems},
        )


def _demand_draft(version: GuidelineVersion) -> None:
    if version.state != VersionState.DRAFT:
        raise Conflict(
            "version_is_published",
            f"Version {version.number} is published and stays as it is; start a new draft.",
        )


def duplicate(version: GuidelineVersion, *, into: Guideline) -> GuidelineVersion:
    """The same version, to the letter, in another guideline."""
    copy = GuidelineVersion.objects.create(
        guideline=into,
        major=version.major,
        minor=version.minor,
        state=version.state,
        text=version.text,
        examples=version.examples,
        what_changed=version.what_changed,
        author_id=version.author_id,
        published_at=version.published_at,
    )
    write_dimensions(copy, queries.specs_of(version))
    return copy


def write_dimensions(version: GuidelineVersion, specs: Sequence[DimensionSpec]) -> None:
    """Give a version without a rubric these dimensions in their order."""
    keys = [spec.key for spec in specs]
    if len(keys) != len(set(keys)):
        raise Invalid("key_repeated", "Two dimensions have the same key; each has its own.")
    Dimension.objects.bulk_create(
        Dimension(
            version=version,
            position=position,
            key=spec.key,
            name=spec.name,
            question=spec.question,
            kind=spec.kind,
            level=spec.level_of_measurement,
            points=[asdict(point) for point in spec.points],
            cut=spec.cut,
            allow_na=spec.allow_na,
            rationale=spec.rationale,
        )
        for position, spec in enumerate(specs)
    )


def _locked(version_id: int) -> GuidelineVersion:
    """The version, its guideline locked: nobody else publishes meanwhile (PostgreSQL)."""
    version = GuidelineVersion.objects.select_related("guideline").get(pk=version_id)
    _lock(version.guideline_id)
    version.refresh_from_db()
    return version


def _lock(guideline_id: int) -> None:
    Guideline.objects.select_for_update().get(pk=guideline_id)


def _record(
    version: GuidelineVersion, verb: str, by: User, data: dict[str, str] | None = None
) -> None:
    audit.record(
        actor=by.actor,
        verb=verb,
        object_type="guideline_version",
        object_id=version.pk,
        project_id=version.guideline.project_id,
        data={"guideline": version.guideline.name, **(data or {})},
    )
