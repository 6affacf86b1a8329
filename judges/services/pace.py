"""How patient the engine is."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from judges.rules import retrying

LEAST_FORGOTTEN = 600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: `poll` is how soon a batch is looked at again, `lost` how long one is looked for
    whose provider never said that it has it.
    """

    lease: float = 6.0
    timeout: float = 120.0
    farewell: float = 3.0
    most_failures: int = retrying.MAX_TRANSIENT
    poll: float = 5.0
    lost: float = 600.0

    @classmethod
    def of_settings(cls) -> Pace:
        return cls(
            lease=float(settings.RUN_LEASE_SECONDS),
            timeout=float(settings.CALL_TIMEOUT_SECONDS),
            poll=float(settings.BATCH_POLL_SECONDS),
            lost=float(settings.BATCH_LOST_SECONDS),
        )

    @property
    def forgotten(self) -> float:
        """After so long no answer comes to a call of a run that nobody works on."""
        return max(LEAST_FORGOTTEN, 2 * self.timeout)

    @property
    def submitting(self) -> float:
        """How long a piece may take to be sent: over before it could be given up as lost."""
        return min(self.timeout, self.lost / 2)
