"""How many calls fit into what may be spent, and what is said when the next one does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

SPARE = Decimal("0.000001")
"""Stays free in every limit: SQLite compares amounts as floating-point numbers."""

WHERE = "Prices and budgets"
_SHORT = " does not reach for the next call."


class PotKind(StrEnum):
    """What a limit is of."""

    RUN = "run"
    JUDGE = "judge"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Pot:
    """Money that calls are paid from, in US dollars; without a limit it never runs out.

    `month` is the first day of the month (UTC) of a pot of that kind.
    """

    kind: PotKind
    limit: Decimal | None
    spent: Decimal
    reserved: Decimal
    month: date | None = None

    @property
    def left(self) -> Decimal | None:
        """What can still be reserved; None without a limit, never below 0."""
        if self.limit is None:
            return None
        return max(self.limit - self.spent - self.reserved, Decimal(0))

    def holds(self, amount: Decimal) -> bool:
        """Whether so much more can be reserved now."""
        return self.limit is None or self.limit - self.spent - self.reserved - SPARE >= amount

    def could_hold(self, amount: Decimal) -> bool:
        """Whether it would if nothing were reserved."""
        return self.limit is None or self.limit - self.spent - SPARE >= amount


@dataclass(frozen=True, slots=True)
class Fit:
    """The first `count` amounts fit into every pot; the next one does not fit into `short`.

    `is_held`: it would, if no reservation were under way, so that waiting can help.
    """

    count: int
    short: Pot | None = None
    is_held: bool = False


def fit(pots: Sequence[Pot], amounts: Sequence[Decimal]) -> Fit:
    """How many of the amounts (US dollars, in order) fit into all pots; free ones always do."""
    if not any(amounts):
        return Fit(len(amounts))
    total = Decimal(0)
    for count, amount in enumerate(amounts):
        total += amount
        short = [pot for pot in pots if not pot.holds(total)]
        if short:
            spent_up = [pot for pot in short if not pot.could_hold(amount)]
            return Fit(count, (spent_up or short)[0], is_held=not spent_up)
    return Fit(len(amounts))


def month_of(at: datetime) -> date:
    """The first day of the calendar month (UTC) that a moment (aware) belongs to."""
    return at.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def named(pot: Pot, *, judge: str = "") -> str:
    """`the run's budget`, `the budget of the judge X`, `the project's budget for May 2026`."""
    if pot.kind is PotKind.JUDGE:
        return f"the budget of the judge {judge}"
    if pot.month is not None:
        return f"the project's budget for {pot.month:%B %Y}"
    return "the run's budget"


def reached(pot: Pot, *, judge: str = "") -> str:
    """Why a run pauses, who can mend it, and that it goes on where it stopped."""
    name = named(pot, judge=judge)
    said = f"T{name[1:]} ({dollars(pot.limit or Decimal(0))}){_SHORT}"
    return f"{said} {_mended(pot)}"


def short_of(reason: str) -> str:
    """Which budget a run paused for, with its amount; "" for any other reason."""
    name, short, _ = reason.partition(_SHORT)
    return name if short else ""


def _mended(pot: Pot) -> str:
    if pot.kind is PotKind.JUDGE:
        return f"A lead raises it under {WHERE}; then resume the run: it goes on where it stopped."
    if pot.month is not None:
        begins = next_month(pot.month)
        return (
            f"An admin raises it under {WHERE}, or you wait until {begins.day} {begins:%B} (UTC); "
            "then resume the run: it goes on where it stopped."
        )
    return "Raise it, or cancel what is left; the run goes on where it stopped."


def warning(pot: Pot, *, likely: Decimal, most: Decimal, judge: str = "") -> str:
    """What an estimate says of a pot that may not reach, or nothing."""
    left = pot.left
    if left is None or most <= left:
        return ""
    said = f"Of {named(pot, judge=judge)} {dollars(left)} is left"
    if likely > left:
        return f"{said}, less than the run is likely to cost: it will pause when that is reached."
    return f"{said}, less than the run costs at most: it may pause when that is reached."


def dollars(amount: Decimal) -> str:
    """`$1.94`, `$0.0128`, `$0`."""
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"
