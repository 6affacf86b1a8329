"""Every copy of an item's texts, and words that may quote them: once erased, in no table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db.models import CharField, ForeignKey, JSONField, Model, TextField
from django.utils import timezone

from accounts.models import ApiToken
from annotation.models import (
    Assignment,
    Content,
    Correction,
    Draft,
    Flag,
    Item,
    ReferenceLabel,
    Withdrawal,
)
from annotation.queries.reports import FLAGGED
from annotation.services import itemerasing
from annotation.states import AssignmentState
from calibration.models import (
    ClauseNote,
    ReviewAnswer,
    ReviewItem,
    SessionComment,
    SessionItem,
    Settlement,
)
from core.blanking import GONE
from core.models import IdempotencyKey
from judges.models import Attempt, Call
from judges.states import CallState
from tests import builders
from tests.everything import everything
from tests.guards.scene import Scene, make_scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

MARK = "zzq words of the item"
OTHER = "zzq words of its neighbour"
ROOMS = ("core", "accounts", "annotation", "judges", "calibration")

GOES = {
    "Item": ("title", "extra"),
    "Correction": ("reason",),
    "GoldLabel": ("reason",),
    "Withdrawal": ("reason",),
    "Assignment": ("skip_reason",),
    "Rating": ("rationale",),
    "Draft": ("rationale",),
    "Flag": ("reason", "note"),
    "ReferenceLabel": ("reason",),
    "Call": ("problem",),
    "Attempt": ("answer", "problem"),
    "Verdict": ("rationale",),
    "SessionComment": ("text",),
    "Settlement": ("reason",),
    "ReviewAnswer": ("reason",),
    "ClauseNote": ("note",),
}
"""Columns of rows about an item that hold its texts, or words that may quote them."""

STAYS = {
    # Ids, keys and what breakdowns are made by.
    "Item": "external_id prompt_key cluster_key judged_span difficulty case source tags "
    "content_hash input_digest",
    "Response": "system digest",
    "Correction": "hash_before actor",
    # Labels, outcomes, digests, and who it was.
    "GoldLabel": "dimension_key label actor",
    "Withdrawal": "actor undone_by",
    "Rating": "label",
    "Draft": "labels",
    "Flag": "settled_by",
    "ReferenceLabel": "dimension_key label point ratings_digest actor",
    "Call": "order outcome owner",
    "Attempt": "owner cache_key prompt_digest outcome stop_reason request_id model_answered "
    "price_source price_as_of",
    "Verdict": "dimension_key label",
    "JudgeLabel": "dimension_key label outcome",
    "DriftLabel": "dimension_key",
    "Settlement": "label",
    "ReviewItem": "judge_label people_label foil",
    "ReviewAnswer": "label",
    # A line of the guideline itself.
    "ClauseNote": "clause done_by",
}


def ways(model: type[Model], seen: tuple[type[Model], ...] = ()) -> Iterator[str]:
    """The paths of foreign keys from a model's rows to an item."""
    if model is Item:
        yield ""
        return
    for field in model._meta.concrete_fields:
        target = field.related_model
        if isinstance(field, ForeignKey) and isinstance(target, type) and target not in seen:
            for rest in ways(target, (*seen, model)):
                yield f"{field.name}__{rest}".rstrip("_")


def about_items() -> dict[str, tuple[type[Model], list[str]]]:
    models = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
    found = {model.__name__: (model, list(ways(model))) for model in models}
    return {name: (model, paths) for name, (model, paths) in found.items() if paths}


def worded(model: type[Model]) -> list[str]:
    """Columns that could hold words of anybody's."""
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField | JSONField) and not field.choices
    ]


def test_every_column_of_words_about_items_goes_or_stays_for_a_reason() -> None:
    """A new column has to be put on one of the two lists above."""
    there = {
        f"{name}.{column}" for name, (model, _) in about_items().items() for column in worded(model)
    }
    goes = {f"{name}.{column}" for name, columns in GOES.items() for column in columns}
    stays = {f"{name}.{column}" for name, columns in STAYS.items() for column in columns.split()}
    assert goes | stays == there
    assert not goes & stays


def rows_about(item: Item, name: str) -> Any:
    model, paths = about_items()[name]
    found = model._default_manager.none().values("pk")
    for path in paths:
        lookup = {path: item.pk} if path else {"pk": item.pk}
        found = found.union(model._default_manager.filter(**lookup).values("pk"))
    return model._default_manager.filter(pk__in=[row["pk"] for row in found])


