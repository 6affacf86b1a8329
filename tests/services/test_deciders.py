"""Who may decide about a measured version, and when it is too late to."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from accounts.models import User
from accounts.roles import Role
from annotation.models import GuidelineVersion, SealedSet
from annotation.states import Part, VersionState
from core.errors import Conflict, NotAllowed
from judges.models import ApprovalRequest, Decision, EvidenceSnapshot, JudgeVersion, Standing
from judges.services import decisions, versions
from judges.states import DecisionKind, RequestState, RunPurpose
from tests import builders, judging
from tests.builders import NOON

pytestmark = pytest.mark.django_db(transaction=True)

PREFERENCE = frozenset({"preference"})


@dataclass
class Scene:
    """A baseline by lea whose one dimension passed; ada wrote nothing."""

    judged: judging.Scene
    version: JudgeVersion
    request: ApprovalRequest
    lea: User
    ada: User

    def approve(self, by: User) -> Decision:
        return decisions.decide(
            request_id=self.request.pk, approve=PREFERENCE, reason="It passed.", by=by, now=NOON
        )


@pytest.fixture
def scene(db: None) -> Scene:
    judged = judging.make_scene(pairs=1)
    lea, ada = (
        builders.join(judged.project, builders.make_user(username=name), Role.ADMIN)
        for name in ("lea", "ada")
    )
    version = versions.save_baseline(
        judge=judged.judge, guideline_version=judged.guideline, author=lea
    ).version
    dataset = builders.make_dataset(judged.project, name="sealed", share=0.5)
    item = builders.make_pair(dataset, external_id="s1", part=Part.SEALED)
    run = judging.make_run(version, items=[item], purpose=RunPurpose.APPROVAL)
    sealed_set = SealedSet.objects.create(dataset=dataset)
    request = ApprovalRequest.objects.create(
        project=judged.project,
        version=version,
        sealed_set=sealed_set,
        dimensions=["preference"],
        state=RequestState.MEASURED,
        run=run,
        actor=lea.actor,
    )
    EvidenceSnapshot.objects.create(
        request=request,
        version=version,
        run=run,
        sealed_set=sealed_set,
        dimension_key="preference",
        major=1,
        fingerprint=version.fingerprint,
        gate="pass",
        seed=1,
        labels_digest="labels",
        verdicts_digest="verdicts",
    )
    return Scene(judged, version, request, lea, ada)


def test_an_admin_who_did_not_write_the_version_approves_it(scene: Scene) -> None:
    assert scene.approve(scene.ada).kind == DecisionKind.APPROVE
    assert Standing.objects.get().dimensions == ["preference"]


def test_whoever_wrote_the_same_fingerprint_under_another_judge_decides_nothing(
    scene: Scene,
) -> None:
    twin = judging.make_judge(scene.judged.project, scene.judged.guideline, name="Twin")
    versions.save_baseline(judge=twin, guideline_version=scene.judged.guideline, author=scene.ada)
    with pytest.raises(NotAllowed):
        scene.approve(scene.ada)
    assert not Decision.objects.exists()


def test_nothing_is_approved_under_a_guideline_that_has_a_new_major_version(scene: Scene) -> None:
    GuidelineVersion.objects.update(state=VersionState.SUPERSEDED)
    GuidelineVersion.objects.create(
        guideline=scene.judged.guideline.guideline, major=2, state=VersionState.PUBLISHED
    )
    with pytest.raises(Conflict) as refusal:
        scene.approve(scene.ada)
    assert refusal.value.code == "guideline_moved_on"
    refused = decisions.decide(
        request_id=scene.request.pk, approve=frozenset(), reason="Too late.", by=scene.ada, now=NOON
    )
    assert refused.kind == DecisionKind.REFUSE


def test_a_new_minor_version_does_not_stop_an_approval(scene: Scene) -> None:
    GuidelineVersion.objects.update(state=VersionState.SUPERSEDED)
    GuidelineVersion.objects.create(
        guideline=scene.judged.guideline.guideline, major=1, minor=1, state=VersionState.PUBLISHED
    )
    assert scene.approve(scene.ada).kind == DecisionKind.APPROVE


def test_revoking_twice_is_a_conflict(scene: Scene) -> None:
    scene.approve(scene.ada)
    standing_id = Standing.objects.get().pk
    decisions.revoke(standing_id=standing_id, reason="It drifted.", by=scene.ada, now=NOON)
    with pytest.raises(Conflict) as refusal:
        decisions.revoke(standing_id=standing_id, reason="It drifted.", by=scene.ada, now=NOON)
    assert refusal.value.code == "not_standing"


def test_nobody_but_an_admin_of_the_project_decides(scene: Scene) -> None:
    lead = builders.join(scene.judged.project, builders.make_user(username="eve"), Role.LEAD)
    for person in (lead, builders.make_user(username="stranger")):
        with pytest.raises(NotAllowed):
            scene.approve(person)
    assert not Decision.objects.exists()
