"""Addresses of servers, in one spelling: a key goes to its own address only."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.errors import Invalid

MOST_CHARS = 200


def checked(url: str) -> str:
    """The base URL in one spelling, without a trailing slash. Raises ``Invalid``.

    Only the plain form is taken: a scheme, a host, perhaps a port and a path. Nothing in it can
    name a person, carry a second key, or make one host look like another.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong("it cannot be read as an address") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise _wrong(
            "it has to begin with https:// (or http:// inside your own network) and a host"
        )
    if parts.username is not None or parts.password is not None:
        raise _wrong("it holds a user name; the key has a field of its own")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _wrong("it ends in a question or a fragment; leave out everything from ? or #")
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise _wrong("it holds blanks or other characters that no address has")
    shown = f"[{host}]" if ":" in host else host
    place = f"{shown}:{port}" if port is not None else shown
    found = f"{parts.scheme}://{place}{parts.path.rstrip('/')}"
    if len(found) > MOST_CHARS:
        raise _wrong(f"it is longer than {MOST_CHARS} characters")
    return found


def _wrong(why: str) -> Invalid:
    sentence = f"This is no base URL that can be used: {why}."
    return Invalid("base_url", sentence, {"base_url": [sentence]})
