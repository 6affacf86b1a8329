"""A project whose judge asks for an approval: sealed pairs, three raters' labels, its verdicts.

The verdicts of the sealed run are written as a worker would have left them; that a worker does
so over real HTTP is what the engine's tests and the demo's show.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import Project, User
from annotation.models import Dataset, GuidelineVersion, Item, ReferenceLabel, SealedSet
from annotation.services import datasets, importing, label_import
from annotation.states import Part, Provenance, ReferenceState
from calibration.demo import people, texts
from calibration.services import approvals
from judges.models import (
    ApprovalRequest,
    Call,
    Decision,
    EvidenceSnapshot,
    Judge,
    JudgeLabel,
    JudgeVersion,
    Look,
    Run,
)
from judges.services import decisions
from judges.states import CallState, RunState
from tests import builders, judging
from tests.builders import NOON
from tests.cast import Cast, make_cast

SEALED_MARK = "zqsealedzq"
PLUMB, SLANT = "sim-plumb-1", "sim-slant-1"
ENOUGH = 230


@dataclass(frozen=True, slots=True)
class Scene:
    """Lea wrote the judge; ada is an admin who wrote nothing."""

    project: Project
    cast: Cast
    dataset: Dataset
    guideline: GuidelineVersion
    judge: Judge
    version: JudgeVersion

    def another(self, model: str = SLANT) -> JudgeVersion:
        return judging.make_version(
            self.judge, self.guideline, author=self.cast.lea, model=model, note="another"
        )

    def ask(
        self, version: JudgeVersion | None = None, *, by: User | None = None
    ) -> ApprovalRequest:
        return approvals.ask(
            version=version or self.version,
            sealed_set=self.dataset.sealed_set,
            dimensions=["preference"],
            by=by or self.cast.lea,
            now=NOON,
        )

    def sealed(self) -> list[Item]:
        return list(Item.objects.filter(dataset=self.dataset, part=Part.SEALED).order_by("pk"))


def make_scene(*, pairs: int = ENOUGH, share: float = 0.95) -> Scene:
    """Pairs with a sealed part, all labelled by the demo's three simulated raters."""
    project = builders.make_project()
    cast = make_cast(project)
    guideline = builders.make_guideline(project, pairwise=True)
    dataset = datasets.create(
        project=project,
        name="sealed pairs",
        share=share,
        provenance=Provenance.SIMULATED,
        actor="system",
        is_simulated=True,
    )
    # The same items are sealed in every run of the tests.
    SealedSet.objects.filter(dataset=dataset).update(salt="0" * 32)
    importing.add_items(
        dataset=dataset,
        drafts=texts.pairs(start=0, count=pairs),
        actor="system",
        name="test",
    )
    items = Item.objects.filter(dataset=dataset).select_related("content").order_by("pk")
    label_import.add_labels(
        dataset=dataset,
        rows=list(people.preferences(items)),
        name="test",
        guideline_name=guideline.guideline.name,
        actor="system",
        now=NOON,
        is_simulated=True,
    )
    for item in items.filter(part=Part.SEALED):
        item.title = f"{SEALED_MARK} {item.title}"
        item.save(update_fields=["title"])
    judge = judging.make_judge(project, guideline, name="Preference")
    version = judging.make_version(judge, guideline, author=cast.lea, model=PLUMB)
    return Scene(project, cast, dataset, guideline, judge, version)


def finish(run: Run, *, misses: int) -> None:
    """End a run as a worker does, with people's labels on all but every `misses`-th item."""
    items = list(Item.objects.filter(calls__run=run).distinct().order_by("pk"))
    right = dict(
        ReferenceLabel.objects.filter(item__in=items, state=ReferenceState.DECIDED).values_list(
            "item_id", "label"
        )
    )
    labels = [
        JudgeLabel(
            run=run,
            item=item,
            dimension_key="preference",
            label=_said(right.get(item.pk, "A"), is_right=place % misses != 0),
            outcome="ok",
            is_consistent=True,
        )
        for place, item in enumerate(items)
    ]
    JudgeLabel.objects.bulk_create(labels)
    Call.objects.filter(run=run).update(
        state=CallState.FINISHED, outcome="ok", finished_at=timezone.now()
    )
    Run.objects.filter(pk=run.pk).update(
        state=RunState.DONE, finished_at=timezone.now(), combined_at=timezone.now()
    )


def _said(label: str, *, is_right: bool) -> str:
    return label if is_right else {"A": "B", "B": "A", "tie": "A"}[label]


def measured(scene: Scene, *, passes: bool = True) -> ApprovalRequest:
    """A request whose look has passed, or has not."""
    asked = scene.ask()
    assert asked.run is not None
    finish(asked.run, misses=12 if passes else 4)
    approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    asked.refresh_from_db()
    return asked


def approved(scene: Scene) -> Decision:
    """Ada has approved what passed, just now."""
    asked = measured(scene)
    return decisions.decide(
        request_id=asked.pk,
        approve=frozenset({"preference"}),
        reason="It passed.",
        by=scene.cast.ada,
        now=timezone.now(),
    )


def with_second_dimension(asked: ApprovalRequest, *, gate: str, number: int = 1) -> None:
    """The same look on one more dimension."""
    evidence = EvidenceSnapshot.objects.get(request=asked)
    copy = EvidenceSnapshot.objects.get(pk=evidence.pk)
    copy.pk, copy.dimension_key, copy.gate = None, "tone", gate
    copy.numbers = {**copy.numbers, "gate": {**copy.numbers["gate"], "decision": gate}}
    copy.save(force_insert=True)
    Look.objects.create(
        sealed_set=asked.sealed_set, dimension_key="tone", number=number, evidence=copy
    )
