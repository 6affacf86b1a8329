from __future__ import annotations

import asyncio

import pytest

from core.errors import Invalid
from judges.providers.base import Provider, ProviderRequest
from judges.providers.baselines import (
    AlwaysLabel,
    LongerResponse,
    longer_response,
    majority_label,
)
from judges.rules import prompting
from judges.rules.pricing import Usage
from judges.rules.spec import ItemView, Order, VersionSpec
from judges.rules.verdicts import CallVerdict, Combined, combine, parse
from tests.unit.judges.builders import KEY, make_pair, make_single, make_version

PAIR = make_version("pair", kind="baseline", provider="baseline")
SINGLE = make_version("single", kind="baseline", provider="baseline")


def asked(provider: Provider, version: VersionSpec, item: ItemView) -> dict[str, Combined]:
    """The label that a provider's answers to all calls of an item combine to."""

    async def one(order: Order, sample: int) -> CallVerdict:
        rendered = prompting.render(version, item, order=order, sample=sample, fence_key=KEY)
        reply = await provider.ask(
            ProviderRequest(rendered, timeout_seconds=1.0, item=item, order=order)
        )
        assert reply.usage == Usage()
        parsed = parse(reply.text, reply.stop_reason, version)
        return CallVerdict(order, sample, parsed.outcome, parsed.labels)

    async def all_calls() -> list[CallVerdict]:
        verdicts = [await one(*call) for call in prompting.calls_for(version)]
        await provider.aclose()
        return verdicts

    return combine(asyncio.run(all_calls()), version)


@pytest.mark.parametrize(
    ("first", "second", "label"),
    [("long one", "short", "A"), ("a", "bb", "B"), ("aa", "bb", "tie")],
)
def test_the_longer_response_wins_whatever_the_order(first: str, second: str, label: str) -> None:
    item = make_pair(response_a=first, response_b=second)
    assert longer_response(item) == label
    combined = asked(LongerResponse(), PAIR, item)["preference"]
    assert (combined.label, combined.consistent) == (label, True)


def test_a_single_response_has_no_longer_one() -> None:
    with pytest.raises(Invalid, match="pairs only"):
        asked(LongerResponse(), SINGLE, make_single())


def test_the_same_label_comes_whatever_the_item_and_the_order() -> None:
    combined = asked(AlwaysLabel({"preference": "B"}), PAIR, make_pair())["preference"]
    assert (combined.label, combined.consistent) == ("B", True)


def test_the_same_score_comes_as_the_number_of_the_scale() -> None:
    assert asked(AlwaysLabel({"accuracy": "4"}), SINGLE, make_single())["accuracy"].label == "4"


def test_the_majority_label_is_the_commonest() -> None:
    assert majority_label(["b", "a", "b"]) == "b"
    assert majority_label(["b", "a"]) == "a"


def test_without_labels_there_is_no_majority() -> None:
    with pytest.raises(Invalid, match="no label yet"):
        majority_label([])
