"""`doctor` finds what it is there to find."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.roles import Role
from annotation.models import Item, RoundItem, RoundRater
from annotation.queries import health
from annotation.states import Part
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def _rated_round() -> RoundItem:
    project = builders.make_project()
    ana = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    rater = builders.rater_of(project, ana)
    dataset = builders.make_dataset(project)
    item = builders.make_item(dataset)
    version = builders.make_guideline(project, keys=("accuracy",))
    round_ = builders.make_round(dataset, version, items=[item], raters=[rater])
    builders.make_rating(round_, item, rater, labels={"accuracy": "4"})
    found = RoundItem.objects.get(round=round_, item=item)
    found.taken = 1
    found.save()
    return found


def test_a_sound_house_passes_every_check() -> None:
    _rated_round()
    out = StringIO()
    call_command("doctor", stdout=out)
    assert "checks hold" in out.getvalue()
    assert "BAD" not in out.getvalue()


def test_a_wrong_counter_is_found() -> None:
    found = _rated_round()
    RoundItem.objects.filter(pk=found.pk).update(taken=3)
    assert not health.counters_are_true().is_ok
    with pytest.raises(CommandError, match="1 of"):
        call_command("doctor", stdout=StringIO())


def test_a_wrong_counter_of_a_rater_is_found() -> None:
    _rated_round()
    RoundRater.objects.update(answered=2)
    assert not health.raters_counters_are_true().is_ok


def test_a_sealed_item_without_its_set_is_found() -> None:
    _rated_round()
    Item.objects.update(part=Part.SEALED)
    assert not health.sealed_items_have_a_set().is_ok
