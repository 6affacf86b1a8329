"""Traffic has a term: then its texts go by themselves, in small steps, and figures stand."""

from __future__ import annotations

import importlib
from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Project
from annotation.models import Content, Dataset, Item
from annotation.queries import texts
from annotation.services import retention, traffic
from annotation.states import RoundKind, RoundState
from core import registry
from core.models import AuditEvent
from judges.models import Attempt, Call, Run
from judges.states import CallState
from tests import builders, judging

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NOW = builders.NOON + timedelta(minutes=40)


def row(number: int) -> dict[str, object]:
    return {"id": f"t{number}", "input": f"How do I share {number}?", "response": "Under files."}


def came(project: Project, *numbers: int, days: float = 91, now: datetime = NOW) -> list[Item]:
    """Traffic that came so many days ago."""
    items = traffic.keep(project=project, drafts=traffic.drafts([row(one) for one in numbers]))
    since = now - timedelta(days=days)
    Item.objects.filter(pk__in=[item.pk for item in items]).update(
        retained_since=since, created_at=since
    )
    return items


def erased() -> set[str]:
    return set(
        Item.objects.filter(content__erased_at__isnull=False).values_list("external_id", flat=True)
    )


def steps() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(verb="traffic.texts_erased").order_by("pk"))


def test_the_reconciler_does_it() -> None:
    assert registry.reconcilers()["old traffic"] is retention.end_terms


def test_texts_go_ninety_days_after_they_came_and_not_before(project: Project) -> None:
    came(project, 1, 2, days=91)
    came(project, 3, days=89)
    assert retention.end_terms(NOW) == 2
    assert erased() == {"t1", "t2"}
    gone = Item.objects.get(external_id="t1")
    assert gone.content is not None
    assert (gone.title, gone.content.body, gone.content.erased_at) == ("", {}, NOW)


def test_a_step_is_one_row_of_the_audit_trail_and_an_empty_one_is_none(project: Project) -> None:
    items = came(project, 1, 2)
    retention.end_terms(NOW)
    assert retention.end_terms(NOW) == 0
    [step] = steps()
    assert (step.actor, step.object_type, step.object_id, step.project_id) == (
        "system",
        "dataset",
        str(items[0].dataset_id),
        project.pk,
    )
    assert step.data == {"items": 2, "kept_for_days": 90}


def test_terms_end_by_whole_hours(project: Project) -> None:
    came(project, 1, days=90)
    assert retention.end_terms(NOW + timedelta(minutes=19)) == 0
    assert retention.end_terms(NOW + timedelta(minutes=60)) == 1


def test_a_step_is_bounded_and_the_next_one_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    came(project, 1, 2, 3)
    assert [retention.end_terms(NOW) for _ in range(3)] == [2, 1, 0]


def test_each_dataset_has_steps_of_its_own(project: Project) -> None:
    beside = builders.make_project(slug="beside")
    came(project, 1, days=92)
    came(beside, 2, days=91)
    assert [retention.end_terms(NOW) for _ in range(3)] == [1, 1, 0]
    assert [step.project_id for step in steps()] == [project.pk, beside.pk]


def test_the_setting_says_how_long_and_nought_is_for_good(
    project: Project, settings: Settings
) -> None:
    came(project, 1, days=8)
    settings.TRAFFIC_RETENTION_DAYS = 0
    assert retention.end_terms(NOW) == 0
    settings.TRAFFIC_RETENTION_DAYS = 7
    assert retention.end_terms(NOW) == 1
    assert steps()[0].data["kept_for_days"] == 7


def test_what_people_imported_has_no_term(project: Project) -> None:
    item = builders.make_item(builders.make_dataset(project))
    Item.objects.update(created_at=NOW - timedelta(days=900))
    assert Item.objects.get(pk=item.pk).retained_since is None
    assert retention.end_terms(NOW) == 0


