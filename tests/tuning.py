"""Judges with something to improve: a run whose labels differ from people's in a planted way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from annotation.models import Dataset, GuidelineVersion, Item, ReferenceLabel, Response
from annotation.states import Method, ReferenceState, RoundState
from judges.models import Call, JudgeLabel, JudgeVersion, Run, Verdict
from judges.states import CallState, RunPurpose, RunState
from tests import builders, judging
from tests.builders import NOON
from tests.judging import Scene

SEALED_MARK = "zqsealedzq"
SEALED_LENGTH = 987_654_321


@dataclass(frozen=True, slots=True)
class Tuning:
    """A judge of pairs with a combined run, and the items that it was wrong about."""

    scene: Scene
    run: Run
    items: Sequence[Item]
    lead: User

    @property
    def version(self) -> JudgeVersion:
        return self.scene.version


def label_people(
    item: Item,
    guideline: GuidelineVersion,
    label: str,
    *,
    key: str = "preference",
    method: Method = Method.PLURALITY,
    number: int = 1,
    state: ReferenceState = ReferenceState.DECIDED,
    reason: str = "",
    median: float | None = None,
) -> ReferenceLabel:
    is_a_persons = method in {Method.ADJUDICATED, Method.CORRECTED}
    return ReferenceLabel.objects.create(
        item=item,
        guideline=guideline.guideline,
        dimension_key=key,
        major=guideline.major,
        method=method,
        version=number,
        state=state,
        label=label,
        votes=3,
        median=median,
        ratings_digest=f"{item.pk:064d}",
        actor="u9" if is_a_persons else "",
        reason=reason
        or ("Read again." if method in {Method.ADJUDICATED, Method.CORRECTED} else ""),
    )


def make_combined(
    version: JudgeVersion,
    labels: Mapping[Item, str],
    *,
    key: str = "preference",
    why: str = "It reads better.",
    purpose: RunPurpose = RunPurpose.ORDINARY,
) -> Run:
    """A finished run with one call, one verdict and one label for each item."""
    first = next(iter(labels))
    run = Run.objects.create(
        project=version.judge.project,
        version=version,
        dataset=first.dataset,
        purpose=purpose,
        state=RunState.DONE,
        actor="u1",
        items_planned=len(labels),
        calls_planned=len(labels),
        finished_at=NOON,
        combined_at=NOON,
    )
    for item, label in labels.items():
        call = Call.objects.create(
            run=run, item=item, order="AB", state=CallState.FINISHED, outcome="ok", finished_at=NOON
        )
        Verdict.objects.create(call=call, dimension_key=key, label=label, rationale=why)
        JudgeLabel.objects.create(run=run, item=item, dimension_key=key, label=label, outcome="ok")
    return run


def make_tuning(*, misses: int = 9, hits: int = 3, lead: User, slug: str = "support") -> Tuning:
    """People say A; the judge says B, which is the longer one, on all but the last items."""
    scene = judging.make_scene(pairs=misses + hits, slug=slug)
    items = list(scene.dataset.items.order_by("pk"))
    for item in items:
        label_people(item, scene.guideline, "A")
        Response.objects.filter(item=item, position=1).update(length=900)
    labels = {item: "B" if place < misses else "A" for place, item in enumerate(items)}
    return Tuning(scene, make_combined(scene.version, labels), items, lead)


def seal_beside(tuning: Tuning, *, count: int = 3) -> list[Item]:
    """Sealed items in the same run, with marked texts, clusters, labels, ratings and reasons of
    people and judge, and one development item that shares a cluster with one of them."""
    dataset = builders.make_dataset(tuning.scene.project, name="sealed", share=0.5)
    sealed = [
        builders.make_pair(
            dataset,
            external_id=f"{SEALED_MARK}{n}",
            input=f"{SEALED_MARK} question {n}",
            cluster=f"{SEALED_MARK} cluster {n}",
        )
        for n in range(count)
    ]
    beside = builders.make_pair(
        dataset,
        external_id=f"{SEALED_MARK}-beside",
        input=f"{SEALED_MARK} beside",
        cluster=sealed[0].cluster_key,
    )
    _rate(tuning, dataset, [*sealed, beside])
    Response.objects.filter(item__dataset=dataset).update(length=SEALED_LENGTH)
    for item in [*sealed, beside]:
        label_people(item, tuning.scene.guideline, "A", reason=f"{SEALED_MARK} why")
        call = Call.objects.create(
            run=tuning.run,
            item=item,
            order="AB",
            state=CallState.FINISHED,
            outcome="ok",
            finished_at=NOON,
        )
        Verdict.objects.create(
            call=call, dimension_key="preference", label="B", rationale=f"{SEALED_MARK} verdict"
        )
        JudgeLabel.objects.create(
            run=tuning.run, item=item, dimension_key="preference", label="B", outcome="ok"
        )
    Item.objects.filter(pk__in=[item.pk for item in sealed]).update(part="sealed")
    return [*sealed, beside]


def _rate(tuning: Tuning, dataset: Dataset, items: Sequence[Item]) -> None:
    """A rater's labels of sealed items, with marked reasons."""
    rater = builders.rater_of(tuning.scene.project, builders.make_user(username="zoe"))
    round_ = builders.make_round(
        dataset,
        tuning.scene.guideline,
        items=items,
        raters=[rater],
        overlap=1,
        state=RoundState.CLOSED,
    )
    for item in items:
        slot = builders.make_rating(round_, item, rater, labels={"preference": "A"})
        slot.ratings.update(rationale=f"{SEALED_MARK} rationale")


def sealed_reads(captured: CaptureQueriesContext) -> list[str]:
    """Those of the statements whose rows hold anything of what `seal_beside` made, run again."""
    found = []
    with connection.cursor() as cursor:
        for sql in [query["sql"] for query in captured.captured_queries]:
            if sql.lstrip().upper().startswith("SELECT"):
                cursor.execute(sql)
                rows = repr(cursor.fetchall())
                if SEALED_MARK in rows or str(SEALED_LENGTH) in rows:
                    found.append(sql)
    return found
