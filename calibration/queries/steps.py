"""The fourth of a project's five steps: do people agree?"""

from __future__ import annotations

from django.urls import reverse

from calibration.queries import agreement
from calibration.queries.agreement import DimensionAgreement
from calibration.rules import readings
from core.registry import Step

NOTHING = "–"
SPACE = "\N{NO-BREAK SPACE}"


def agree(project_id: int, slug: str) -> Step:
    """Dimensions that are tentative or better, of how many; from kept figures alone.

    A page that only shows the steps must not wait for resampling: until somebody opens the
    agreement page this says how many labels there are to look at.
    """
    round_ = agreement.newest(project_id=project_id)
    if round_ is None:
        return _step(slug, NOTHING, "needs two ratings an item", is_done=False)
    counted = agreement.counted_soon(round_)
    if counted is None:
        return _step(slug, NOTHING, "is being counted", is_done=False)
    digest, labels = counted
    found = agreement.kept(round_, digest=digest)
    if found is None or not found.dimensions:
        number = f"{labels:,}{SPACE}label" + ("" if labels == 1 else "s")
        return _step(slug, number, "see whether people agree", is_done=False)
    settled = [one for one in found.dimensions if _is_settled(one)]
    return _step(
        slug,
        f"{len(settled)} of {len(found.dimensions)}",
        _note(found.dimensions),
        is_done=len(settled) == len(found.dimensions),
    )


def _step(slug: str, number: str, note: str, *, is_done: bool) -> Step:
    return Step(
        key="agree",
        title="Agree",
        url=reverse("agreement", args=[slug]),
        number=number,
        note=note,
        is_done=is_done,
    )


def _is_settled(one: DimensionAgreement) -> bool:
    value = one.summary["alpha"]["value"]
    return value is not None and value >= readings.TENTATIVE


def _note(dimensions: tuple[DimensionAgreement, ...]) -> str:
    """The weakest dimension while one is to be settled, else from where to where alpha goes."""
    defined = [one for one in dimensions if one.summary["alpha"]["value"] is not None]
    if not defined:
        return "alpha is not defined yet"
    weakest = min(defined, key=lambda one: one.summary["alpha"]["value"])
    if not _is_settled(weakest):
        return f"{weakest.name}: settle first"
    values = sorted(one.summary["alpha"]["value"] for one in defined)
    if len(values) == 1:
        return f"alpha {values[0]:.2f}"
    return f"alpha {values[0]:.2f} to {values[-1]:.2f}"
