"""What clients of other people's servers have in common: checks before, and reading after."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from judges.providers.base import ProviderFailure
from judges.rules.retrying import FailureKind

if TYPE_CHECKING:
    from ssl import SSLContext

    from anthropic import OpenTelemetryOptions

_MESSAGE_CHARACTERS = 500
MOST_TOKENS = 100_000_000
_CUT_OFF = frozenset({408, 504, 524})
UNTRACED: OpenTelemetryOptions = {"traces": False}
"""For the SDK's `open_telemetry`: no variable of the environment sends to somebody's traces what a
judge is asked, sealed items among it."""


@cache
def trusted() -> SSLContext:
    """Whose certificates the SDK's clients take: its own default, read once for all of them.

    Each of them would read it anew, for 20 ms and most of a megabyte.
    """
    import httpx2

    return httpx2.create_ssl_context()


def without_key(message: str, api_key: str) -> str:
    """A sentence that may be stored and shown: without the key, and not endless."""
    hidden = message.replace(api_key, "[key]") if api_key else message
    return hidden[:_MESSAGE_CHARACTERS]


def refused(status: int, message: str, api_key: str) -> str:
    """What a server said of a request that it refused, as it may be stored and shown.

    Of a key that it does not take servers quote the end or a digest: those words stay here.
    """
    if status in {401, 403}:
        return f"HTTP {status}: the server does not take the key, or not for this model."
    return f"HTTP {status}: {without_key(message, api_key)}"


def is_cut_off(status: int) -> bool:
    """Whether somebody on the way gave up waiting: the model may have answered, and be paid for."""
    return status in _CUT_OFF


def check_access(api_key: str, base_url: str) -> None:
    """Find out before anything is sent, and without naming the key, that it cannot work."""
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ProviderFailure(
            FailureKind.CONFIGURATION,
            f"There is no usable key for {base_url}: it is missing, or holds blanks or other "
            "characters that no key has. Set it anew.",
        )
    try:
        address = urlsplit(base_url)
        usable = address.scheme in {"http", "https"} and bool(address.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ProviderFailure(
            FailureKind.CONFIGURATION,
            f"{base_url!r} is no address of a server. Write it with http:// or https://.",
        )


def is_count(value: object) -> bool:
    """Whether it can be a number of tokens: what no answer ever had is no number that was said."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number and 0 <= value <= MOST_TOKENS  # type: ignore[operator]


def count(value: object) -> int:
    return value if isinstance(value, int) and is_count(value) else 0


def seconds(headers: Mapping[str, str]) -> float | None:
    """``retry-after`` in seconds; a date or nonsense counts as not given."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
    return None


def whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def never_left(error: Exception) -> bool:
    """Whether the connection was never made, so that nothing can have been paid.

    A server that hangs up in the middle has a name of its own only in the library below: further
    up it is called a failure to connect as well.
    """
    import aiohttp
    import httpx2

    cause = error.__cause__
    if cause is not None and isinstance(cause.__cause__, aiohttp.ClientError):
        made_none = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
        return isinstance(cause.__cause__, made_none)
    return isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout))


def since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
