"""The ledger out: every attempt with its cost, its item only where verdicts may be read."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from pytest_django import Settings

from annotation.models import Item
from annotation.services import exporting
from annotation.states import Part
from core.registry import ExportScope
from judges.models import Attempt, Call
from judges.states import AttemptState
from tests import judging
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def test_the_cost_of_a_sealed_item_is_told_and_its_name_is_not(
    settings: Settings,
) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # planned here, asked nowhere
    scene = judging.make_scene(pairs=2)
    run = judging.make_run(scene.version, items=list(Item.objects.order_by("pk")))
    for call in Call.objects.filter(run=run, order="AB"):
        Attempt.objects.create(
            call=call,
            number=1,
            state=AttemptState.FINAL,
            outcome="ok",
            owner="w1",
            cache_key="k",
            prompt_digest="d",
            cost=Decimal("0.25"),
            answer="hush",
            sent_at=NOON,
            finished_at=NOON,
        )
    Item.objects.filter(external_id="p0").update(part=Part.SEALED)
    pieces = exporting.export(
        table=exporting.table_of("ledger"),
        form="jsonl",
        scope=ExportScope(scene.project.pk),
        actor="u1",
    )
    text = b"".join(pieces).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [(row.get("item"), row["cost"]) for row in rows] == [(None, 0.25), ("p1", 0.25)]
    assert "hush" not in text
