"""Where a version's capability profile comes from: the Models API, else the table, else a person.

Asked of the network, so never inside a transaction, and kept for some minutes: the editor asks
again with every change of the model.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.cache import cache

from core.errors import NotReady
from judges.providers import anthropic_facts
from judges.providers.anthropic import DEFAULT_BASE_URL
from judges.providers.anthropic_facts import NotTold
from judges.rules import capabilities
from judges.rules.capabilities import Profile
from judges.rules.fingerprint import normal_url
from judges.services import asking
from judges.services.versions import ANTHROPIC, SIMULATOR

KEPT_SECONDS = 600
FAILURE_KEPT_SECONDS = 60
DECLARED = "declared by the author of the version"
UNKNOWN = "nothing is known of this model: declare what it can"


@dataclass(frozen=True, slots=True)
class Found:
    """A profile and who says so; `profile` is None when somebody has to declare it."""

    profile: Profile | None
    source: str


def known(*, provider: str, model: str, base_url: str) -> Found:
    """What is known without asking anybody."""
    if not _is_told(provider, base_url):
        return Found(None, DECLARED)
    profile = capabilities.of_table(model)
    if profile is None:
        return Found(None, UNKNOWN)
    return Found(profile, capabilities.table_source())


def find(*, provider: str, model: str, base_url: str, project_id: int, now: datetime) -> Found:
    """What the Models API says of the model; where it does not answer, what is known without."""
    without = known(provider=provider, model=model, base_url=base_url)
    if not model or not _is_told(provider, base_url):
        return without
    place = f"{project_id} {provider} {normal_url(base_url)} {model}"
    kept = f"judges.profile.{hashlib.sha256(place.encode()).hexdigest()}"
    found: Found | None = cache.get(kept)
    if found is None:
        try:
            found = _told(provider, model, base_url, project_id, now)
            cache.set(kept, found, KEPT_SECONDS)
        except NotTold as why:
            found = Found(without.profile, f"{without.source} ({why})")
            cache.set(kept, found, FAILURE_KEPT_SECONDS)
    return found


def _is_told(provider: str, base_url: str) -> bool:
    """Whether the address has the Models API that the profile is read from."""
    if provider == SIMULATOR:
        return True
    own = {normal_url(settings.ANTHROPIC_BASE_URL), DEFAULT_BASE_URL}
    return provider == ANTHROPIC and normal_url(base_url) in own


def _told(provider: str, model: str, base_url: str, project_id: int, now: datetime) -> Found:
    try:
        access = asking.access_for(provider, base_url, project_id=project_id)
    except NotReady:
        missing = (
            "no simulator runs here" if provider == SIMULATOR else "there is no key to ask with"
        )
        raise NotTold(missing) from None
    info = anthropic_facts.model_info(api_key=access.api_key, base_url=access.base_url, model=model)
    profile = capabilities.of_model_info(info)
    if profile is None:
        raise NotTold("the Models API says nothing of what it can")
    whose = "of the simulator" if provider == SIMULATOR else f"at {access.base_url}"
    return Found(profile, f"Models API {whose}, {now:%d %b %Y}"[:160])