def test_items_of_a_drift_round_wait_for_its_end(project: Project) -> None:
    drawn, _ = came(project, 1, 2)
    version = builders.make_guideline(project)
    round_ = builders.make_round(
        drawn.dataset, version, items=[drawn], raters=(), kind=RoundKind.DRIFT, name="Drift"
    )
    retention.end_terms(NOW)
    assert erased() == {"t2"}
    type(round_).objects.filter(pk=round_.pk).update(state=RoundState.CLOSED, closed_at=NOW)
    retention.end_terms(NOW)
    assert erased() == {"t1", "t2"}


def test_what_a_judge_is_asked_about_waits_and_stands_in_nobodys_way(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 1)
    asked, _ = came(project, 1, 2)
    guideline = builders.make_guideline(project)
    version = judging.make_version(
        judging.make_judge(project, guideline), guideline, both_orders=False
    )
    run = Run.objects.create(project=project, version=version, actor="u1")
    call = Call.objects.create(run=run, item=asked)
    assert retention.end_terms(NOW) == 1
    assert erased() == {"t2"}
    Call.objects.filter(pk=call.pk).update(state=CallState.FINISHED, outcome="ok", finished_at=NOW)
    Attempt.objects.create(
        call=call, number=1, owner="w", cache_key="1", prompt_digest="2", answer="zzq quoted",
        state="final", outcome="ok", cost="0.25", sent_at=NOW, finished_at=NOW,
    )  # fmt: skip
    assert retention.end_terms(NOW) == 1
    kept = Attempt.objects.get()
    assert (kept.answer, kept.outcome, float(kept.cost or 0)) == ("", "ok", 0.25)


def test_a_held_item_makes_no_empty_row(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken between the look and the lock is left to the next step."""
    came(project, 1)
    looks = iter([Item.objects.all(), Item.objects.all()])
    monkeypatch.setattr(texts, "free", lambda items: items & next(looks, Item.objects.none()))
    assert retention.end_terms(NOW) == 0
    assert steps() == []


def test_what_comes_again_begins_a_new_term(project: Project) -> None:
    came(project, 1, days=80, now=timezone.now())
    [item] = traffic.keep(project=project, drafts=traffic.drafts([row(1)]))
    since = Item.objects.get(pk=item.pk).retained_since
    assert since is not None
    assert timezone.now() - since < timedelta(minutes=5)


def test_what_comes_again_after_its_term_has_its_texts_again(project: Project) -> None:
    [before] = came(project, 1)
    body = Content.objects.get(item=before).body
    retention.end_terms(NOW)
    [item] = traffic.keep(project=project, drafts=traffic.drafts([row(1)]))
    assert item.pk == before.pk
    item.refresh_from_db()
    assert item.content is not None
    assert (item.content.body, item.content.erased_at) == (body, None)
    assert item.title == before.title
    assert item.retained_since is not None


def test_what_comes_all_the_time_writes_once_a_day(project: Project) -> None:
    came(project, 1, days=0.5, now=timezone.now())
    traffic.keep(project=project, drafts=traffic.drafts([row(1)]))
    since = Item.objects.get().retained_since
    assert since is not None
    assert timezone.now() - since > timedelta(hours=11)


def test_traffic_from_before_there_were_terms_has_one_since_it_came(project: Project) -> None:
    came(project, 1)
    imported = builders.make_item(builders.make_dataset(project))
    Item.objects.update(retained_since=None)
    importlib.import_module("annotation.migrations.0014_retain_traffic").begin_terms(apps, None)
    old = Item.objects.get(external_id="t1")
    assert old.retained_since == old.created_at
    assert Item.objects.get(pk=imported.pk).retained_since is None


def test_a_step_asks_as_often_whatever_it_finds(
    project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    came(project, *range(60))
    with django_assert_max_num_queries(45):
        assert retention.end_terms(NOW) == 60
    with django_assert_max_num_queries(1):
        assert retention.end_terms(NOW) == 0


def test_what_is_due_is_found_by_an_index_that_holds_nothing_else(project: Project) -> None:
    came(project, 1, 2)
    builders.make_item(builders.make_dataset(project))
    assert Dataset.objects.count() == 2
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Two rows are read faster without any index, a million are not.
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = retention.due(NOW).explain()
    assert "item_retained" in plan
