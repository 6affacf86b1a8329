"""The people of the demo. They exist only where PLUMBLINE_DEMO is set, and everybody knows
their password: a house with real work in it has neither."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.roles import Role

DEMO_PASSWORD = "plumbline"  # noqa: S105 - shown on the demo's own sign-in page


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """An account that the demo makes, and what it is there for."""

    username: str
    name: str
    roles: tuple[Role, ...]
    password: str = DEMO_PASSWORD

    @property
    def role(self) -> str:
        return ", ".join(role.value for role in self.roles)


DEMO_PEOPLE = (
    DemoPerson("lea", "Lea", (Role.LEAD,)),
    DemoPerson("ana", "Ana", (Role.RATER,)),
    DemoPerson("ben", "Ben", (Role.RATER,)),
    DemoPerson("cem", "Cem", (Role.RATER,)),
    DemoPerson("ada", "Ada", (Role.ADMIN,)),
    DemoPerson("noor", "Noor", (Role.ADJUDICATOR,)),
)
