"""Personal data: what is found, what only looks like it, and what stands in its place."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from annotation.rules import personal
from annotation.rules.itemrows import ItemDraft, Message, ResponseDraft
from annotation.rules.personal import Masker, Personal, check_region, find, looked_through
from core.errors import Invalid


def kinds(text: str, region: str = "") -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in find(text, region=region)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to ana.b+c@mail.example.org.", "ana.b+c@mail.example.org"),
        ("<müller@bücher.example>", "müller@bücher.example"),
        ("mailto:x_y@a-b.co.uk?subject", "x_y@a-b.co.uk"),
    ],
)
def test_an_e_mail_address_is_found(text: str, found: str) -> None:
    assert kinds(text) == [(found, "email")]


@pytest.mark.parametrize(
    "number",
    [
        "4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "5500005555555559",
        "2223003122003222", "3782 822463 10005", "378282246310005", "6011111111111117",
        "30569309025904", "3530111333300000",
    ],
)  # fmt: skip
def test_a_payment_card_is_found(number: str) -> None:
    assert kinds(f"My card is {number}, thanks") == [(number, "card")]


@pytest.mark.parametrize(
    "number",
    [
        "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947", "nl91abna0417164300", "CH93-0076-2011-6238-5295-7",
    ],
)  # fmt: skip
def test_a_bank_account_is_found(number: str) -> None:
    assert kinds(f"IBAN {number} AND then more") == [(number, "account")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("account number: 1234 5678 90", "1234 5678 90"),
        ("Kontonummer 532013000.", "532013000"),
        ("sort code 20-00-00", "20-00-00"),
    ],
)
def test_an_account_is_found_by_the_words_before_it(text: str, found: str) -> None:
    assert kinds(text) == [(found, "account")]


@pytest.mark.parametrize(
    "address",
    [
        "192.168.0.17", "8.8.8.8", "2001:db8:85a3::8a2e:370:7334", "fe80::1ff:fe23:4567:890a",
        "::ffff:192.0.2.128", "00:1A:2b:3C:4d:5E", "00-1A-2B-3C-4D-5E",
    ],
)  # fmt: skip
def test_an_address_of_a_machine_is_found(address: str) -> None:
    assert kinds(f"from ({address}), at noon") == [(address, "machine")]


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+49 30 901820", ""), ("+1 650-253-0000", ""), ("+81 3-6384-9000", ""),
        ("+55 11 2395-8400", ""), ("(650) 253-0000", "US"), ("030 901820", "DE"),
        ("020 7031 3000", "GB"), ("01 42 68 53 00", "FR"),
    ],
)  # fmt: skip
def test_a_phone_number_is_found(number: str, region: str) -> None:
    assert kinds(f"Reach me under {number} please", region) == [(number, "phone")]


@pytest.mark.parametrize(
    "text",
    [
        "We use version 1.2.3.4 and v10.0.0.1",
        "127.0.0.1 and ::1 and 0.0.0.0 are this machine",
        "ISBN 978-3-16-148410-0",
        "on 2026-11-26 at 12:30:45, or 26.11.2026",
        "It costs 1,234,567.89 or 1.234.567,89",
        "order 4711123499128845, ticket 2026112612304500",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "colour #1a2b3c and #aabbcc",
        "x = items[1::2]; std::vector<int>; a::b; dead::beef",
        "3.14159265358979323846264338",
        "1234567890123456",
        "the range 10-20-30 and 100 200 300",
        "twitter @somebody and me@home",
        "https://example.org/a/12345678901234/b",
        "DE00 1234 5678 9012 3456 78",
        "call it 4 times, text 12 people",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert kinds(text, "US") == []


def test_bare_digits_are_a_phone_number_only_after_a_word_that_says_so() -> None:
    assert kinds("order 6502530000", "US") == []
    assert kinds("my phone is 6502530000", "US") == [("6502530000", "phone")]


def test_the_same_value_has_the_same_placeholder_in_one_item() -> None:
    masker = Masker()
    assert (
        masker.masked("a@x.org wrote to b@x.org, A@X.org.", "input")
        == "[e-mail 1] wrote to [e-mail 2], [e-mail 1]."
    )
    assert masker.masked("Call +49 30 901820 or a@x.org", "response") == (
        "Call [phone number 1] or [e-mail 1]"
    )


def a_draft(**more: Any) -> ItemDraft:
    plain = ItemDraft(
        row=1,
        external_id="i1",
        kind="single",
        input="I am a@x.org",
        responses=(ResponseDraft("Hello a@x.org", "alpha"),),
        prompt_key="p",
        cluster_key="p",
        messages=(Message("user", "from 8.8.8.8"),),
        extra={"customer": {"mail": ["a@x.org"]}, "age": 7},
    )
    return replace(plain, **more)


def test_every_text_of_an_item_is_masked() -> None:
    report = Personal(is_masked=True)
    clean = looked_through(a_draft(), report)
    assert clean.input == "I am [e-mail 1]"
    assert clean.responses[0] == ResponseDraft("Hello [e-mail 1]", "alpha")
    assert clean.messages == (Message("user", "from [machine address 1]"),)
    assert clean.extra == {"customer": {"mail": ["[e-mail 1]"]}, "age": 7}
    assert report.found == {"email": 3, "machine": 1}
    assert (report.items, report.touched) == ({"email": 1, "machine": 1}, 1)


def test_a_report_changes_nothing_and_never_names_a_value() -> None:
    report = Personal()
    draft = a_draft(external_id="bob@x.org")
    assert looked_through(draft, report) is draft
    assert report.found["email"] == 4
    told = json.dumps(report.as_dict())
    assert "x.org" not in told
    assert "8.8.8.8" not in told


def test_a_text_without_any_stays_the_very_same_item() -> None:
    draft = a_draft(input="Why?", responses=(), messages=(), extra={})
    assert looked_through(draft, Personal(is_masked=True)) is draft


def test_a_region_is_two_letters_that_exist() -> None:
    assert check_region(" de ") == "DE"
    assert check_region("") == ""
    with pytest.raises(Invalid, match="two letters"):
        check_region("Germany")


def test_no_pattern_that_searches_a_text_has_a_repeat_without_a_bound() -> None:
    """What is bounded and begins only where a run begins cannot take longer than the text."""
    searched = ("_EMAIL", "_CARD", "_IBAN", "_ACCOUNT", "_IPV4", "_IPV6", "_MAC")
    assert not [name for name in searched if is_unbounded(getattr(personal, name).pattern)]
    assert is_unbounded(r"(?:a+b)?")


def is_unbounded(pattern: str) -> bool:
    """Whether a pattern holds `*`, `+` or `{n,}` at any depth."""
    parse = vars(re)["_parser"].parse
    return "MAXREPEAT" in repr(parse(pattern))