def write_everywhere(item: Item, mark: str) -> dict[str, int]:
    """Put words into every column that goes, of every row about the item; how many rows each."""
    written = {}
    for name, columns in GOES.items():
        for column in columns:
            value = {"note": mark} if column == "extra" else mark
            written[f"{name}.{column}"] = rows_about(item, name).update(**{column: value})
    return written


def body(mark: str) -> dict[str, Any]:
    return {
        "input": mark,
        "context": mark,
        "reference": mark,
        "messages": [{"role": "user", "text": mark}],
        "responses": [mark, mark],
    }


def fill(scene: Scene, item: Item, mark: str) -> None:
    """A row at least in every table that can hold words about an item; all words are these."""
    lead, version = scene.cast.lea, scene.own.preference
    rater = scene.own.others_assignment.rater
    assert rater is not None
    assert item.content is not None
    before = Content.objects.create(project=item.project, body=body(mark))
    Content.objects.filter(item=item).update(body=body(mark))
    Correction.objects.create(item=item, before=before, hash_before="0", reason="x", actor="u1")
    round_ = scene.own.draft_round
    Draft.objects.create(round=round_, item=item, rater=rater, saved_at=builders.NOON)
    Flag.objects.create(round=round_, item=item, rater=rater, reason="x", note="x")
    Withdrawal.objects.create(round=round_, item=item, reason="x", actor=lead.actor)
    builders.make_gold(item, version, labels={"preference": "A"})
    ReferenceLabel.objects.get_or_create(
        item=item, guideline=version.guideline, dimension_key="preference", major=1,
        method="adjudicated", version=9,
        defaults={"state": "decided", "label": "A", "actor": "u1", "reason": "x"},
    )  # fmt: skip
    place = SessionItem.objects.create(
        session=scene.own.revealed_session, item=item, position=90 + item.pk
    )
    SessionComment.objects.create(place=place, author=lead, text="x")
    Settlement.objects.create(
        place=place, dimension=version.dimensions.get(), revision=1, label="A", reason="x"
    )
    reviewed, _ = ReviewItem.objects.get_or_create(
        review=scene.own.open_review, item=item,
        defaults={"position": 90 + item.pk, "judge_label": "B", "people_label": "A",
                  "is_swapped": False},
    )  # fmt: skip
    ReviewAnswer.objects.get_or_create(place=reviewed, reviewer=lead, revision=2, reason="x")
    for where in ({"place": place}, {"review_place": reviewed}):
        ClauseNote.objects.create(guideline_version=version, line=1, clause="x", note="x", **where)
    IdempotencyKey.objects.create(
        principal=ApiToken.objects.get(project=item.project, rater__isnull=False).actor,
        key=f"next {item.pk}", request_digest="0", status=200,
        body={"assignment": {"id": 1, "item": {"id": item.pk, "input": mark}}},
    )  # fmt: skip
    Assignment.objects.filter(item=item).update(skip_reason="x")
    Attempt.objects.filter(call__item=item).update(is_cache_source=True)
    written = write_everywhere(item, mark)
    flagged = rows_about(item, "Assignment").earliest("pk")
    Assignment.objects.filter(pk=flagged.pk).update(skip_reason=f"{FLAGGED}{mark}")
    assert all(written.values()), [name for name, rows in written.items() if not rows]


def test_no_table_holds_the_texts_any_more() -> None:
    scene = make_scene()
    Call.objects.exclude(state=CallState.FINISHED).update(
        state=CallState.FINISHED, outcome="failed", finished_at=builders.NOON
    )
    item, neighbour = scene.own.open_items[:2]
    Assignment.objects.filter(pk=scene.own.own_lease.pk).update(
        state=AssignmentState.SKIPPED, lease_until=None
    )
    fill(scene, item, MARK)
    fill(scene, neighbour, OTHER)
    others = everything().count(OTHER)
    assert everything().count(MARK) >= 30
    itemerasing.erase(
        item_id=item.pk, reason="She asked for it.", by=scene.cast.ada, now=timezone.now()
    )
    assert MARK not in everything()
    assert everything().count(OTHER) == others
    assert IdempotencyKey.objects.count() == 1
    reasons = set(rows_about(item, "Assignment").values_list("skip_reason", flat=True))
    assert reasons == {GONE, f"{FLAGGED}{GONE}"}
