"""What is new in a guideline since a rater last rated by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.models import Assignment, GuidelineVersion
from annotation.states import AssignmentState, VersionState


@dataclass(frozen=True, slots=True)
class News:
    """The versions between a rater's last item and the one in force now, oldest first."""

    since: GuidelineVersion
    now: GuidelineVersion
    versions: Sequence[GuidelineVersion]

    @property
    def is_major(self) -> bool:
        return self.since.major != self.now.major


def news(
    version: GuidelineVersion, *, last: Assignment | None, assignment: Assignment, rater_id: int
) -> News | None:
    """What the rater of `assignment` has to learn; None when nothing is new to them.

    `last` is their answer before it in the same round. A rater who is new to the round may know
    the guideline from another one; only then, and after a new version, does this ask the database.
    """
    if assignment.state == AssignmentState.SUBMITTED:
        return None
    if last is not None and last.guideline_version_id == version.pk:
        return None
    since = _last_rated_by(version, rater_id=rater_id)
    if since is None or (since.major, since.minor) >= (version.major, version.minor):
        return None
    published = version.guideline.versions.exclude(state=VersionState.DRAFT)
    between = [
        one
        for one in published.order_by("major", "minor")
        if (since.major, since.minor) < (one.major, one.minor) <= (version.major, version.minor)
    ]
    return News(since, version, [one for one in between if one.what_changed] or [version])


def _last_rated_by(version: GuidelineVersion, *, rater_id: int) -> GuidelineVersion | None:
    """The version of this guideline by which the rater answered last, in any round."""
    answer = (
        Assignment.objects.filter(
            rater=rater_id,
            state=AssignmentState.SUBMITTED,
            guideline_version__guideline=version.guideline_id,
        )
        .select_related("guideline_version")
        .order_by("-submitted_at", "-pk")
        .first()
    )
    return answer.guideline_version if answer else None
