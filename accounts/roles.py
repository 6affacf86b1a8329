"""Roles and what each may do: pure data."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A membership holds a set of these."""

    RATER = "rater"
    LEAD = "lead"
    ADJUDICATOR = "adjudicator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API token may do. `rate` is bound to one rater."""

    READ = "read"
    WRITE = "write"
    RATE = "rate"
    JUDGE = "judge"


STAFF = (Role.LEAD, Role.ADJUDICATOR, Role.ADMIN)
"""Who may read the pages of the project's work (never what is sealed)."""
