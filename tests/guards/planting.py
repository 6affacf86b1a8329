"""One project with everything in it: open, half rated, imported, sealed, judged, approved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import ApiToken, Invitation, Notice, Project, Rater, User
from accounts.roles import Role, Scope
from annotation.models import (
    Assignment,
    Dataset,
    Draft,
    Flag,
    GoldItem,
    GuidelineVersion,
    Item,
    Rating,
    ReferenceLabel,
    Response,
    Round,
    RoundItem,
    RoundRater,
    SealedSet,
    Upload,
    Withdrawal,
)
from annotation.services import uploads
from annotation.services.importing import ItemImport
from annotation.states import (
    AssignmentState,
    DatasetKind,
    Method,
    Part,
    Provenance,
    ReferenceState,
    RoundKind,
    RoundState,
)
from calibration.models import (
    CalibrationReport,
    CalibrationSession,
    ClauseNote,
    Review,
    ReviewAnswer,
    ReviewItem,
    SessionComment,
    SessionItem,
    Settlement,
)
from calibration.states import ReviewState, SessionState
from core import audit
from core.models import Job, JobState
from judges.models import (
    ApprovalRequest,
    Judge,
    JudgeVersion,
    Probe,
    ProviderKey,
    Run,
)
from judges.services import keys
from judges.states import KeyProvider, RunPurpose
from tests import builders, judging, sessions
from tests.builders import NOON
from tests.guards.planted_judges import (
    approvals,
    finished_run,
    open_report,
    probe_of,
    running_run,
)
from tests.guards.words import (
    API_KEY,
    CLAUSE_OF_SESSION,
    CLUSTER,
    DRAFT_OF_BEN,
    EXTERNAL_ID,
    EXTRA,
    FLAG_OF_BEN,
    NOTICE_OF,
    NOW,
    OPEN_ANSWER,
    OPEN_REFERENCE_WHY,
    OPEN_VERDICT_WHY,
    SAID_IN_SESSION,
    SEALED_REFERENCE_WHY,
    SERVED_ANSWER,
    SERVED_VERDICT_WHY,
    SETTLED_IN_SESSION,
    SYSTEMS,
    rationale,
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one project that addresses name."""

    project: Project
    open_set: Dataset
    sealed_set: Dataset
    preference: GuidelineVersion
    rubric: GuidelineVersion
    draft: GuidelineVersion
    open_round: Round
    draft_round: Round
    sealed_round: Round
    imported_round: Round
    open_items: Sequence[Item]
    sealed_items: Sequence[Item]
    judge: Judge
    versions: Sequence[JudgeVersion]
    open_run: Run
    running_run: Run
    served_run: Run
    requests: Sequence[ApprovalRequest]
    report: CalibrationReport
    upload: Upload
    job: Job
    own_assignment: Assignment
    own_lease: Assignment
    others_assignment: Assignment
    token: ApiToken
    invitation: Invitation
    member: User
    gold: GoldItem
    withdrawal: Withdrawal
    qualification: Round
    contested: ReferenceLabel
    provider_key: ProviderKey
    probe: Probe
    draft_session: CalibrationSession
    blind_session: CalibrationSession
    revealed_session: CalibrationSession
    clause_note: ClauseNote
    open_review: Review
    closed_review: Review
    drift_round: Round


