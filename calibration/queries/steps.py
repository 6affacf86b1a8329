"""The fourth of a project's five steps: do people agree?"""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from calibration.queries import agreement
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
    found = agreement.kept_alphas(round_, digest=digest)
    if not found:
        number = f"{labels:,}{SPACE}label" + ("" if labels == 1 else "s")
        return _step(slug, number, "see whether people agree", is_done=False)
    settled = [name for name, alpha in found if _is_settled(alpha)]
    return _step(
        slug,
        f"{len(settled)} of {len(found)}",
        _note(found),
        is_done=len(settled) == len(found),
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


def _is_settled(alpha: float | None) -> bool:
    return alpha is not None and alpha >= readings.TENTATIVE


def _note(found: Sequence[tuple[str, float | None]]) -> str:
    """The weakest dimension while one is to be settled, else from where to where alpha goes."""
    defined = sorted((alpha, name) for name, alpha in found if alpha is not None)
    if not defined:
        return "alpha is not defined yet"
    lowest, weakest = defined[0]
    if not _is_settled(lowest):
        return f"{weakest}: settle first"
    if len(defined) == 1:
        return f"alpha {lowest:.2f}"
    return f"alpha {lowest:.2f} to {defined[-1][0]:.2f}"
