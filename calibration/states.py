"""States of the calibration room."""

from __future__ import annotations

from enum import StrEnum


class ReportForm(StrEnum):
    """How much of a report a person may read."""

    FULL = "full"
    BRIEF = "brief"
    SHORT = "short"
