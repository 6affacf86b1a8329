"""Tokens to money. A model without a price is an error, never zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_UP, Decimal

from core.errors import Invalid

_MILLION = Decimal(1_000_000)
_PLACES = Decimal("0.00000001")
_OVERHEAD_TOKENS = 512
"""What a provider adds around a request: roles, the form of the answer, its own sentences."""

BATCH_FACTOR = Decimal("0.5")
"""What the lists take of the price of a request that goes through a batch."""

NO_MODEL_PROVIDERS = frozenset({"baseline", "recorded"})


class PriceUnknown(Invalid):
    """Nobody has said what this model costs."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer by kind; ``input_tokens`` are those neither written to nor read from a
    cache, ``thinking_tokens`` are contained in ``output_tokens``.
    """

    input_tokens: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0

    @property
    def total_input(self) -> int:
        """All tokens that went in."""
        return self.input_tokens + self.cache_write_5m + self.cache_write_1h + self.cache_read


@dataclass(frozen=True, slots=True)
class PriceRow:
    """Prices in US dollars for a million tokens, with who says so and when.

    A cache price that is not given is the input price. A request that goes through a batch costs
    `batch_factor` of it all.
    """

    provider: str
    model: str
    input: Decimal
    output: Decimal
    source: str
    as_of: date
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    batch_factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount in US dollars with the price's source and date."""

    amount: Decimal
    source: str
    as_of: date


SIMULATED = PriceRow(
    provider="anthropic",
    model="sim-*",
    input=Decimal("1.00"),
    output=Decimal("5.00"),
    cache_read=Decimal("0.10"),
    cache_write_5m=Decimal("1.25"),
    cache_write_1h=Decimal("2.00"),
    batch_factor=BATCH_FACTOR,
    source="simulated price list",
    as_of=date(2026, 11, 1),
)


def cost(
    usage: Usage,
    *,
    provider: str,
    model: str,
    at: datetime,
    overrides: Sequence[PriceRow] = (),
    is_batch: bool = False,
) -> Cost:
    """What an answer cost at a moment (aware). Own price rows in force win over every list.

    Raises ``PriceUnknown`` when no list knows the model.
    """
    if provider in NO_MODEL_PROVIDERS:
        return Cost(Decimal(0), "no model is asked", at.date())
    row = row_in_force(provider, model, overrides, on=at.date())
    if row is not None:
        factor = row.batch_factor if is_batch else Decimal(1)
        return Cost(_rounded(_by_row(usage, row) * factor), row.source, row.as_of)
    listed = _by_list(usage, provider=provider, model=model, at=at)
    factor = BATCH_FACTOR if is_batch else Decimal(1)
    return Cost(_rounded(listed.amount * factor), listed.source, listed.as_of)


def reserve(
    texts: Iterable[str],
    *,
    max_tokens: int,
    provider: str,
    model: str,
    at: datetime,
    overrides: Sequence[PriceRow] = (),
    input_tokens: int | None = None,
    is_batch: bool = False,
) -> Cost:
    """The most that a call can cost: its texts (or their counted tokens) and the longest answer.

    Input counts at the dearest kind, mostly a cache write of one hour. Raises ``PriceUnknown``.
    """
    most = most_tokens(texts) if input_tokens is None else input_tokens
    kinds = (
        Usage(input_tokens=most, output_tokens=max_tokens),
        Usage(cache_write_5m=most, output_tokens=max_tokens),
        Usage(cache_write_1h=most, output_tokens=max_tokens),
        Usage(cache_read=most, output_tokens=max_tokens),
    )
    costs = [
        cost(u, provider=provider, model=model, at=at, overrides=overrides, is_batch=is_batch)
        for u in kinds
    ]
    return max(costs, key=lambda one: one.amount)


def most_tokens(texts: Iterable[str]) -> int:
    """An upper bound: a token of a byte-level vocabulary holds at least one byte."""
    return _OVERHEAD_TOKENS + sum(len(text.encode("utf-8", "replace")) for text in texts)


def likely_tokens(texts: Iterable[str]) -> int:
    """What to expect, for a plan: about one token for every four bytes."""
    return sum(-(-len(text.encode("utf-8", "replace")) // 4) for text in texts)


def row_in_force(
    provider: str, model: str, overrides: Sequence[PriceRow], *, on: date
) -> PriceRow | None:
    """The newest own row for the model that is not of a later day, else the simulated list's.

    Of two rows of one day the later in `overrides` counts: so a mistake is mended.
    """
    own = [
        row
        for row in overrides
        if (row.provider, row.model) == (provider, model) and row.as_of <= on
    ]
    if own:
        return max(reversed(own), key=lambda row: row.as_of)
    return SIMULATED if model.startswith("sim-") else None


def _by_row(usage: Usage, row: PriceRow) -> Decimal:
    def price(value: Decimal | None) -> Decimal:
        return row.input if value is None else value

    total = (
        usage.input_tokens * row.input
        + usage.cache_read * price(row.cache_read)
        + usage.cache_write_5m * price(row.cache_write_5m)
        + usage.cache_write_1h * price(row.cache_write_1h)
        + usage.output_tokens * row.output
    )
    return total / _MILLION


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_PLACES, ROUND_UP)


def _by_list(usage: Usage, *, provider: str, model: str, at: datetime) -> Cost:
    import genai_prices

    written = usage.cache_write_5m + usage.cache_write_1h
    kinds: Mapping[str, int] = {
        "input_tokens": usage.total_input,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": written,
        "cache_write_5m_tokens": usage.cache_write_5m,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "output_tokens": usage.output_tokens,
    }
    try:
        priced = genai_prices.calc_price(
            genai_prices.Usage(**{kind: count for kind, count in kinds.items() if count}),
            model,
            provider_id=provider,
            genai_request_timestamp=at,
        )
    except LookupError:
        raise PriceUnknown(
            "price_unknown",
            f"No price is known for the model {model} at {provider}. "
            "An admin enters it under Prices and budgets; nothing is sent until then.",
        ) from None
    source = f"genai-prices {genai_prices.__version__}"
    return Cost(priced.total_price, source, at.date())
