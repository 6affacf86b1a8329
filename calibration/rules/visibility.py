"""How much of a calibration report a person may read (docs/statistics.md, the gate)."""

from __future__ import annotations

from calibration.states import ReportForm


def form_of(*, gate: str, is_sealed: bool, is_admin: bool, is_judge_author: bool) -> ReportForm:
    """Open data hides nothing. On a sealed set:

    a look that did not pass gives everybody the short form (decision, overall count, names of
    the failed checks); after a pass admins who authored no version in the project read the
    whole aggregate report, all others decision, estimate, interval and checks.
    """
    if not is_sealed:
        return ReportForm.FULL
    if gate != "pass":
        return ReportForm.SHORT
    return ReportForm.FULL if is_admin and not is_judge_author else ReportForm.BRIEF
