"""A round by rater and by item: small rounds at once, large ones by a job that a look asks for."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from annotation.models import Round
from annotation.queries.rounds import is_large
from calibration.models import RoundFigures
from calibration.queries import roundfigures
from calibration.queries.agreement import RoundAgreement
from calibration.queries.roundfigures import Figures
from core import jobs
from core.models import Job

MAKE = "calibration.round_figures"
ASKED_AGAIN = timedelta(minutes=10)
"""A job that was asked for so long ago and made nothing has failed; another one may try."""


def of_round(*, round_: Round, actor: str, now: datetime) -> Figures | None:
    """The figures to show. Of a large round the last that were made, with newer ones asked for
    when they are old; None until the first are there."""
    if not is_large(round_):
        return roundfigures.live(round_, now=now)
    _ask(round_, actor=actor, now=now)
    return roundfigures.kept(round_)


def agreement_of(*, round_: Round, actor: str, now: datetime) -> RoundAgreement | None:
    """How far people agree in a large round, as of a while ago; None until that is measured.

    Resampling a million items takes minutes: no page and no answer of the API waits for it.
    """
    _ask(round_, actor=actor, now=now)
    return roundfigures.kept_agreement(round_)


def make_job(job_id: int) -> None:
    """The handler of `calibration.round_figures`: safe to run twice, the later one stays."""
    job = Job.objects.get(pk=job_id)
    round_ = Round.objects.select_related("guideline_version").get(pk=job.plan["round"])
    at, began = timezone.now(), time.perf_counter()
    content = roundfigures.content_of(round_)
    RoundFigures.objects.filter(round=round_).update(
        content=content, made_at=at, seconds=time.perf_counter() - began
    )
    jobs.finish(job_id, result={}, now=timezone.now())


def _ask(round_: Round, *, actor: str, now: datetime) -> None:
    """Ask for newer figures, once: the conditional update lets one of many lookers through."""
    row, _ = RoundFigures.objects.get_or_create(round=round_)
    if not roundfigures.is_old(row, now=now):
        return
    nobody_asked = (
        Q(asked_at__isnull=True) | Q(made_at__gte=F("asked_at")) | Q(asked_at__lt=now - ASKED_AGAIN)
    )
    with transaction.atomic(durable=True):
        if RoundFigures.objects.filter(nobody_asked, pk=row.pk).update(asked_at=now):
            jobs.enqueue(
                kind=MAKE, actor=actor, project_id=round_.project_id, plan={"round": round_.pk}
            )
