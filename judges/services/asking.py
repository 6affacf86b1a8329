"""Who is asked: the one place that turns a version into a provider."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings

from core.errors import NotReady
from judges.providers.anthropic import AnthropicProvider
from judges.providers.base import Provider
from judges.providers.baselines import LongerResponse
from judges.rules.fingerprint import normal_url
from judges.rules.spec import VersionSpec
from judges.services.versions import ANTHROPIC, LONGER_RESPONSE, SIMULATOR

_NO_KEY = "simulated"


def provider_for(spec: VersionSpec) -> Provider:
    """The provider that answers for a version. Raises NotReady with what has to be set first."""
    found = _key_and_address(spec)
    if found is None:
        return LongerResponse()
    # The import takes seconds: here, before a lease is taken and before anything is sent.
    import anthropic  # noqa: F401

    api_key, base_url = found
    return AnthropicProvider(api_key=api_key, base_url=base_url)


def check(spec: VersionSpec) -> None:
    """Whether somebody could be asked, without loading what asks. Raises NotReady."""
    _key_and_address(spec)


def _key_and_address(spec: VersionSpec) -> tuple[str, str] | None:
    """The key and where it goes; None for a version that asks no model.

    The installation's key goes to the installation's address only: whoever writes a version must
    not be able to have it sent elsewhere.
    """
    if spec.provider == SIMULATOR:
        return _simulator()
    if spec.provider == "baseline" and spec.model == LONGER_RESPONSE:
        return None
    if spec.provider == ANTHROPIC:
        return _anthropic(spec.base_url)
    raise NotReady("no_provider", f"Nobody can be asked for a version of kind {spec.kind}.")


def _simulator() -> tuple[str, str]:
    url = settings.SIMULATOR_URL
    if not url:
        raise NotReady(
            "simulator_missing",
            "This version is simulated and no simulator runs here. Set PLUMBLINE_SIMULATOR_URL to "
            "a local one (python -m judges.simulator), or use a version with a real model.",
        )
    if not _is_loopback(url):
        raise NotReady(
            "simulator_not_local",
            "This version is simulated, and PLUMBLINE_SIMULATOR_URL names another machine. Nothing "
            "simulated leaves this machine: use 127.0.0.1.",
        )
    return _NO_KEY, url


def _anthropic(base_url: str) -> tuple[str, str]:
    if normal_url(base_url) != normal_url(settings.ANTHROPIC_BASE_URL):
        raise NotReady(
            "base_url_differs",
            f"This version was made for {base_url}, and this installation asks "
            f"{settings.ANTHROPIC_BASE_URL}. Set ANTHROPIC_BASE_URL back, or save a new version.",
        )
    if not settings.ANTHROPIC_API_KEY:
        raise NotReady(
            "api_key_missing",
            "There is no API key. Set ANTHROPIC_API_KEY for web and worker, then start again.",
        )
    return settings.ANTHROPIC_API_KEY, base_url


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