def plant(project: Project, *, raters: Sequence[User], lead: User) -> tuple[Rows, dict[Scope, str]]:
    """The rows of one project and the secrets of its tokens; the first rater is `ana` of it."""
    preference = builders.make_guideline(project, name="Which helps more", pairwise=True)
    rubric = builders.make_guideline(project, name="Support answers")
    draft = builders.make_guideline(project, name="Tone", keys=("tone",), publish=False)
    people = [builders.rater_of(project, user) for user in raters]
    open_set, open_items, open_round = _open(project, preference, people)
    own_assignment, own_lease, others = _rate_half(open_round, open_items, people)
    imported_round = _imported(project, rubric, open_set)
    sealed_set, sealed_items, sealed_round = _sealed(project, preference, people)
    draft_round = builders.make_round(
        open_set,
        rubric,
        items=open_items[:1],
        raters=(),
        name="Not open yet",
        state=RoundState.DRAFT,
    )
    judge = judging.make_judge(project, preference, name=f"Helpful {project.slug}")
    versions = [
        judging.make_version(judge, preference, author=lead, max_tokens=1000 + number)
        for number in range(3)
    ]
    open_run = finished_run(
        versions[0], open_set, open_items, why=OPEN_VERDICT_WHY, answer=OPEN_ANSWER
    )
    running = running_run(versions[1], open_set, open_items)
    requests = approvals(versions, sealed_set, lead)
    served = _served(versions[1], sealed_items[0])
    upload = uploads.store(
        dataset=open_set,
        file=SimpleUploadedFile("more.csv", b"id,input,response\n1,How?,So.\n"),
        actor=lead.actor,
    )
    job = Job.objects.create(
        kind=uploads.ITEMS,
        project_id=project.pk,
        actor=lead.actor,
        state=JobState.DONE,
        plan={"dataset": open_set.pk, "upload": upload.pk, "file": upload.name},
        result=ItemImport(added=len(open_items)).as_dict(),
    )
    secrets = {}
    token = None
    for scope in Scope:
        token, secrets[scope] = builders.make_token(
            project, scopes=[scope], rater=people[0] if scope is Scope.RATE else None
        )
    assert token is not None
    # Used just now: noting the use of a token is not what reading is watched for.
    ApiToken.objects.filter(project=project).update(last_used_at=timezone.now())
    _notices(project, raters)
    audit.record(actor=lead.actor, verb="round.opened", object_type="round", project_id=project.pk)
    gold_item = builders.make_pair(open_set, external_id=f"gold-{project.slug}")
    gold = builders.make_gold(gold_item, preference, labels={"preference": "A"})
    rows = Rows(
        project=project,
        open_set=open_set,
        sealed_set=sealed_set,
        preference=preference,
        rubric=rubric,
        draft=draft,
        open_round=open_round,
        draft_round=draft_round,
        sealed_round=sealed_round,
        imported_round=imported_round,
        open_items=open_items,
        sealed_items=sealed_items,
        judge=judge,
        versions=versions,
        open_run=open_run,
        running_run=running,
        served_run=served,
        requests=requests,
        report=open_report(open_run),
        upload=upload,
        job=job,
        own_assignment=own_assignment,
        own_lease=own_lease,
        others_assignment=others,
        token=token,
        invitation=Invitation.objects.create(
            project=project,
            digest=f"digest of {project.slug}",
            hint="abcd",
            roles=[Role.RATER],
            expires_at=timezone.now() + timedelta(days=7),
            made_by=lead,
        ),
        member=raters[0],
        gold=gold,
        withdrawal=_withdrawn(open_round, open_items[-1], lead),
        qualification=_qualification(gold, preference, people),
        contested=_contested(imported_round, lead),
        provider_key=keys.set_key(
            project=project,
            provider=KeyProvider.ANTHROPIC,
            base_url="http://127.0.0.1:9/other",
            key=API_KEY,
            by=lead,
            now=NOW,
        ),
        probe=probe_of(versions[0], open_set, open_items),
        drift_round=_drifting(project, preference, people[1:]),
        **_sessions(project, preference, people, lead),
        open_review=_review(open_run, open_items, lead),
        closed_review=_review(open_run, open_items, lead, is_closed=True),
    )
    return rows, secrets


def _drifting(project: Project, version: GuidelineVersion, people: Sequence[Rater]) -> Round:
    """A drift round that ben and cem rated, and no judge has seen yet."""
    dataset = builders.make_dataset(project, name="In use")
    items = _pairs(dataset, "uvw", Part.DEVELOPMENT)
    made = builders.make_round(
        dataset,
        version,
        items=items,
        raters=people,
        name="Drift",
        overlap=2,
        kind=RoundKind.DRIFT,
    )
    for rater, who in zip(people, ("ben", "cem"), strict=True):
        row = builders.make_rating(made, items[0], rater, labels={"preference": "A"})
        row.ratings.update(rationale=rationale(who, "open"))
    return made


