"""Signatures: one way to write a content, true or not, and the key that is never in the file."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from core import signing
from core.errors import NotReady
from core.signing import Checked, PublicKey

CONTENT = {"kind": "approve", "n": 3, "share": 0.85, "reason": "Grüße – 判断", "none": None}


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.CERTIFICATE_KEY = b""
    return tmp_path


def file_of(document: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(document | changes, indent=2).encode()


def test_what_was_signed_is_true_whatever_its_spaces() -> None:
    document = signing.signed(CONTENT)
    assert signing.check(signing.read(file_of(document)), [signing.public_key()]) is Checked.TRUE


def test_the_same_content_has_the_same_signature() -> None:
    assert signing.signed(CONTENT) == signing.signed(dict(reversed(CONTENT.items())))


@pytest.mark.parametrize(
    "changes",
    [
        {"certificate": CONTENT | {"n": 4}},
        {"certificate": CONTENT | {"more": 1}},
        {"certificate": {}},
        {"certificate": []},
        {"more": 1},
    ],
)
def test_a_changed_document_is_found(changes: dict[str, Any]) -> None:
    text = file_of(signing.signed(CONTENT), **changes)
    assert signing.check(signing.read(text), [signing.public_key()]) is Checked.CHANGED


@pytest.mark.parametrize("name", ["algorithm", "value"])
def test_a_changed_signature_is_found(name: str) -> None:
    document = signing.signed(CONTENT)
    document["signature"][name] = "none"
    assert signing.check(document, [signing.public_key()]) is Checked.CHANGED


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"certificate": {"a": NaN}}',
        b'{"certificate": {"n": 1, "n": 2}}',
        b'{"certificate": {"n": 1' + b"0" * 5000 + b"}}",
    ],
)
def test_what_is_no_document_is_no_certificate(text: bytes) -> None:
    assert signing.check(signing.read(text), [signing.public_key()]) is Checked.CHANGED


def test_half_of_a_surrogate_pair_is_no_certificate() -> None:
    document = signing.signed(CONTENT)
    text = file_of(document, certificate=CONTENT | {"reason": "\ud800"})
    assert signing.check(signing.read(text), [signing.public_key()]) is Checked.CHANGED


def test_a_name_that_stands_there_twice_is_not_read() -> None:
    text = file_of(signing.signed(CONTENT)).replace(b'"n": 3', b'"n": 9, "n": 3')
    assert signing.check(signing.read(text), [signing.public_key()]) is Checked.CHANGED


def test_another_houses_key_is_unknown_here(settings: Settings) -> None:
    document = signing.signed(CONTENT)
    ours = signing.public_key()
    settings.CERTIFICATE_KEY = b"7" * 32
    assert signing.check(document, [signing.public_key()]) is Checked.UNKNOWN_KEY
    assert signing.check(document, [signing.public_key(), ours]) is Checked.TRUE


def test_a_forger_who_names_our_key_is_found(settings: Settings) -> None:
    ours = signing.public_key()
    settings.CERTIFICATE_KEY = b"7" * 32
    forged = signing.signed(CONTENT)
    forged["signature"]["key"] = ours.name
    assert signing.check(forged, [ours]) is Checked.CHANGED


def test_the_key_is_made_once_and_for_its_owner_alone(folder: Path) -> None:
    assert signing.known_key() is None
    first = signing.public_key()
    assert signing.known_key() == first == signing.public_key()
    assert (folder / "certificate_key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["certificate_key"]


def test_many_who_sign_at_once_make_one_key() -> None:
    found: list[PublicKey] = []
    threads = [threading.Thread(target=lambda: found.append(signing.public_key())) for _ in "12345"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 5
    assert len(set(found)) == 1


def test_a_damaged_key_is_named_and_not_replaced(folder: Path) -> None:
    (folder / "certificate_key").write_text("short")
    with pytest.raises(NotReady, match="certificate_key in the data folder"):
        signing.signed(CONTENT)
    assert (folder / "certificate_key").read_text() == "short"


@pytest.mark.parametrize("text", ["", "AAAA", "not base64 at all", "Ä" * 44])
def test_what_is_no_public_key_is_none(text: str) -> None:
    assert signing.public_key_of(text) is None


def test_a_public_key_is_read_as_it_is_written() -> None:
    key = signing.public_key()
    assert signing.public_key_of(f" {key.text}\n") == key
