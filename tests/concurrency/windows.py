"""A rater's window as a process of its own, on the database of a running test.

python -m tests.concurrency.windows DATABASE ACT ROUND RATER SEED: says "ready", begins when a line
comes, and prints as JSON what it was told.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotation.models import Assignment

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240
AT_WORK, NAIVE = "at_work", "naive"
LATER = timedelta(hours=2)
"""After so long every lease has run out."""


class Window:
    """A process that waits to begin."""

    def __init__(self, act: str, *, round_id: int, rater_id: int, seed: int) -> None:
        from django.db import connection

        name = str(connection.settings_dict["NAME"])
        given = [name, act, *map(str, (round_id, rater_id, seed))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.concurrency.windows", *given],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def told(self) -> Any:
        out, _ = self._process.communicate(timeout=SECONDS)
        assert self._process.returncode == 0
        return json.loads(out.splitlines()[-1])

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def all_told(windows: Sequence[Window]) -> list[Any]:
    """Let all of them begin at once; what each was told."""
    try:
        for window in windows:
            window.wait_until_ready()
        for window in windows:
            window.go_on()
        return [window.told() for window in windows]
    finally:
        for window in windows:
            window.end()


def wait_for_the_others() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def at_work(round_id: int, rater_id: int, seed: int) -> list[int]:
    """Rate until nothing is left, with a double click each time; now and then every lease of
    everybody runs out in between. The slots in which answers were said to be stored."""
    from django.utils import timezone

    from accounts.models import Rater
    from annotation.services import claim
    from core.errors import Conflict

    rater = Rater.objects.get(pk=rater_id)
    chance = random.Random(seed)
    stored: list[int] = []
    wait_for_the_others()
    while True:
        try:
            given = claim.next_slot(round_id=round_id, rater_id=rater_id, now=timezone.now())
        except Conflict:
            continue
        if given.assignment_id is None:
            return stored
        if chance.random() < 0.3:
            claim.expire(timezone.now() + LATER)
        for _ in range(2):
            answered = _answered(given.assignment_id, rater)
            if answered is not None:
                stored.append(answered.pk)


def _answered(assignment_id: int, rater: Any) -> Assignment | None:
    from django.utils import timezone

    from annotation.services import rating
    from core.errors import Conflict
    from tests.concurrency.racing import FOURS

    try:
        return rating.submit(
            assignment_id=assignment_id, rater=rater, labels=FOURS, now=timezone.now()
        )
    except Conflict as refusal:
        if refusal.code != "lease_lost":
            raise
        return None


def naive(round_id: int, rater_id: int, _seed: int) -> int:
    """What a claim must not be: look first, write later, without asking whether it still holds."""
    from django.utils import timezone

    from annotation.models import Assignment
    from annotation.states import AssignmentState

    open_slots = Assignment.objects.filter(round=round_id, state=AssignmentState.OPEN)
    slot = open_slots.order_by("pk").values_list("pk", flat=True)[0]
    wait_for_the_others()
    now = timezone.now()
    Assignment.objects.filter(pk=slot).update(
        state=AssignmentState.LEASED, rater=rater_id, lease_until=now, leased_at=now
    )
    return slot


def main(arguments: Sequence[str]) -> int:
    import django
    from django.db import connection

    name, act, *numbers = arguments
    django.setup()
    connection.settings_dict["NAME"] = name
    told = {AT_WORK: at_work, NAIVE: naive}[act](*map(int, numbers))
    print(json.dumps(told), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