def _notices(project: Project, raters: Sequence[User]) -> None:
    """Each rater has one; and so has everybody who is no member, as if they had been one."""
    for person in (*raters, *User.objects.exclude(memberships__project=project)):
        Notice.objects.create(
            user=person,
            project=project,
            kind="round.open",
            key=f"round.open:{project.slug}",
            subject=f"{NOTICE_OF}{project.slug}",
            address=f"/projects/{project.slug}/",
        )


def _pairs(dataset: Dataset, clusters: Sequence[str], part: Part) -> list[Item]:
    """Pairs with planted systems, ids and columns; the texts are what everybody may read."""
    made = []
    for number, cluster in enumerate(clusters):
        name = f"{dataset.pk}-{part}-{number}"
        item = builders.make_pair(
            dataset,
            external_id=f"{EXTERNAL_ID}{name}",
            cluster=f"{CLUSTER}{dataset.pk}-{part}-{cluster}",
            input=f"How do I cancel number {name}?",
            part=part,
        )
        item.extra = {"note": EXTRA}
        item.save()
        for response, system in zip(item.responses.all(), SYSTEMS, strict=True):
            response.system = system
            response.save()
        made.append(item)
    return made


def _open(
    project: Project, version: GuidelineVersion, raters: Sequence[Rater]
) -> tuple[Dataset, list[Item], Round]:
    dataset = builders.make_dataset(project, name="Week 46")
    items = _pairs(dataset, "abcdef", Part.DEVELOPMENT)
    return dataset, items, builders.make_round(dataset, version, items=items, raters=raters)


def _sessions(
    project: Project, version: GuidelineVersion, people: Sequence[Rater], lead: User
) -> dict[str, Any]:
    """A draft, one that everybody rates blind, and one that ben and cem rated and that is
    revealed: ana takes part in the first two."""
    dataset = builders.make_dataset(project, name="Talked about")
    items = [
        builders.make_pair(dataset, external_id=f"t{n}", input=f"How do I share number {n}?")
        for n in range(6)
    ]
    draft = sessions.make_session(
        dataset, version, items=items[:2], raters=people, name="To be started"
    )
    blind = sessions.make_session(
        dataset, version, items=items[2:4], raters=people, name="Rated now",
        state=SessionState.BLIND,
    )  # fmt: skip
    revealed = sessions.make_session(
        dataset, version, items=items[4:], raters=people[1:], name="Talked about",
        state=SessionState.REVEALED,
    )  # fmt: skip
    for rater, who, labels in zip(people, ("ana", "ben", "cem"), ("A", "AB", "BA"), strict=True):
        for item, label in zip(items[2:4], labels, strict=False):
            sessions.say(blind, item, rater, label, rationale(who, "blind"))
    for rater, who, labels in zip(people[1:], ("ben", "cem"), ("AB", "AA"), strict=True):
        for item, label in zip(items[4:], labels, strict=True):
            sessions.say(revealed, item, rater, label, rationale(who, "open"))
    sessions.reveal_rows(revealed)
    place = SessionItem.objects.get(session=revealed, item=items[4])
    SessionComment.objects.create(place=place, author=lead, text=SAID_IN_SESSION)
    Settlement.objects.create(
        place=place, dimension=version.dimensions.get(), revision=1, label="A",
        reason=SETTLED_IN_SESSION, author=lead,
    )  # fmt: skip
    note = ClauseNote.objects.create(
        guideline_version=version, place=place, line=1, clause=version.text, note=CLAUSE_OF_SESSION,
        author=lead,
    )  # fmt: skip
    return {
        "draft_session": draft,
        "blind_session": blind,
        "revealed_session": revealed,
        "clause_note": note,
    }


