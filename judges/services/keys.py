"""Keys of providers: kept encrypted, given to nobody but the client that asks their address.

The encryption key comes from PLUMBLINE_KEYS_SECRET (else the secret key) by HKDF, and differs for
each project, provider and address: a row's secret copied into another row opens nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.models import Project, User
from core import audit
from core.errors import Conflict, Invalid, NotReady
from judges.models import ProviderKey
from judges.rules import addresses
from judges.rules.fingerprint import normal_url
from judges.states import KeyProvider

MOST_KEY_CHARS = 1000
HINT_CHARS = 4
_LONG_ENOUGH_FOR_A_HINT = 12
_PURPOSE = "plumbline provider key, first form"


@transaction.atomic(durable=True)
def set_key(
    *,
    project: Project,
    provider: KeyProvider,
    base_url: str,
    key: str,
    by: User,
    now: datetime,
) -> ProviderKey:
    """Store a key for an address; one that is there already is replaced. Raises Invalid."""
    url = addresses.checked(base_url)
    if provider is KeyProvider.ANTHROPIC and url.endswith("/v1"):
        raise Invalid(
            "base_url",
            "Leave out /v1: requests go to the base URL and /v1/messages.",
            {"base_url": ["Leave out /v1 at the end."]},
        )
    key = _checked_key(key)
    row, is_new = ProviderKey.objects.update_or_create(
        project=project,
        provider=provider.value,
        base_url=url,
        defaults={
            "secret": _locked(key, project_id=project.pk, provider=provider.value, base_url=url),
            "hint": key[-HINT_CHARS:] if len(key) >= _LONG_ENOUGH_FOR_A_HINT else "",
            "set_at": now,
            "set_by": by,
        },
    )
    _record(row, "provider_key.set" if is_new else "provider_key.replaced", by)
    return row


@transaction.atomic(durable=True)
def remove_key(*, key_id: int, project: Project, by: User) -> None:
    """Forget a key. Versions that ask its address cannot run until there is one again."""
    row = ProviderKey.objects.select_for_update().filter(project=project, pk=key_id).first()
    if row is None:
        raise Conflict("key_gone", "This key was removed already.")
    _record(row, "provider_key.removed", by)
    row.delete()


def key_for(*, project_id: int, provider: str, base_url: str) -> str | None:
    """The project's key for exactly this address, or None. Raises NotReady when it cannot be read.

    Not for pages: whoever calls this gives the key to a client of that address, and forgets it.
    """
    row = ProviderKey.objects.filter(
        project=project_id, provider=provider, base_url=normal_url(base_url)
    ).first()
    if row is None:
        return None
    return _opened(row)


def unreadable(keys: Sequence[ProviderKey]) -> set[int]:
    """Those that the installation's secret no longer opens, by id: they have to be set anew."""
    found = set()
    for row in keys:
        try:
            _opened(row)
        except NotReady:
            found.add(row.pk)
    return found


def _opened(row: ProviderKey) -> str:
    from cryptography.fernet import Fernet, InvalidToken

    own = _own_key(project_id=row.project_id, provider=row.provider, base_url=row.base_url)
    try:
        return Fernet(own).decrypt(row.secret.encode("ascii")).decode()
    except (InvalidToken, UnicodeError):
        raise NotReady(
            "key_unreadable",
            f"The stored key for {row.base_url} cannot be read: the secret of this installation "
            "is not the one that it was stored under. An admin has to set the key anew.",
        ) from None


def _locked(key: str, *, project_id: int, provider: str, base_url: str) -> str:
    from cryptography.fernet import Fernet

    own = _own_key(project_id=project_id, provider=provider, base_url=base_url)
    return Fernet(own).encrypt(key.encode()).decode("ascii")


def _own_key(*, project_id: int, provider: str, base_url: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    secret = settings.KEYS_SECRET or settings.SECRET_KEY
    for_whom = "\n".join((_PURPOSE, str(project_id), provider, base_url))
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=for_whom.encode())
    return base64.urlsafe_b64encode(derived.derive(secret.encode()))


def _checked_key(key: str) -> str:
    text = key.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Invalid(
            "key",
            "This is no key: it is empty, or holds blanks or characters that no key has.",
            {"key": ["Paste the key alone, without blanks or line breaks."]},
        )
    if len(text) > MOST_KEY_CHARS:
        raise Invalid("key", "No key is that long.", {"key": [f"At most {MOST_KEY_CHARS}."]})
    return text


def _record(row: ProviderKey, verb: str, by: User) -> None:
    """Whose address, and never the key, nor its end."""
    audit.record(
        actor=by.actor,
        verb=verb,
        object_type="provider_key",
        object_id=row.pk,
        project_id=row.project_id,
        data={"provider": row.provider, "base_url": row.base_url},
    )
