"""Certificates: a decision as a signed file that anybody can check, without this house."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from calibration.queries import certificates as queries
from core import signing
from core.signing import Checked, PublicKey
from judges.models import Decision

MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed certificate and the key to check it with."""

    document: dict[str, Any]
    key: PublicKey

    @property
    def file(self) -> bytes:
        """As it is downloaded: readable, and checked by its content whatever the spaces."""
        return (json.dumps(self.document, ensure_ascii=False, indent=2) + "\n").encode()


def issue(decision: Decision) -> Issued:
    """The certificate of a decision; the same bytes each time as long as the key is the same."""
    return Issued(signing.signed(queries.content(decision)), signing.public_key())


def check(text: bytes, trusted: Iterable[PublicKey]) -> Checked:
    """Whether a file is a certificate that one of these keys signed. Reads no database."""
    if len(text) > MOST_BYTES:
        return Checked.CHANGED
    return signing.check(signing.read(text), trusted)
