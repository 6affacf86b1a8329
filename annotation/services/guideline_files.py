"""Guidelines into a file and out of it, and from one project into another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from django.db import IntegrityError, transaction

from accounts.models import Project, User
from annotation.models import Guideline, GuidelineVersion
from annotation.queries import guidelines as queries
from annotation.rules.guidelinefile import FiledGuideline, FiledVersion, written
from annotation.rules.keys import NAME_CHARS, fitting
from annotation.services.guidelines import write_dimensions
from annotation.states import VersionState
from core import audit
from core.errors import Conflict, Invalid, NotHere


def export(
    *, project: Project, actor: str, guideline: Guideline | None = None, number: str = ""
) -> str:
    """The file with all guidelines of a project, with one, or with one version of one."""
    return written(filed(project=project, actor=actor, guideline=guideline, number=number))


def filed(
    *, project: Project, actor: str, guideline: Guideline | None, number: str
) -> list[FiledGuideline]:
    """What such a file holds. `NotHere` for a version that does not exist."""
    guidelines = queries.filed(
        project_id=project.pk, guideline_id=guideline.pk if guideline else None, number=number
    )
    if number and not any(one.versions for one in guidelines):
        raise NotHere(f"There is no version {number[:20]} of this guideline.")
    audit.record(
        actor=actor,
        verb="guideline.exported",
        object_type="guideline" if guideline else "project",
        object_id=guideline.pk if guideline else project.pk,
        project_id=project.pk,
        data={"guidelines": len(guidelines), "version": number},
    )
    return guidelines


@transaction.atomic(durable=True)
def bring_in(
    *,
    project: Project,
    guidelines: Sequence[FiledGuideline],
    actor: str,
    name: str = "",
    by: User | None = None,
) -> list[GuidelineVersion]:
    """The guidelines of a file, all or none; answers their drafts.

    The newest version of each becomes a draft that `by` goes on with: nothing is in force before
    somebody here publishes it. Older versions stay readable as superseded ones. `name` is another
    name for a single guideline. `Conflict` when a name is taken.
    """
    named = _named(guidelines, name.strip())
    _demand_free(project, [guideline.name for guideline in named])
    drafts = [_brought_in(project, guideline, by) for guideline in named]
    for draft in drafts:
        audit.record(
            actor=actor,
            verb="guideline.imported",
            object_type="guideline_version",
            object_id=draft.pk,
            project_id=project.pk,
            data={"guideline": draft.guideline.name, "version": draft.number},
        )
    return drafts


def _named(guidelines: Sequence[FiledGuideline], name: str) -> list[FiledGuideline]:
    if not name:
        return list(guidelines)
    fitting(name, "name", limit=NAME_CHARS)
    if len(guidelines) > 1:
        sentence = f"The file holds {len(guidelines)} guidelines: they keep their own names."
        raise Invalid("name_for_several", sentence, {"name": [sentence]})
    return [replace(guidelines[0], name=name)]


def _demand_free(project: Project, names: Sequence[str]) -> None:
    taken = Guideline.objects.filter(project=project, name__in=names).order_by("name")
    found = list(taken.values_list("name", flat=True)[:5])
    if found:
        raise _taken(found)


def _taken(names: Sequence[str]) -> Conflict:
    listed = ", ".join(f"“{name}”" for name in names)
    return Conflict(
        "guideline_name_taken",
        f"This project has a guideline named {listed} already; choose another name.",
        {"name": ["This name is taken."]},
    )


def _brought_in(project: Project, filed: FiledGuideline, by: User | None) -> GuidelineVersion:
    try:
        with transaction.atomic():
            guideline = Guideline.objects.create(project=project, name=filed.name, form=filed.form)
    except IntegrityError:
        raise _taken([filed.name]) from None
    *history, newest = filed.versions
    for version in history:
        write_version(guideline, version, state=VersionState.SUPERSEDED)
    return write_version(
        guideline, replace(newest, published_at=None), state=VersionState.DRAFT, author=by
    )


def write_version(
    guideline: Guideline, filed: FiledVersion, *, state: VersionState, author: User | None = None
) -> GuidelineVersion:
    """A version under its own number, with its whole rubric."""
    version = GuidelineVersion.objects.create(
        guideline=guideline,
        major=filed.major,
        minor=filed.minor,
        state=state,
        text=filed.writing.text,
        examples=[asdict(example) for example in filed.writing.examples],
        what_changed=filed.what_changed,
        author=author,
        published_at=filed.published_at,
    )
    write_dimensions(version, filed.writing.dimensions)
    return version
