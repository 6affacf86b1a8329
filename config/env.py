"""Typed readers of the environment. Nonsense fails loudly at start-up, never later."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that NAME_FILE points to."""
    file = os.environ.get(f"{name}_FILE", "")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default).strip()


def flag(name: str, *, default: bool = False) -> bool:
    raw = text(name, "1" if default else "0").lower()
    if raw in TRUE:
        return True
    if raw in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be one of 1, 0, true, false, yes, no; it is {raw!r}.")


def number(name: str, *, default: int, least: int | None = None) -> int:
    raw = text(name, str(default))
    try:
        found = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number; it is {raw!r}.") from None
    if least is not None and found < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}; it is {found}.")
    return found


def listed(name: str, *, default: tuple[str, ...] = ()) -> list[str]:
    """Comma-separated values."""
    raw = text(name)
    return [part.strip() for part in raw.split(",") if part.strip()] if raw else list(default)


def key(name: str, *, size: int) -> bytes:
    """A key of `size` bytes in base64; empty where there is none."""
    raw = text(name)
    try:
        found = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if raw and len(found) != size:
        raise ImproperlyConfigured(f"{name} must be {size} bytes in base64.")
    return found
