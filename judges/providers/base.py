"""What the engine asks of every provider, and what it gets back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from judges.rules.pricing import Usage
from judges.rules.retrying import FailureKind
from judges.rules.spec import ItemView, Order, RenderedRequest


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """One request. ``item`` and ``order`` are for providers that read no prompt."""

    rendered: RenderedRequest
    timeout_seconds: float
    prompt_cache: bool = False
    item: ItemView | None = None
    order: Order = ""


@dataclass(frozen=True, slots=True)
class ProviderReply:
    """One answer as it came. ``usage`` is None when the server did not say: book the reservation.

    ``requests_remaining`` is what the rate-limit headers leave, None when they are silent.
    """

    text: str
    stop_reason: str
    model: str
    usage: Usage | None
    request_id: str = ""
    raw: str = ""
    latency_ms: int = 0
    requests_remaining: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ProviderFailure(Exception):
    """A request that brought no answer. ``possibly_paid``: the server may have worked for it."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        possibly_paid: bool = False,
        latency_ms: int = 0,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.possibly_paid = possibly_paid
        self.latency_ms = latency_ms


class Provider(Protocol):
    """Answers one request at a time; used inside one event loop and closed there."""

    async def ask(self, request: ProviderRequest) -> ProviderReply:
        """The answer, or ``ProviderFailure``; nothing is ever tried twice in here."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What a provider says of one of its batches; ``total`` is how many requests are in it."""

    id: str
    created_at: datetime
    total: int
    is_over: bool


class BatchProvider(Protocol):
    """Answers many requests together, within a day; used in one event loop and closed there.

    Every method raises ``ProviderFailure`` and tries nothing twice.
    """

    async def submit(
        self, requests: Mapping[str, ProviderRequest], *, timeout_seconds: float
    ) -> Batch:
        """Send requests by the ids that their answers shall carry.

        A failure that is ``possibly_paid`` leaves open whether the batch is there.
        """
        ...

    async def look(self, batch_id: str) -> Batch:
        """How far a batch is."""
        ...

    async def listed(self, *, since: datetime) -> list[Batch]:
        """The batches that were made since then."""
        ...

    async def cancel(self, batch_id: str) -> None:
        """Ask that what was not begun is left out; what was answered stays."""
        ...

    def results(
        self, batch_id: str
    ) -> AsyncGenerator[tuple[str, ProviderReply | ProviderFailure], None]:
        """Ids with their answers, in any order, as they come over the wire."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...