def _review(run: Run, items: Sequence[Item], lead: User, *, is_closed: bool = False) -> Review:
    """A difference that the lead answered, and an agreement; closed, people were wrong."""
    review = Review.objects.create(
        project=run.project,
        run=run,
        dimension=run.version.guideline_version.dimensions.get(),
        state=ReviewState.CLOSED if is_closed else ReviewState.OPEN,
        closed_at=NOW if is_closed else None,
        seed=1,
        differing=1,
        agreeing=1,
        before={"value": 0.5, "n": 2, "interval": [0.1, 0.9], "undefined_because": ""},
        author=lead,
    )
    place = ReviewItem.objects.create(
        review=review, item=items[0], position=1, judge_label="B", people_label="A",
        is_swapped=False,
    )  # fmt: skip
    ReviewItem.objects.create(
        review=review, item=items[1], position=2, judge_label="A", people_label="A", foil="B",
        is_swapped=True,
    )  # fmt: skip
    ReviewAnswer.objects.create(
        place=place, reviewer=lead, revision=1, label="B", reason="It says how."
    )
    return review


def _qualification(gold: GoldItem, version: GuidelineVersion, people: Sequence[Rater]) -> Round:
    round_ = Round.objects.create(
        project=gold.item.project,
        dataset=gold.item.dataset,
        guideline_version=version,
        name="Qualification",
        overlap=1,
        kind=RoundKind.QUALIFICATION,
        state=RoundState.OPEN,
        opened_at=NOON,
        pass_share=0.8,
        pass_items=1,
    )
    RoundItem.objects.create(round=round_, item=gold.item, shuffle=0, is_full=True)
    for rater in people:
        RoundRater.objects.create(round=round_, rater=rater)
    return round_


def _withdrawn(round_: Round, item: Item, lead: User) -> Withdrawal:
    """An item that nobody rated, out of the round."""
    made = Withdrawal.objects.create(
        round=round_, item=item, reason="It is broken.", actor=lead.actor
    )
    RoundItem.objects.filter(round=round_, item=item).update(taken=0, is_full=True, withdrawal=made)
    Assignment.objects.filter(round=round_, item=item).update(
        state=AssignmentState.WITHDRAWN, withdrawal=made
    )
    return made


def _rate_half(
    round_: Round, items: Sequence[Item], raters: Sequence[Rater]
) -> tuple[Assignment, Assignment, Assignment]:
    """Ana did one item and holds the second; ben and cem did three, and ben left work behind."""
    ana, ben, cem = raters
    own = _rate(round_, items[0], ana, "A", rationale("ana", "now"))
    others = [
        _rate(round_, item, rater, label, rationale(who, "now"))
        for rater, who, labels in ((ben, "ben", "ABA"), (cem, "cem", "BBA"))
        for item, label in zip(items, labels, strict=False)
    ]
    lease = Assignment.objects.filter(
        round=round_, item=items[1], state=AssignmentState.OPEN
    ).earliest("slot")
    lease.rater = ana
    lease.state = AssignmentState.LEASED
    lease.guideline_version = round_.guideline_version
    lease.leased_at, lease.lease_until = NOW, NOW + timedelta(minutes=30)
    lease.save()
    Draft.objects.create(
        round=round_,
        item=items[1],
        rater=ben,
        labels={"preference": "B"},
        rationale=DRAFT_OF_BEN,
        saved_at=NOON,
    )
    Flag.objects.create(round=round_, item=items[1], rater=ben, reason=FLAG_OF_BEN)
    for place in RoundItem.objects.filter(round=round_):
        place.taken = Assignment.objects.filter(
            round=round_, item=place.item, rater__isnull=False
        ).count()
        place.is_full = place.taken == round_.overlap
        place.save()
    _reference(round_, items[:1], OPEN_REFERENCE_WHY)
    return own, lease, others[0]


def _rate(round_: Round, item: Item, rater: Rater, label: str, why: str) -> Assignment:
    slot = builders.make_rating(round_, item, rater, labels={"preference": label})
    Rating.objects.filter(assignment=slot).update(rationale=why)
    return slot


