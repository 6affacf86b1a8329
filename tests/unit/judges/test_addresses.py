from __future__ import annotations

import pytest

from core.errors import Invalid
from judges.rules.addresses import checked


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("https://api.anthropic.com/", "https://api.anthropic.com"),
        ("  HTTP://LocalHost:11434 ", "http://localhost:11434"),
        ("http://[::1]:8000/llm/", "http://[::1]:8000/llm"),
        ("https://gate.example/Team/a", "https://gate.example/Team/a"),
    ],
)
def test_an_address_has_one_spelling(written: str, spelt: str) -> None:
    assert checked(written) == spelt
    assert checked(spelt) == spelt


@pytest.mark.parametrize(
    "written",
    [
        "",
        "api.anthropic.com",
        "ftp://x.example",
        "https://",
        "https://user@x.example",
        "https://:word@x.example",
        "https://x.example?to=y",
        "https://x.example/#y",
        "https://x.example/a b",
        "https://x.example\\@y.example",
        "https://exämple.example",
        "http://[::1",
        "http://x.example:99999",
        "https://x.example/" + "a" * 300,
    ],
)
def test_what_is_no_plain_address_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match="no base URL") as refusal:
        checked(written)
    assert "base_url" in refusal.value.fields
