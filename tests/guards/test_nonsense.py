"""Whatever is sent to whichever address, the answer is one that somebody can read: no crash."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.guards.addresses import BODIES, addresses, own_urls
from tests.guards.walking import Answer, Asker, crashes
from tests.guards.world import World

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.databases,
    pytest.mark.xdist_group("isolation"),
]

FIELD = re.compile(r"""<(?:input|select|textarea)[^>]*\bname=["']([^"']+)["']""")
VALUES = {
    "a NUL": "a\x00b",
    "a number that no row has": "9" * 23,
    "a long text": "x" * 70_000,
}
QUERY = (
    "page", "part", "text", "outcome", "dimension", "before", "after", "day", "verb", "actor",
    "dataset", "version", "cursor", "page_size", "live", "shown", "next", "axis", "item",
    "q", "state", "kind", "sort", "which", "what", "label", "raters", "difficulty", "tag", "case",
    "key",
)  # fmt: skip
PAIR: dict[str, object] = {"input": "q", "response_a": "x", "response_b": "y"}
BODIES_OF_MACHINES: tuple[object, ...] = (
    None,
    [],
    "text",
    {"items": [None]},
    {"items": {"a": 1}},
    {"items": [7, "x", []]},
    {"labels": None},
    {"labels": {"preference": ["A"]}},
    {"labels": {"preference": "a\x00b"}},
    {"labels": {"preference": "A"}, "rationale": "a\x00b", "active_seconds": 1e308},
    PAIR | {"input": "a\x00b"},
    PAIR | {"response_b": {"deep": [[[[1]]]]}},
    PAIR | {"dimensions": [None, 7, "x\x00"]},
    PAIR | {"dimensions": "preference"},
    PAIR | {"id": "x" * 1000, "response_a": 1e300, "input": 2**70},
    PAIR | {"id": 2**70, "cluster": {"a": 1}, "tags": 7, "messages": "x"},
    PAIR | {"messages": [{"role": 7}], "\x00": 1},
    PAIR | {"cost_a": "1e999", "latency_ms_a": -5},
)


def read_with(asker: Asker, world: World, value: str) -> Iterator[Answer]:
    query = "?" + urlencode(dict.fromkeys(QUERY, value))
    for address in addresses():
        if asker.is_machine is address.is_api:
            url = own_urls(address, world.scene.own)[0]
            yield asker.ask(address, "GET", url + query)


def posted_with(asker: Asker, world: World, value: str) -> Iterator[Answer]:
    """Every field of a page holds the value; then each one alone, beside what would be taken."""
    for address in addresses():
        if address.is_api:
            continue
        url = own_urls(address, world.scene.own)[0]
        usual = BODIES.get(address.name, {})
        names = {*fields_of(asker.ask(address, "GET", url)), *usual}
        yield asker.ask(address, "POST", url, body=dict.fromkeys(names, value))
        for name in usual:
            yield asker.ask(address, "POST", url, body=usual | {name: value})


def fields_of(answer: Answer) -> set[str]:
    return set(FIELD.findall(answer.text))


def none_of(problems: list[str]) -> None:
    assert not problems, "\n".join(["", *problems])


def test_the_fields_of_a_form_are_found(world: World) -> None:
    address = next(one for one in addresses() if one.name == "round_new")
    answer = world.asker("ray").ask(address, "GET", own_urls(address, world.scene.own)[0])
    assert {"name", "dataset", "version", "raters", "overlap", "parts"} <= fields_of(answer)


@pytest.mark.parametrize("what", VALUES)
@pytest.mark.parametrize("who", ["ray", "ana"])
def test_no_page_breaks_over(world: World, who: str, what: str) -> None:
    asker = world.asker(who)
    none_of(crashes(posted_with(asker, world, VALUES[what])))
    none_of(crashes(read_with(asker, world, VALUES[what])))


@pytest.mark.parametrize("who", ["judge token", "rate token", "read token"])
def test_no_operation_breaks_over_what_a_machine_sends(world: World, who: str) -> None:
    asker = world.asker(who)
    for value in VALUES.values():
        none_of(crashes(read_with(asker, world, value)))
    for body in BODIES_OF_MACHINES:
        sent = json.dumps(body)
        posts = (
            asker.ask(address, "POST", own_urls(address, world.scene.own)[0], body=sent)
            for address in addresses()
            if address.is_api
        )
        none_of([f"{problem}, sent {sent[:99]}" for problem in crashes(posts)])
