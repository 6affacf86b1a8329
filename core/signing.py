"""Signatures of this house: Ed25519 over canonical JSON.

The private key is 32 bytes from the environment, or a file of the data folder that is made once,
when something is signed for the first time. Checking reads no database and makes no key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from core.errors import NotReady

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"
KEY_BYTES = 32
KEY_FILE = "certificate_key"
# What is signed begins with this, so that a signature is never taken for one of another kind.
_PURPOSE = b"plumbline certificate, first form\n"


class Checked(Enum):
    """What a check finds."""

    TRUE = "true"
    CHANGED = "changed"
    UNKNOWN_KEY = "unknown key"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a signature is checked with: 32 bytes."""

    raw: bytes

    @property
    def text(self) -> str:
        """The key as people pass it on: base64."""
        return base64.b64encode(self.raw).decode("ascii")

    @property
    def name(self) -> str:
        """A short name, by which a file says which key it was signed with; it proves nothing."""
        return hashlib.sha256(self.raw).hexdigest()[:16]


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one way to write this content: sorted keys, no spaces, UTF-8. Raises ValueError."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def signed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its signature beside it; the same content has the same signature."""
    private = _private_key()
    key = PublicKey(private.public_key().public_bytes_raw())
    value = base64.b64encode(private.sign(_PURPOSE + canonical(content))).decode("ascii")
    return {
        "certificate": dict(content),
        "signature": {"algorithm": ALGORITHM, "key": key.name, "value": value},
    }


def check(document: object, trusted: Iterable[PublicKey]) -> Checked:
    """Whether one of the trusted keys signed exactly this content.

    What a document says about its key only tells a changed document from one of another house.
    """
    keys = list(trusted)
    parts = _parts(document)
    if parts is None:
        return Checked.CHANGED
    content, named, value = parts
    try:
        message = _PURPOSE + canonical(content)
    except (ValueError, RecursionError):
        return Checked.CHANGED
    if any(_is_signed(message, value, key) for key in keys):
        return Checked.TRUE
    return Checked.CHANGED if named in {key.name for key in keys} else Checked.UNKNOWN_KEY


def read(text: bytes) -> object:
    """A document as it was written; None where it is no JSON or says one thing twice."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def public_key() -> PublicKey:
    """The key to check this house's signatures with; made with the private one where none is."""
    return PublicKey(_private_key().public_key().public_bytes_raw())


def known_key() -> PublicKey | None:
    """The same, without making one."""
    if not settings.CERTIFICATE_KEY and not _file().exists():
        return None
    return public_key()


def public_key_of(text: str) -> PublicKey | None:
    """A public key in base64, as it stands on the page; None where it is none."""
    raw = _decoded(text.strip())
    return PublicKey(raw) if raw is not None and len(raw) == KEY_BYTES else None


def _parts(document: object) -> tuple[Mapping[str, Any], str, bytes] | None:
    """Content, the name of the key, the signature; None for any other shape."""
    if not isinstance(document, dict) or document.keys() != {"certificate", "signature"}:
        return None
    content, signature = document["certificate"], document["signature"]
    if not isinstance(content, dict) or not isinstance(signature, dict):
        return None
    if signature.keys() != {"algorithm", "key", "value"} or signature["algorithm"] != ALGORITHM:
        return None
    if not isinstance(signature["key"], str) or not isinstance(signature["value"], str):
        return None
    value = _decoded(signature["value"])
    return None if value is None else (content, signature["key"], value)


def _is_signed(message: bytes, value: bytes, key: PublicKey) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(value, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _private_key() -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    raw = settings.CERTIFICATE_KEY or _from_file()
    return Ed25519PrivateKey.from_private_bytes(raw)


def _from_file() -> bytes:
    file = _file()
    if not file.exists():
        _make(file)
    raw = _decoded(file.read_text(encoding="ascii", errors="replace").strip())
    if raw is None or len(raw) != KEY_BYTES:
        raise NotReady(
            "certificate_key_unreadable",
            f"The key that signs certificates, {KEY_FILE} in the data folder, is damaged. Put "
            "back a copy of it, or remove it: then a new one is made, and earlier certificates "
            "are checked with the public key of then.",
        )
    return raw


def _make(file: Path) -> None:
    """Two processes may sign at once: whoever links the file first wins, both read that one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    try:
        fresh.write_text(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii"), "ascii")
        file.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _file() -> Path:
    return Path(settings.DATA_DIR) / KEY_FILE
