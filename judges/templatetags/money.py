"""Amounts and times as the judges' pages write them."""

from __future__ import annotations

from decimal import Decimal

from django import template

from judges.rules import budgets

register = template.Library()

NONE = "–"
SPACE = "\N{NO-BREAK SPACE}"


@register.filter
def dollars(amount: Decimal | None) -> str:
    """`$1.94`, `$0.0128`, `$0`; a dash when there is none."""
    return NONE if amount is None else budgets.dollars(amount)


@register.filter
def lasting(seconds: float | None) -> str:
    """`0.2 s`, `21 s`, `4 min`, `2.5 h`; a dash when unknown."""
    if seconds is None:
        return NONE
    if seconds < 10:
        return f"{seconds:.1f}{SPACE}s"
    if seconds < 120:
        return f"{seconds:.0f}{SPACE}s"
    if seconds < 7200:
        return f"{seconds / 60:.0f}{SPACE}min"
    return f"{seconds / 3600:.1f}{SPACE}h"


@register.filter
def answered_in(milliseconds: float | None) -> str:
    """A latency: `210 ms` or `2.1 s`."""
    if milliseconds is None:
        return NONE
    if milliseconds < 1000:
        return f"{milliseconds:.0f}{SPACE}ms"
    return f"{milliseconds / 1000:.1f}{SPACE}s"
