"""Who is asked: the one place that turns a version into a provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings

from core.errors import NotReady
from judges.models import Artefact
from judges.providers.anthropic import AnthropicProvider
from judges.providers.anthropic_batches import AnthropicBatches
from judges.providers.base import BatchProvider, Provider
from judges.providers.baselines import AlwaysLabel, LongerResponse, TrainedLabel
from judges.providers.openai import OpenAIProvider, check_installed
from judges.rules import training
from judges.rules.fingerprint import normal_url
from judges.rules.spec import VersionSpec
from judges.services import keys
from judges.services.versions import ANTHROPIC, BASELINE, OPENAI, SIMULATOR
from judges.states import BaselineRule

_NO_KEY = "simulated"


@dataclass(frozen=True, slots=True)
class Access:
    """A key and the only address that it goes to; never shown, logged or kept."""

    api_key: str = field(repr=False)
    base_url: str


def provider_for(spec: VersionSpec, *, project_id: int) -> Provider:
    """The provider that answers for a version. Raises NotReady with what has to be set first."""
    if spec.provider == BASELINE:
        return _baseline(spec, project_id)
    found = access_for(spec.provider, spec.base_url, project_id=project_id)
    # The imports take seconds: here, before a lease is taken and before anything is sent.
    if spec.provider == OPENAI:
        import openai  # noqa: F401

        return OpenAIProvider(api_key=found.api_key, base_url=found.base_url)
    import anthropic  # noqa: F401

    return AnthropicProvider(api_key=found.api_key, base_url=found.base_url)


def has_batches(spec: VersionSpec) -> bool:
    """Whether the frozen profile of a version says that its endpoint takes batches."""
    return spec.provider in {ANTHROPIC, SIMULATOR} and spec.capabilities.get("batches") is True


def batches_for(spec: VersionSpec, *, project_id: int) -> BatchProvider:
    """Who takes a version's requests in batches. Raises NotReady with what has to be set first."""
    found = access_for(spec.provider, spec.base_url, project_id=project_id)
    import anthropic  # noqa: F401

    return AnthropicBatches(api_key=found.api_key, base_url=found.base_url)


def check(spec: VersionSpec, *, project_id: int) -> None:
    """Whether somebody could be asked, without loading what asks. Raises NotReady."""
    if spec.provider == BASELINE:
        _baseline(spec, project_id)
    else:
        access_for(spec.provider, spec.base_url, project_id=project_id)


def access_for(provider: str, base_url: str, *, project_id: int) -> Access:
    """The key that may go to this address for this project. Raises NotReady.

    A key goes to its own address only, the project's as the installation's: whoever writes a
    version must not be able to have it, or the texts of items, sent elsewhere.
    """
    if provider == SIMULATOR:
        return _simulator()
    if provider not in {ANTHROPIC, OPENAI}:
        raise NotReady("no_provider", f"Nobody can be asked for a version of {provider}.")
    if provider == OPENAI:
        check_installed()
    own = keys.key_for(project_id=project_id, provider=provider, base_url=base_url)
    if own is not None:
        return Access(own, base_url)
    if provider == OPENAI:
        raise NotReady(
            "api_key_missing",
            f"This project has no key for {base_url}. An admin sets one under Keys.",
        )
    return _of_the_installation(base_url)


def _baseline(spec: VersionSpec, project_id: int) -> Provider:
    if spec.model == BaselineRule.LONGER:
        return LongerResponse()
    if spec.model == BaselineRule.MAJORITY:
        return AlwaysLabel(dict(spec.constants))
    if spec.model == BaselineRule.TRAINED:
        return TrainedLabel(trained(spec.artefact, project_id=project_id))
    raise NotReady("no_provider", f"No baseline is called {spec.model}.")


def trained(digest: str, *, project_id: int) -> training.Trained:
    """The artefact that the fingerprint names, and no other. Raises NotReady."""
    row = Artefact.objects.filter(project=project_id, digest=digest).first()
    if row is None or training.digest(row.content) != digest:
        raise NotReady(
            "artefact_missing",
            "What this baseline was trained to is gone, or is not what it was. Train another one.",
        )
    return training.read(row.content)


def _simulator() -> Access:
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
    return Access(_NO_KEY, url)


def _of_the_installation(base_url: str) -> Access:
    if normal_url(base_url) != normal_url(settings.ANTHROPIC_BASE_URL):
        raise NotReady(
            "base_url_differs",
            f"This version is asked at {base_url}, and this project has no key for that address. "
            f"An admin sets one under Keys; or save a version for {settings.ANTHROPIC_BASE_URL}.",
        )
    if not settings.ANTHROPIC_API_KEY:
        raise NotReady(
            "api_key_missing",
            "There is no API key. An admin sets one under Keys; or set ANTHROPIC_API_KEY for web "
            "and worker, then start again.",
        )
    return Access(settings.ANTHROPIC_API_KEY, base_url)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
