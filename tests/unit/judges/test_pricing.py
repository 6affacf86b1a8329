from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from judges.rules.pricing import (
    PriceRow,
    PriceUnknown,
    Usage,
    cost,
    likely_tokens,
    most_tokens,
    reserve,
)

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWN = PriceRow(
    provider="anthropic",
    model="my-model",
    input=Decimal(3),
    output=Decimal(15),
    source="our contract",
    as_of=date(2026, 10, 1),
)


def test_a_known_model_is_priced_from_the_list_with_source_and_date() -> None:
    # 1,000 tokens in at $0.10 and 300 out at $0.50 a million: 0.0001 + 0.00015.
    one = cost(
        Usage(input_tokens=1000, output_tokens=300),
        provider="anthropic",
        model="claude-haiku-5-5",
        at=AT,
    )
    assert one.amount == Decimal("0.00025")
    assert one.source.startswith("genai-prices ")
    assert one.as_of == date(2026, 11, 23)


def test_cached_tokens_have_their_own_prices() -> None:
    # A million each: $0.10 in, $0.01 read, $0.125 written for 5 minutes, $0.20 for an hour;
    # above 100,000 tokens everything costs five times as much, so it is counted in thousands.
    usage = Usage(input_tokens=1000, cache_read=1000, cache_write_5m=1000, cache_write_1h=1000)
    one = cost(usage, provider="anthropic", model="claude-haiku-5-5", at=AT)
    assert one.amount == Decimal("0.000435")


def test_an_unknown_model_is_an_error_and_never_free() -> None:
    with pytest.raises(PriceUnknown, match="No price is known for the model my-model"):
        cost(Usage(input_tokens=1), provider="anthropic", model="my-model", at=AT)


def test_a_reservation_for_an_unknown_model_is_an_error_too() -> None:
    with pytest.raises(PriceUnknown):
        reserve(["x"], max_tokens=10, provider="anthropic", model="my-model", at=AT)


def test_an_own_price_wins_over_the_list() -> None:
    row = PriceRow(
        "anthropic", "claude-haiku-5-5", Decimal(1), Decimal(2), "mine", date(2026, 11, 1)
    )
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    one = cost(usage, provider="anthropic", model="claude-haiku-5-5", at=AT, overrides=[row])
    assert (one.amount, one.source, one.as_of) == (Decimal(3), "mine", date(2026, 11, 1))


def test_the_newest_own_price_counts() -> None:
    newer = PriceRow("anthropic", "my-model", Decimal(4), Decimal(1), "new", date(2026, 11, 2))
    one = cost(
        Usage(input_tokens=1_000_000),
        provider="anthropic",
        model="my-model",
        at=AT,
        overrides=[newer, OWN],
    )
    assert one.amount == Decimal(4)


def test_an_own_price_of_another_provider_does_not_count() -> None:
    with pytest.raises(PriceUnknown):
        cost(Usage(), provider="openai", model="my-model", at=AT, overrides=[OWN])


def test_a_cache_price_that_is_not_given_is_the_input_price() -> None:
    one = cost(
        Usage(cache_read=1_000_000), provider="anthropic", model="my-model", at=AT, overrides=[OWN]
    )
    assert one.amount == Decimal(3)


def test_a_simulated_model_has_the_declared_demo_price() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    one = cost(usage, provider="anthropic", model="sim-plumb-1", at=AT)
    assert (one.amount, one.source) == (Decimal(6), "simulated price list")


@pytest.mark.parametrize("provider", ["baseline", "recorded"])
def test_where_no_model_is_asked_nothing_is_paid(provider: str) -> None:
    one = cost(Usage(), provider=provider, model="", at=AT)
    assert (one.amount, one.source) == (Decimal(0), "no model is asked")


def test_amounts_are_rounded_up_and_never_to_nothing() -> None:
    row = PriceRow("p", "m", Decimal("0.0001"), Decimal(1), "s", date(2026, 1, 1))
    one = cost(Usage(input_tokens=1), provider="p", model="m", at=AT, overrides=[row])
    assert one.amount == Decimal("0.00000001")


@pytest.mark.parametrize("model", ["claude-haiku-5-5", "sim-plumb-1", "my-model"])
def test_a_reservation_is_never_below_what_the_answer_costs(model: str) -> None:
    texts = ["system " * 400, "用户 🙂 question"]
    held = reserve(texts, max_tokens=500, provider="anthropic", model=model, at=AT, overrides=[OWN])
    worst = Usage(cache_write_1h=sum(len(text) for text in texts), output_tokens=500)
    paid = cost(worst, provider="anthropic", model=model, at=AT, overrides=[OWN])
    assert held.amount >= paid.amount


def test_counted_tokens_make_the_reservation_exact() -> None:
    held = reserve(
        [],
        max_tokens=1_000_000,
        provider="anthropic",
        model="my-model",
        at=AT,
        overrides=[OWN],
        input_tokens=1_000_000,
    )
    assert held.amount == Decimal(18)


def test_token_estimates_bracket_plain_english() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 10
    assert likely_tokens([text]) == 113
    assert most_tokens([text]) >= len(text)


def test_all_input_counts_together() -> None:
    assert Usage(1, 2, 3, 4, 5).total_input == 10


def test_of_own_prices_the_newest_that_has_begun_counts() -> None:
    rows = [
        replace(OWN, as_of=date(2026, 11, 1), input=Decimal(4)),
        OWN,
        replace(OWN, as_of=date(2026, 11, 24), input=Decimal(9)),
    ]
    one = cost(
        Usage(input_tokens=1_000_000),
        provider="anthropic",
        model="my-model",
        at=AT,
        overrides=rows,
    )
    assert (one.amount, one.as_of) == (Decimal(4), date(2026, 11, 1))


def test_of_two_own_prices_of_one_day_the_later_one_counts() -> None:
    rows = [OWN, replace(OWN, input=Decimal(7))]
    usage = Usage(input_tokens=1_000_000)
    one = cost(usage, provider="anthropic", model="my-model", at=AT, overrides=rows)
    assert one.amount == Decimal(7)


def test_an_own_price_that_has_not_begun_is_none() -> None:
    rows = [replace(OWN, as_of=date(2026, 12, 1))]
    with pytest.raises(PriceUnknown):
        cost(Usage(input_tokens=1), provider="anthropic", model="my-model", at=AT, overrides=rows)


def test_a_batch_costs_its_share() -> None:
    usage = Usage(input_tokens=1_000_000)
    half = replace(OWN, batch_factor=Decimal("0.5"))
    for rows, amount in (([OWN], Decimal(3)), ([half], Decimal("1.5"))):
        one = cost(
            usage, provider="anthropic", model="my-model", at=AT, overrides=rows, is_batch=True
        )
        assert one.amount == amount
    listed = {"provider": "anthropic", "model": "claude-haiku-5-5", "at": AT}
    small = Usage(input_tokens=1000)
    whole = cost(small, **listed).amount  # type: ignore[arg-type]
    assert cost(small, **listed, is_batch=True).amount == whole / 2  # type: ignore[arg-type]


def test_a_reservation_covers_a_cache_that_is_dearer_to_read_than_the_input() -> None:
    dear = replace(OWN, cache_read=Decimal(100))
    one = reserve(
        (),
        max_tokens=1,
        provider="anthropic",
        model="my-model",
        at=AT,
        overrides=[dear],
        input_tokens=1_000_000,
    )
    assert one.amount > 100
