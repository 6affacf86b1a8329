"""The bias laboratory: what a probe will take, and its start."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import IntegrityError, transaction

from annotation.models import Item
from core import audit
from core.errors import Conflict, Invalid
from judges.models import JudgeVersion, Probe, Run, Variant
from judges.queries import probes as reads
from judges.rules import probefigures
from judges.rules.changes import Change
from judges.services import calls, runs
from judges.services.probesamples import Asked, Sample, check, draw, variants_of
from judges.services.runs import Draft, RunEstimate
from judges.states import ProbeState, RunPurpose, RunState


@dataclass(frozen=True, slots=True)
class Preview:
    """What a probe would take, before anything is written or sent."""

    sample: Sample
    estimates: Mapping[str, RunEstimate]

    @property
    def estimate(self) -> RunEstimate | None:
        """All its runs together; None where nobody has to be asked."""
        found = list(self.estimates.values())
        if not found:
            return None
        return replace(
            found[0],
            calls=sum(one.calls for one in found),
            cached=sum(one.cached for one in found),
            input_tokens=sum(one.input_tokens for one in found),
            output_tokens=sum(one.output_tokens for one in found),
            likely=sum((one.likely for one in found), Decimal(0)),
            most=sum((one.most for one in found), Decimal(0)),
            seconds=sum(one.seconds for one in found),
        )


@dataclass(frozen=True, slots=True)
class Started:
    """A probe, and whether it is new: the same choices give the recorded one."""

    probe: Probe
    is_new: bool


def preview(asked: Asked, *, concurrency: int | None = None, now: datetime) -> Preview:
    """The sample and what its runs will take. Raises what `runs.estimate` raises, and Invalid."""
    check(asked)
    sample = draw(asked)
    if sample.undefined_because:
        return Preview(sample, {})
    items = list(Item.objects.filter(pk__in=sample.ids).only("pk"))
    return Preview(
        sample,
        {
            name: runs.estimate(
                version=asked.version,
                items=items,
                purpose=RunPurpose.PROBE,
                concurrency=concurrency,
                change=change,
                now=now,
            )
            for name, change in variants_of(asked, sample).items()
        },
    )


def start(
    asked: Asked,
    *,
    actor: str,
    budget: Decimal | None = None,
    concurrency: int | None = None,
    now: datetime,
) -> Started:
    """Draw the sample and plan its runs, all or nothing; a probe that is there is given back.

    A budget is shared by the runs as their estimates ask. Where there is nothing to ask, the probe
    is recorded at once as undefined, with the reason and without a run.
    """
    check(asked)
    _give_up_cancelled(asked.version, actor=actor)
    there = _recorded(asked)
    if there is not None:
        return Started(there, is_new=False)
    sample = draw(asked)
    drafts = (
        {} if sample.undefined_because else _drafts(asked, sample, actor, budget, concurrency, now)
    )
    try:
        with transaction.atomic():
            probe = _write(asked, sample, drafts, actor=actor, now=now)
    except IntegrityError:
        there = _recorded(asked)
        if there is None:
            raise
        return Started(there, is_new=False)
    return Started(probe, is_new=True)


@transaction.atomic
def cancel(*, probe: Probe, actor: str, now: datetime) -> None:
    """End what goes on of a probe for good: it gets no result, and the same one can be started
    again. Raises Conflict for a probe that is measured or was given up."""
    changed = Probe.objects.filter(pk=probe.pk, state=ProbeState.RUNNING).update(
        state=ProbeState.GIVEN_UP
    )
    if not changed:
        raise Conflict("probe_over", "This probe is over already.")
    for run in Run.objects.filter(variant__probe=probe).order_by("pk"):
        # Those that ended have nothing left to stop.
        with suppress(Conflict):
            runs.cancel(run=run, actor=actor, now=now)
    _record(probe, "probe.cancelled", actor, {})


def _recorded(asked: Asked) -> Probe | None:
    found = Probe.objects.filter(version=asked.version, key=asked.key)
    return found.exclude(state=ProbeState.GIVEN_UP).first()


@transaction.atomic
def _give_up_cancelled(version: JudgeVersion, *, actor: str) -> None:
    """Probes that lost a run for good make room for the same probe again."""
    lost = Probe.objects.filter(
        version=version, state=ProbeState.RUNNING, variants__run__state=RunState.CANCELLED
    )
    for probe in lost.distinct():
        changed = Probe.objects.filter(pk=probe.pk, state=ProbeState.RUNNING).update(
            state=ProbeState.GIVEN_UP
        )
        if changed:
            _record(probe, "probe.given_up", actor, {})


def _drafts(
    asked: Asked,
    sample: Sample,
    actor: str,
    budget: Decimal | None,
    concurrency: int | None,
    now: datetime,
) -> dict[str, tuple[Change, Draft]]:
    """The runs, ready to be written: rendering takes its time, and holds no transaction."""
    found = variants_of(asked, sample)
    shares = _shares(asked, sample, budget, concurrency, now)
    items = list(Item.objects.filter(pk__in=sample.ids).only("pk"))
    return {
        name: (
            change,
            runs.draft_run(
                version=asked.version,
                actor=actor,
                items=items,
                purpose=RunPurpose.PROBE,
                budget=shares.get(name),
                concurrency=concurrency,
                change=change,
                now=now,
            ),
        )
        for name, change in found.items()
    }


def _shares(
    asked: Asked,
    sample: Sample,
    budget: Decimal | None,
    concurrency: int | None,
    now: datetime,
) -> dict[str, Decimal]:
    """The budget by run, in the proportion of what each can cost at most."""
    if budget is None:
        return {}
    if budget <= 0:
        raise Invalid(
            "budget", "A budget is more than nothing.", {"budget": ["More than 0, or empty."]}
        )
    found = preview(asked, concurrency=concurrency, now=now)
    most = {name: one.most for name, one in found.estimates.items()}
    total = sum(most.values(), Decimal(0))
    return {
        name: max(
            calls.CENT_OF_A_CENT,
            (budget * (one / total if total else Decimal(1) / len(most))).quantize(
                calls.CENT_OF_A_CENT, ROUND_DOWN
            ),
        )
        for name, one in most.items()
    }


def _write(
    asked: Asked,
    sample: Sample,
    drafts: Mapping[str, tuple[Change, Draft]],
    *,
    actor: str,
    now: datetime,
) -> Probe:
    probe = Probe(
        project=asked.version.judge.project,
        version=asked.version,
        dataset=asked.dataset,
        kind=asked.kind,
        parameters=dict(asked.parameters),
        size=asked.size,
        seed=asked.seed,
        sample=sample.rows,
        key=asked.key,
        actor=actor,
    )
    if sample.undefined_because:
        none = probefigures.undefined(asked.kind, sample.undefined_because)
        by_dimension = {one.key: none for one in reads.dimensions_of(asked.version)}
        probe.state, probe.measured_at = ProbeState.MEASURED, now
        probe.result = probefigures.stored(asked.kind, by_dimension)
    probe.save(force_insert=True)
    for name, (change, draft) in drafts.items():
        # The run is offered to workers when this commits: by then its change is there.
        run = runs.write_run(draft, now=now)
        Variant.objects.create(probe=probe, run=run, name=name, change=change.as_json())
    data = {"kind": str(asked.kind), "items": len(sample.targets), "runs": len(drafts)}
    _record(probe, "probe.started", actor, data)
    return probe


def _record(probe: Probe, verb: str, actor: str, data: dict[str, Any]) -> None:
    audit.record(
        actor=actor,
        verb=verb,
        object_type="probe",
        object_id=probe.pk,
        project_id=probe.project_id,
        data=data,
    )
