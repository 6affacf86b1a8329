"""The audit trail chained by hash: who changes, adds or takes out a row later breaks the chain.

The links are written by a job after the rows are committed, in a table with its own sequence: a
link inside a service's transaction would make every act wait for the one before
(docs/adr/0021-audit-chains.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import jobs
from core.models import AuditEvent, AuditLink, Job, JobState
from core.registry import Finding
from core.words import number_of

CHECK = "core.check_chain"
REST = 0
"""The chain of the rows that belong to no project."""
BATCH = 1000
MOST_BATCHES = 5
SETTLED = timedelta(minutes=10)
"""No act takes so long: a row that is not committed by then is looked for once an hour."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """What walking along a chain found: `rows` that hold, and where and why it breaks."""

    rows: int
    head: str
    last_event: int | None
    broken_event: int | None = None
    broken_because: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.broken_because


@dataclass(frozen=True, slots=True)
class Checked:
    """The last time that somebody had a whole chain walked along."""

    at: datetime | None
    is_running: bool
    rows: int
    problem: str


def extend(now: datetime) -> int:
    """Chain the rows that are committed and not chained yet; returns how many.

    Two workers may do so at once: the sequence takes one, the other one's rows are found again.
    """
    made = 0
    for _ in range(MOST_BATCHES):
        events = list(_unchained(now)[:BATCH])
        by_chain: dict[int, list[AuditEvent]] = {}
        for event in events:
            by_chain.setdefault(chain_of(event), []).append(event)
        made += sum(_append(chain, rows, now=now) for chain, rows in by_chain.items())
        if len(events) < BATCH:
            break
    return made


def chain_of(event: AuditEvent) -> int:
    return REST if event.project_id is None else event.project_id


def walk(chain: int) -> ChainState:
    """Recompute a chain from its first link and stop where it breaks."""
    before, rows, last = _seed(chain), 0, None
    links = AuditLink.objects.filter(chain=chain).select_related("event").order_by("number")
    for link in links.iterator(chunk_size=2000):
        why = _why_broken(link, before, rows + 1)
        if why:
            return ChainState(rows, before, last, link.event_id, why)
        before, rows, last = link.digest, rows + 1, link.event_id
    return ChainState(rows, before, last)


def unchained(chain: int | None = None) -> int:
    """How many rows no link holds yet: of one chain, or of all."""
    events = AuditEvent.objects.filter(link__isnull=True)
    if chain is not None:
        events = events.filter(project_id=chain or None)
    return events.count()


def marks(events: Collection[AuditEvent]) -> dict[int, bool | None]:
    """For each row whether its own link holds, by two queries; None where it has none yet."""
    links = {
        link.event_id: link
        for link in AuditLink.objects.filter(event__in=[event.pk for event in events])
    }
    befores = {
        (link.chain, link.number + 1): link.digest
        for link in AuditLink.objects.filter(
            chain__in={link.chain for link in links.values()},
            number__in=[link.number - 1 for link in links.values()],
        )
    }
    return {event.pk: _holds(event, links.get(event.pk), befores) for event in events}


def length(chain: int) -> int:
    """How many rows of a chain have a link."""
    last = AuditLink.objects.filter(chain=chain).order_by("-number").first()
    return 0 if last is None else last.number


def finding() -> Finding:
    """What `doctor` says of all chains, with the first row that does not hold."""
    rows, chains = 0, sorted(set(AuditLink.objects.values_list("chain", flat=True).distinct()))
    for chain in chains:
        state = walk(chain)
        rows += state.rows
        if not state.is_whole:
            return Finding("audit chains", is_ok=False, sentence=sentence_of(chain, state))
    waiting = number_of(unchained(), "row")
    return Finding(
        "audit chains",
        is_ok=True,
        sentence=f"{number_of(rows, 'row')} in {number_of(len(chains), 'chain')} hold; "
        f"{waiting} not chained yet",
    )


def sentence_of(chain: int, state: ChainState) -> str:
    whose = "of the rows without a project" if chain == REST else f"of project {chain}"
    return (
        f"the chain {whose} breaks at audit row {state.broken_event}: {state.broken_because}; "
        f"{number_of(state.rows, 'row')} before it hold"
    )


def ask_for_check(*, chain: int, actor: str) -> Job:
    """Have a whole chain walked along by a worker; one at a time."""
    running = _checks(chain).filter(state__in=(JobState.WAITING, JobState.RUNNING)).first()
    if running is not None:
        return running
    return jobs.enqueue(kind=CHECK, actor=actor, plan={"chain": chain}, project_id=chain or None)


def check_job(job_id: int) -> None:
    """The handler of `core.check_chain`: reads only, and may run twice."""
    job = Job.objects.get(pk=job_id)
    chain = job.plan["chain"]
    state = walk(chain)
    problem = "" if state.is_whole else sentence_of(chain, state)
    jobs.finish(job_id, result={"rows": state.rows, "problem": problem}, now=timezone.now())


def last_check(chain: int) -> Checked | None:
    job = _checks(chain).order_by("-pk").first()
    if job is None:
        return None
    is_running = job.state in (JobState.WAITING, JobState.RUNNING)
    problem = job.result.get("problem", "") or job.problem
    return Checked(job.finished_at, is_running, job.result.get("rows", 0), problem)


def _checks(chain: int) -> QuerySet[Job]:
    return Job.objects.filter(kind=CHECK, project_id=chain or None)


def _unchained(now: datetime) -> QuerySet[AuditEvent]:
    """Rows without a link, oldest first.

    A row with a lower number may be committed after one with a higher number, so the last ten
    minutes are looked through each time, and everything once an hour.
    """
    events = AuditEvent.objects.filter(link__isnull=True).order_by("pk")
    is_hourly = now.minute == 0 and now.second < 4
    settled = None if is_hourly else _settled(now)
    return events if settled is None else events.filter(pk__gt=settled)


def _settled(now: datetime) -> int | None:
    """The newest row that was chained ten minutes ago: every row before it was seen then."""
    links = AuditLink.objects.filter(made_at__lt=now - SETTLED).order_by("-made_at", "-event")
    return links.values_list("event_id", flat=True).first()


def _append(chain: int, events: Iterable[AuditEvent], *, now: datetime) -> int:
    try:
        with transaction.atomic(durable=True):
            last = AuditLink.objects.filter(chain=chain).order_by("-number").first()
            before = _seed(chain) if last is None else last.digest
            number = 0 if last is None else last.number
            links = []
            for event in events:
                number += 1
                before = digest_of(event, chain=chain, number=number, before=before)
                links.append(
                    AuditLink(event=event, chain=chain, number=number, digest=before, made_at=now)
                )
            AuditLink.objects.bulk_create(links)
    except IntegrityError:
        return 0
    return len(links)


def digest_of(event: AuditEvent, *, chain: int, number: int, before: str) -> str:
    """SHA-256 over the link before, the place, and everything that the row says."""
    told = [
        before,
        chain,
        number,
        event.pk,
        event.at.astimezone(UTC).isoformat(),
        event.project_id,
        event.actor,
        event.verb,
        event.object_type,
        event.object_id,
        event.data,
        event.request_id,
    ]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _seed(chain: int) -> str:
    """What the first link of a chain follows."""
    return hashlib.sha256(f"plumbline audit chain {chain}".encode()).hexdigest()


def _why_broken(link: AuditLink, before: str, expected: int) -> str:
    if link.number != expected:
        return f"link {expected} is missing"
    digest = digest_of(link.event, chain=link.chain, number=link.number, before=before)
    return "" if digest == link.digest else "it is not as it was when it was chained"


def _holds(
    event: AuditEvent, link: AuditLink | None, befores: dict[tuple[int, int], str]
) -> bool | None:
    if link is None:
        return None
    first = _seed(link.chain) if link.number == 1 else ""
    before = befores.get((link.chain, link.number), first)
    return (
        digest_of(event, chain=link.chain, number=link.number, before=before) == link.digest
        and chain_of(event) == link.chain
    )