def _sealed(
    project: Project, version: GuidelineVersion, raters: Sequence[Rater]
) -> tuple[Dataset, list[Item], Round]:
    """Two clusters of two sealed items each, two development items, all rated by all three."""
    dataset = builders.make_dataset(project, name="Release 1.5", share=0.5)
    SealedSet.objects.create(dataset=dataset, provenance=Provenance.COLLECTED, frozen_at=NOON)
    items = _pairs(dataset, "aabb", Part.SEALED)
    others = _pairs(dataset, "cd", Part.DEVELOPMENT)
    round_ = builders.make_round(
        dataset,
        version,
        items=[*items, *others],
        raters=raters,
        name="Sealed round",
        state=RoundState.CLOSED,
    )
    round_.closed_at = NOON
    round_.save()
    said = ("ABA", "BBB", "BAA", "AAA", "ABB", "BBA")
    for item, labels in zip([*items, *others], said, strict=True):
        where = "sealed" if item.part == Part.SEALED else "open"
        for rater, who, label in zip(raters, ("ana", "ben", "cem"), labels, strict=True):
            _rate(round_, item, rater, label, rationale(who, where))
    RoundItem.objects.filter(round=round_).update(taken=3, is_full=True)
    _reference(round_, items, SEALED_REFERENCE_WHY)
    _reference(round_, others, OPEN_REFERENCE_WHY)
    return dataset, items, round_


def _served(version: JudgeVersion, sealed: Item) -> Run:
    """What a machine asked about the prompt of a sealed item, and was answered."""
    project = sealed.project
    dataset = Dataset.objects.create(project=project, name="Traffic", kind=DatasetKind.TRAFFIC)
    item = builders.make_pair(
        dataset,
        external_id="served",
        cluster=sealed.cluster_key,
        input=sealed.title,
        part=Part.NONE,
    )
    return finished_run(
        version,
        dataset,
        [item],
        why=SERVED_VERDICT_WHY,
        answer=SERVED_ANSWER,
        purpose=RunPurpose.SERVING,
    )


def _reference(round_: Round, items: Sequence[Item], why: str) -> None:
    labels = itertools.cycle("ABAA")
    for item in items:
        ReferenceLabel.objects.create(
            item=item,
            guideline=round_.guideline_version.guideline,
            dimension_key="preference",
            major=1,
            method=Method.PLURALITY,
            state=ReferenceState.DECIDED,
            label=next(labels),
            votes=3,
            ratings_digest="0" * 64,
            reason=why,
        )


def _contested(round_: Round, lead: User) -> ReferenceLabel:
    """Two raters who said 2 and 4, and somebody's word on it."""
    item = Item.objects.filter(round_items__round=round_).earliest("pk")
    subject = {
        "item": item,
        "guideline": round_.guideline_version.guideline,
        "dimension_key": "accuracy",
        "major": 1,
        "votes": 2,
        "ratings_digest": "0" * 64,
    }
    ReferenceLabel.objects.create(
        **subject,
        method=Method.ADJUDICATED,
        state=ReferenceState.DECIDED,
        label="pass",
        point="4",
        actor=lead.actor,
        reason=OPEN_REFERENCE_WHY,
    )
    return ReferenceLabel.objects.create(
        **subject, method=Method.PLURALITY, state=ReferenceState.CONTESTED
    )


def _imported(project: Project, version: GuidelineVersion, dataset: Dataset) -> Round:
    """Labels of two raters who never had an account, on single responses."""
    items = []
    for number in range(2):
        item = builders.make_item(
            dataset,
            external_id=f"{EXTERNAL_ID}single-{number}",
            cluster=f"{CLUSTER}single-{number}",
            input=f"How do I export number {number}?",
        )
        item.extra = {"note": EXTRA}
        item.save()
        Response.objects.filter(item=item).update(system=SYSTEMS[0])
        items.append(item)
    raters = [Rater.objects.create(project=project, name=f"annotator {n}") for n in (1, 2)]
    round_ = builders.make_round(
        dataset,
        version,
        items=items,
        raters=raters,
        name="Imported labels",
        overlap=2,
        kind=RoundKind.IMPORTED,
        state=RoundState.CLOSED,
    )
    for item in items:
        for rater, label in zip(raters, ("2", "4"), strict=True):
            slot = builders.make_rating(
                round_, item, rater, labels=dict.fromkeys(builders.FOUR, label)
            )
            Rating.objects.filter(assignment=slot).update(rationale=rationale("ben", "open"))
    return round_
