"""Tokens of requests as the server counts them, for an estimate: of a few, and kept for a while."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.cache import cache

from core.errors import NotReady
from judges.providers import anthropic_facts
from judges.providers.anthropic_facts import NotTold
from judges.rules import pricing
from judges.rules.fingerprint import fingerprint
from judges.rules.spec import RenderedRequest, VersionSpec
from judges.services import asking
from judges.services.versions import ANTHROPIC, SIMULATOR

COUNTED_REQUESTS = 5
KEPT_SECONDS = 600
FAILURE_KEPT_SECONDS = 60
UNCOUNTED = 0.0


def correction(
    spec: VersionSpec, requests: Sequence[RenderedRequest], *, project_id: int
) -> float | None:
    """Counted tokens for each token that `pricing.likely_tokens` expects; None where nobody counts.

    Asks the server about at most COUNTED_REQUESTS of the requests: call it in no transaction.
    """
    counts = spec.provider in {ANTHROPIC, SIMULATOR} and spec.capabilities.get("token_counting")
    if not counts or not requests:
        return None
    kept = f"judges.counted.{project_id}.{fingerprint(spec)}"
    found: float | None = cache.get(kept)
    if found is None:
        found = _counted(spec, _spread(requests), project_id)
        cache.set(kept, found, KEPT_SECONDS if found else FAILURE_KEPT_SECONDS)
    return found or None


def _counted(spec: VersionSpec, requests: Sequence[RenderedRequest], project_id: int) -> float:
    try:
        access = asking.access_for(spec.provider, spec.base_url, project_id=project_id)
        counts = anthropic_facts.count_tokens(
            api_key=access.api_key, base_url=access.base_url, requests=requests
        )
    except (NotReady, NotTold):
        return UNCOUNTED
    expected = sum(pricing.likely_tokens((one.system, one.user)) for one in requests)
    return sum(counts) / expected if expected else UNCOUNTED


def _spread(requests: Sequence[RenderedRequest]) -> list[RenderedRequest]:
    step = max(1.0, len(requests) / COUNTED_REQUESTS)
    return [requests[int(place * step)] for place in range(min(COUNTED_REQUESTS, len(requests)))]
