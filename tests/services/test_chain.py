"""The audit trail's chains: every row has one place, and whatever is done to one shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core import audit, chain
from core.models import AuditEvent, AuditLink
from tests.concurrency.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NOON = datetime.fromisoformat("2026-11-26T12:30:00+00:00")


def write(project_id: int | None = 3, *, times: int = 1, verb: str = "round.opened") -> None:
    for place in range(times):
        audit.record(
            actor="u1",
            verb=verb,
            object_type="round",
            object_id=place,
            project_id=project_id,
            data={"share": 0.1 + place, "reason": "Grüße 判断", "to": [None, True]},
        )


def numbers(of: int) -> list[int]:
    return list(
        AuditLink.objects.filter(chain=of).order_by("number").values_list("number", flat=True)
    )


def doctor() -> str:
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError as refusal:
        out.write(str(refusal))
    return out.getvalue()


def test_each_project_has_a_chain_and_the_rest_has_one() -> None:
    write(3, times=3)
    write(4, times=2)
    write(None, times=1)
    assert chain.extend(NOON) == 6
    assert (numbers(3), numbers(4), numbers(chain.REST)) == ([1, 2, 3], [1, 2], [1])
    assert chain.extend(NOON) == 0
    assert chain.unchained() == 0


def test_a_chain_holds_and_goes_on_where_it_ended() -> None:
    for _ in range(3):
        write(times=2)
        chain.extend(NOON)
    state = chain.walk(3)
    assert (state.is_whole, state.rows) == (True, 6)
    assert state.last_event == AuditEvent.objects.latest("pk").pk


def test_more_rows_than_a_batch_are_chained_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 2)
    write(times=7)
    assert chain.extend(NOON) == 7
    events = AuditLink.objects.order_by("number").values_list("event_id", flat=True)
    assert list(events) == sorted(events)
    assert chain.walk(3).is_whole


def change(event: AuditEvent) -> None:
    AuditEvent.objects.filter(pk=event.pk).update(data={"reason": "Nothing happened."})


def move(event: AuditEvent) -> None:
    AuditEvent.objects.filter(pk=event.pk).update(project_id=4)


def redate(event: AuditEvent) -> None:
    AuditEvent.objects.filter(pk=event.pk).update(at=event.at - timedelta(microseconds=1))


def take_out(event: AuditEvent) -> None:
    AuditLink.objects.filter(event=event).delete()
    AuditEvent.objects.filter(pk=event.pk).delete()


def take_out_and_close_the_gap(event: AuditEvent) -> None:
    number = AuditLink.objects.get(event=event).number
    take_out(event)
    for link in AuditLink.objects.filter(number__gt=number).order_by("number"):
        AuditLink.objects.filter(pk=link.pk).update(number=link.number - 1)


@pytest.mark.parametrize("harm", [change, move, redate, take_out, take_out_and_close_the_gap])
def test_doctor_names_the_first_row_that_does_not_hold(
    harm: Callable[[AuditEvent], None],
) -> None:
    write(times=5)
    chain.extend(NOON)
    assert "5 rows in 1 chain hold" in doctor()
    third, fourth = AuditEvent.objects.order_by("pk")[2:4]
    harm(third)
    broken = fourth if harm in (take_out, take_out_and_close_the_gap) else third
    state = chain.walk(3)
    assert (state.rows, state.broken_event) == (2, broken.pk)
    assert f"BAD audit chains: the chain of project 3 breaks at audit row {broken.pk}" in doctor()


def test_doctor_counts_the_rows_that_wait() -> None:
    write(times=2)
    chain.extend(NOON)
    write(times=3)
    assert "2 rows in 1 chain hold; 3 rows not chained yet" in doctor()


def test_a_chained_row_cannot_be_deleted_beside_its_link() -> None:
    write()
    chain.extend(NOON)
    with pytest.raises(IntegrityError):
        _delete_every_row()


def _delete_every_row() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_auditevent")
        connection.check_constraints()


def test_a_row_that_is_committed_late_is_chained_after_the_others() -> None:
    write(times=3)
    late = AuditEvent.objects.earliest("pk")
    AuditEvent.objects.filter(pk=late.pk).delete()
    chain.extend(NOON)
    late.save(force_insert=True)
    assert chain.extend(NOON + timedelta(minutes=9)) == 1
    assert AuditLink.objects.get(event=late).number == 3
    assert chain.walk(3).is_whole


def test_a_row_that_is_committed_very_late_is_found_within_the_hour() -> None:
    write(times=3)
    late = AuditEvent.objects.earliest("pk")
    AuditEvent.objects.filter(pk=late.pk).delete()
    chain.extend(NOON)
    late.save(force_insert=True)
    assert chain.extend(NOON + timedelta(minutes=20)) == 0
    assert chain.unchained() == 1
    assert chain.extend(NOON + timedelta(minutes=30)) == 1


def test_chaining_asks_only_for_what_came_lately() -> None:
    write(times=3)
    chain.extend(NOON)
    assert chain._settled(NOON + timedelta(hours=1)) == AuditEvent.objects.latest("pk").pk
    assert chain._settled(NOON + timedelta(minutes=5)) is None


@pytest.mark.django_db(transaction=True)
def test_workers_that_chain_at_once_give_each_row_one_place() -> None:
    for _ in range(6):
        write(times=20)
        at_once([lambda: chain.extend(timezone.now()) for _ in range(3)])
    while chain.unchained():
        chain.extend(timezone.now())
    assert numbers(3) == list(range(1, 121))
    assert chain.walk(3).is_whole


def test_a_number_is_given_once() -> None:
    write(times=2)
    chain.extend(NOON)
    first, second = AuditLink.objects.order_by("number")
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditLink.objects.filter(pk=second.pk).update(number=first.number)
