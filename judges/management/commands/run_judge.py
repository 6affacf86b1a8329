"""Run a judge's newest version over a dataset."""

from __future__ import annotations

import signal
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.utils import timezone

from annotation.management.commands.import_items import project_of, said
from core import stopping
from core.errors import DomainError
from judges import access, queries
from judges.management.commands.import_verdicts import dataset_of
from judges.models import Run
from judges.services import engine, runs
from judges.states import RunMode, RunState

POLL_SECONDS = 0.5


class Command(BaseCommand):
    help = "Plan a run of a judge's newest version; a worker does it, or this process with --wait."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("judge", help="its name or short name")
        parser.add_argument("--dataset", required=True, help="its name")
        parser.add_argument("--budget", help="US dollars that may be spent at most")
        parser.add_argument("--version-number", type=int, help="default: the newest that can run")
        parser.add_argument(
            "--batch", action="store_true", help="through the batch API: half price, within a day"
        )
        parser.add_argument("--wait", action="store_true", help="work on it here, until it ends")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of(options["project"])
        dataset = dataset_of(project.pk, options["dataset"])
        try:
            run = runs.plan_run(
                version=access.runnable_version_of(
                    project, options["judge"], options["version_number"]
                ),
                dataset=dataset,
                budget=_money(options["budget"]),
                mode=RunMode.BATCH if options["batch"] else RunMode.DIRECT,
                actor="command",
                now=timezone.now(),
            )
        except DomainError as refusal:
            raise CommandError(said(refusal), returncode=2) from refusal
        self.stdout.write(f"Run {run.pk}: {run.calls_planned} calls on {run.items_planned} items.")
        if options["wait"]:
            wait(run, self.stdout)


def wait(run: Run, out: OutputWrapper) -> None:
    """Work on the run, or watch the worker that was quicker; Ctrl-C hands it on. Raises
    CommandError where it ends otherwise than done."""
    with _stopped_by_signals():
        while run.state in {RunState.PLANNED, RunState.RUNNING} and not stopping.is_requested():
            engine.drain(run.pk)
            run.refresh_from_db()
            is_elsewhere = run.state == RunState.RUNNING or run.wake_at is not None
            time.sleep(POLL_SECONDS if is_elsewhere else 0)
    progress = queries.progress(run, now=timezone.now())
    counts = ", ".join(f"{count} {name}" for name, count in progress.outcomes.items())
    out.write(f"Run {run.pk} is {run.state}: {counts or 'nothing'}; ${run.spent:.4f}.")
    if run.state != RunState.DONE:
        raise CommandError(run.pause_reason or f"The run is {run.state}.", returncode=1)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """The first Ctrl-C lets answers come and gives the run back; a second one breaks off."""
    before = signal.getsignal(signal.SIGINT)

    def hear(_number: int, _frame: FrameType | None) -> None:
        stopping.request()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _money(raw: str | None) -> Decimal | None:
    if raw is None:
        return None
    try:
        amount = Decimal(raw)
    except InvalidOperation:
        raise CommandError(
            f"A budget is an amount in dollars, not {raw!r}.", returncode=2
        ) from None
    if not amount.is_finite() or amount >= Decimal(10) ** 6:
        raise CommandError("A budget is an amount below a million dollars.", returncode=2)
    return amount
