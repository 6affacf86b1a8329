"""What the runs of a probe come to: made once when they have ended, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotation.queries.labels import scale_of
from core import audit, jobs
from core.models import Job
from judges.models import Probe, Run, Variant
from judges.queries import probes as reads
from judges.rules import probefigures
from judges.rules.probefigures import Seen
from judges.rules.probes import CHANGED, PLAIN
from judges.states import ProbeKind, ProbeState, RunState
from measurement.estimate import Estimate
from measurement.scale import Scale
from measurement.sheet import Sheet
from measurement.table import RatingTable
from measurement.verdicts import OK, JudgeTable

MEASURE = "judges.probe"
_ENOUGH_VOTES = 2


def on_run_finished(run_id: int) -> None:
    """Plan the measuring of a probe when a run of it ends; the last one finds all that it needs."""
    variant = Variant.objects.select_related("probe").filter(run=run_id).first()
    if variant is not None:
        jobs.enqueue(
            kind=MEASURE,
            actor="system",
            plan={"probe": variant.probe_id},
            project_id=variant.probe.project_id,
        )


def measure_job(job_id: int) -> None:
    """The handler of `judges.probe`: safe to run twice."""
    job = Job.objects.get(pk=job_id)
    is_measured = measure(job.plan["probe"], now=timezone.now())
    jobs.finish(job_id, result={"measured": is_measured}, now=timezone.now())


def measure(probe_id: int, *, now: datetime) -> bool:
    """Make the figures once all runs of the probe are combined; whether this call kept them.

    A second call changes nothing; after a retry of what failed the figures are made anew.
    """
    probe = Probe.objects.select_related("version__guideline_version", "dataset").get(pk=probe_id)
    variants = {one.name: one.run for one in probe.variants.select_related("run__version")}
    ends = [run.combined_at for run in variants.values()]
    if not ends or None in ends or any(run.state != RunState.DONE for run in variants.values()):
        return False
    ended = max(end for end in ends if end is not None)
    if probe.runs_ended_at is not None and probe.runs_ended_at >= ended:
        return False
    result = probefigures.stored(ProbeKind(probe.kind), _figures(probe, variants))
    with transaction.atomic():
        kept = (
            Probe.objects.filter(pk=probe.pk)
            .exclude(state=ProbeState.GIVEN_UP)
            .filter(Q(runs_ended_at__isnull=True) | Q(runs_ended_at__lt=ended))
            .update(state=ProbeState.MEASURED, result=result, measured_at=now, runs_ended_at=ended)
        )
        if kept:
            audit.record(
                actor="system",
                verb="probe.measured",
                object_type="probe",
                object_id=probe.pk,
                project_id=probe.project_id,
                data={"kind": probe.kind},
            )
    return bool(kept)


def _figures(probe: Probe, variants: Mapping[str, Run]) -> dict[str, dict[str, Estimate]]:
    ids = [item for item, _, _ in probe.sample]
    keys = reads.clusters_of(ids)
    sides = {str(item): side for item, side, _ in probe.sample}
    people = reads.people_of(probe, ids)
    lengths = reads.lengths_of(ids)
    found = {}
    for dimension in reads.dimensions_of(probe.version):
        scale = scale_of(dimension)
        plain = reads.combined(variants[PLAIN], dimension.key)
        changed = variants.get(CHANGED)
        calls_of = reads.single_calls(variants[PLAIN], dimension.key)
        seen = Seen(
            scale=scale,
            plain=plain,
            changed={} if changed is None else reads.combined(changed, dimension.key),
            calls=JudgeTable.build(calls_of, scale=scale),
            keys=keys,
            sides=sides,
            sheet=_sheet(people.get(dimension.key), plain, scale),
            lengths=lengths or None,
        )
        found[dimension.key] = probefigures.figures(ProbeKind(probe.kind), seen)
    return found


def _sheet(people: RatingTable | None, plain: Mapping[str, str], scale: Scale) -> Sheet | None:
    """People beside the judge's plain labels, where two of them labelled an item."""
    if people is None:
        return None
    enough = people.with_at_least(_ENOUGH_VOTES)
    if not enough.items:
        return None
    judge = JudgeTable(plain, dict.fromkeys(plain, OK))
    return Sheet.of(enough, judge, scale=scale, least_ratings=_ENOUGH_VOTES, adjudicated=None)
