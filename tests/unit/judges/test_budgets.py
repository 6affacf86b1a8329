"""How many calls fit into what may be spent, and what is said when the next one does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from judges.rules import budgets
from judges.rules.budgets import Pot, PotKind

ONE = Decimal(1)
NOVEMBER = date(2026, 11, 1)


def pot(
    kind: PotKind = PotKind.RUN, *, limit: str | None = None, spent: str = "0", reserved: str = "0"
) -> Pot:
    month = NOVEMBER if kind is PotKind.MONTH else None
    return Pot(
        kind, None if limit is None else Decimal(limit), Decimal(spent), Decimal(reserved), month
    )


def test_without_a_limit_everything_fits() -> None:
    assert budgets.fit([pot(), pot(PotKind.JUDGE)], [ONE] * 3) == budgets.Fit(3)


def test_what_is_free_fits_into_a_pot_that_is_empty() -> None:
    assert budgets.fit([pot(limit="1", spent="1")], [Decimal(0)] * 2) == budgets.Fit(2)


def test_a_millionth_stays_free() -> None:
    assert budgets.fit([pot(limit="2")], [ONE, ONE]).count == 1
    assert budgets.fit([pot(limit="2.000001")], [ONE, ONE]).count == 2


def test_the_smallest_pot_decides() -> None:
    month = pot(PotKind.MONTH, limit="2.5")
    found = budgets.fit([pot(limit="9"), pot(PotKind.JUDGE, limit="5"), month], [ONE] * 4)
    assert (found.count, found.short, found.is_held) == (2, month, True)


def test_what_is_reserved_only_holds_a_call_up_and_what_is_spent_stops_it() -> None:
    held = budgets.fit([pot(PotKind.MONTH, limit="2", spent="0.5", reserved="1")], [ONE])
    assert (held.count, held.is_held) == (0, True)
    stopped = budgets.fit([pot(PotKind.MONTH, limit="2", spent="1.5")], [ONE])
    assert (stopped.count, stopped.is_held) == (0, False)


def test_a_pot_that_is_spent_is_named_before_one_that_is_held() -> None:
    held = pot(PotKind.JUDGE, limit="2", reserved="2")
    spent = pot(PotKind.MONTH, limit="2", spent="2")
    found = budgets.fit([held, spent], [ONE])
    assert (found.short, found.is_held) == (spent, False)


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (datetime(2026, 11, 30, 23, 59, tzinfo=UTC), NOVEMBER),
        (datetime(2026, 12, 1, 0, 0, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2026, 12, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))), NOVEMBER),
    ],
)
def test_a_month_is_one_of_utc(at: datetime, month: date) -> None:
    assert budgets.month_of(at) == month


def test_after_december_comes_january() -> None:
    assert budgets.next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    assert budgets.next_month(NOVEMBER) == date(2026, 12, 1)


def test_a_pause_names_its_budget_and_what_mends_it() -> None:
    run = budgets.reached(pot(limit="2"))
    assert run.startswith("The run's budget ($2.00) does not reach for the next call. Raise it")
    judge = budgets.reached(pot(PotKind.JUDGE, limit="0.5"), judge="Helpful")
    assert judge.startswith("The budget of the judge Helpful ($0.5000) does not reach")
    month = budgets.reached(pot(PotKind.MONTH, limit="20"))
    assert "The project's budget for November 2026 ($20.00)" in month
    assert "wait until 1 December (UTC)" in month
    assert "resume the run" in month


def test_an_estimate_warns_of_what_may_not_reach() -> None:
    month = pot(PotKind.MONTH, limit="3", spent="1")
    assert budgets.dollars(Decimal(0)) == "$0"
    assert budgets.warning(pot(), likely=ONE, most=Decimal(9)) == ""
    assert budgets.warning(month, likely=ONE, most=Decimal(2)) == ""
    may = budgets.warning(month, likely=ONE, most=Decimal(3))
    assert may.startswith("Of the project's budget for November 2026 $2.00 is left")
    assert "at most: it may pause" in may
    assert "it will pause" in budgets.warning(month, likely=Decimal(4), most=Decimal(9))


def test_nothing_is_left_of_a_limit_that_was_passed() -> None:
    assert pot(limit="1", spent="2").left == 0
    assert pot().left is None
