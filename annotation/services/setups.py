"""What one project is set up with, taken into a new one: guidelines and people, never data."""

from __future__ import annotations

from django.db import transaction

from accounts import services as accounts
from accounts.models import Project, User
from annotation.models import Guideline, GuidelineVersion
from annotation.services.guidelines import duplicate
from annotation.states import VersionState
from core import audit


@transaction.atomic(durable=True)
def copy_project(*, source: Project, name: str, slug: str, with_people: bool, by: User) -> Project:
    """A new project with the published guidelines of `source`, in force as they are there.

    Versions keep their numbers, dates and authors; drafts stay behind. Who makes it leads and
    administers it; `with_people` lets everybody else in with the roles that they have.
    """
    made = accounts.start_project(name=name, slug=slug, by=by)
    if with_people:
        accounts.copy_members(source=source, target=made, by=by)
    versions = (
        GuidelineVersion.objects.filter(guideline__project=source)
        .exclude(state=VersionState.DRAFT)
        .select_related("guideline")
        .prefetch_related("dimensions")
        .order_by("guideline", "major", "minor")
    )
    copies: dict[int, Guideline] = {}
    for version in versions.iterator(chunk_size=100):
        former = version.guideline
        if former.pk not in copies:
            copies[former.pk] = Guideline.objects.create(
                project=made, name=former.name, form=former.form
            )
        duplicate(version, into=copies[former.pk])
    audit.record(
        actor=by.actor,
        verb="project.copied",
        object_type="project",
        object_id=made.pk,
        project_id=made.pk,
        data={"from": source.slug, "guidelines": len(copies), "with_people": with_people},
    )
    return made
