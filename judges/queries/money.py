"""What may be spent and what models cost, as services and pages read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from accounts.models import Project
from judges.models import Attempt, Judge, OwnPrice, Purse
from judges.rules import budgets, pricing
from judges.rules.budgets import Pot, PotKind
from judges.rules.pricing import PriceRow
from judges.rules.spec import VersionSpec

NOTHING = Decimal(0)


def own_prices(project_id: int, spec: VersionSpec) -> tuple[PriceRow, ...]:
    """What the project says that the version's model costs, in the order in which it was said."""
    rows = OwnPrice.objects.filter(project=project_id, provider=spec.provider, model=spec.model)
    return tuple(price_row(row) for row in rows.order_by("pk"))


def price_row(row: OwnPrice) -> PriceRow:
    return PriceRow(
        provider=row.provider,
        model=row.model,
        input=row.input,
        output=row.output,
        source=row.source,
        as_of=row.as_of,
        cache_read=row.cache_read,
        cache_write_5m=row.cache_write_5m,
        cache_write_1h=row.cache_write_1h,
        batch_factor=row.batch_factor,
    )


def prices_of(project: Project) -> QuerySet[OwnPrice]:
    """Every own price of the project, by model, the one of the latest day first."""
    rows = OwnPrice.objects.filter(project=project).select_related("author")
    return rows.order_by("provider", "model", "-as_of", "-pk")


def prices_in_force(project: Project, rows: Sequence[OwnPrice], *, on: date) -> set[int]:
    """Which of the rows count on a day, by primary key: one a model."""
    names = {(row.provider, row.model) for row in rows}
    found: set[int] = set()
    for provider, model in names:
        newest = (
            OwnPrice.objects.filter(project=project, provider=provider, model=model, as_of__lte=on)
            .order_by("-as_of", "-pk")
            .values_list("pk", flat=True)
            .first()
        )
        found |= {newest} if newest is not None else set()
    return found


# What may be spent --------------------------------------------------------------------------------


def pot_of(purse: Purse) -> Pot:
    kind = PotKind.MONTH if purse.month else PotKind.JUDGE
    return Pot(kind, purse.limit, purse.spent, purse.reserved, purse.month)


def carried_limit(project_id: int, month: date) -> Decimal | None:
    """What a month begins with that has no purse yet: the month before it, as a person set it."""
    earlier = Purse.objects.filter(project=project_id, month__lt=month).order_by("-month")
    return earlier.values_list("set_to", flat=True).first()


def month_purse(project: Project, *, now: datetime) -> Purse:
    """The project's purse of this month; one that is not kept yet is made up."""
    month = budgets.month_of(now)
    kept = Purse.objects.filter(project=project, month=month).first()
    if kept is not None:
        return kept
    limit = carried_limit(project.pk, month)
    return Purse(project=project, month=month, limit=limit, set_to=limit)


def judge_purse(judge: Judge) -> Purse:
    """The judge's purse, in all; one that is not kept yet is made up."""
    kept = Purse.objects.filter(judge=judge).first()
    return kept or Purse(project_id=judge.project_id, judge=judge)


def pots_for(judge: Judge, *, now: datetime) -> list[Pot]:
    """What a run of the judge is paid from beside its own budget."""
    return [pot_of(judge_purse(judge)), pot_of(month_purse(judge.project, now=now))]


@dataclass(frozen=True, slots=True)
class JudgePurse:
    """A judge with what it may spend in all, and what it spent this month."""

    judge: Judge
    pot: Pot
    this_month: Decimal


def judges_by_name(project: Project) -> QuerySet[Judge]:
    """Every judge of the project, for a list."""
    return Judge.objects.filter(project=project).order_by("name", "pk")


def judge_purses(judges: Sequence[Judge], *, now: datetime) -> list[JudgePurse]:
    """The purses of these judges, two queries for all of them."""
    kept = {purse.judge_id: purse for purse in Purse.objects.filter(judge__in=judges)}
    since = datetime.combine(budgets.month_of(now), time(), UTC)
    spent: dict[int, Any] = dict(
        Attempt.objects.filter(call__run__version__judge__in=judges, sent_at__gte=since)
        .values_list("call__run__version__judge")
        .annotate(spent=Sum("cost"))
    )
    return [
        JudgePurse(
            judge,
            pot_of(kept.get(judge.pk) or Purse(judge=judge)),
            spent.get(judge.pk) or NOTHING,
        )
        for judge in judges
    ]


def asks_simulated_judges(project: Project) -> bool:
    """Whether what is spent can be made up."""
    return project.judges.filter(versions__is_simulated=True).exists()


def unpriced_models(project: Project, *, now: datetime) -> list[tuple[str, str]]:
    """Providers and models of the project's versions that nobody has said the price of."""
    named = (
        project.judges.exclude(versions__spec__model=None)
        .order_by("versions__spec__provider", "versions__spec__model")
        .values_list("versions__spec__provider", "versions__spec__model")
        .distinct()
    )
    return [
        (str(provider), str(model))
        for provider, model in named
        if provider and model and not _is_priced(project, provider, model, now=now)
    ]


def _is_priced(project: Project, provider: str, model: str, *, now: datetime) -> bool:
    own = OwnPrice.objects.filter(project=project, provider=provider, model=model)
    try:
        pricing.cost(
            pricing.Usage(input_tokens=1),
            provider=provider,
            model=model,
            at=now,
            overrides=[price_row(row) for row in own.order_by("pk")],
        )
    except pricing.PriceUnknown:
        return False
    return True
