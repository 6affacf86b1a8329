"""Rows for tests: typed, keyword-only, the smallest valid default, no randomness."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.db.models import F
from django.utils import timezone

from accounts import services as accounts_services
from accounts import tokens
from accounts.models import ApiToken, Project, Rater, User
from accounts.roles import Role, Scope
from annotation.models import (
    Assignment,
    Content,
    Dataset,
    Dimension,
    GoldItem,
    GoldLabel,
    Guideline,
    GuidelineVersion,
    Item,
    PendingImport,
    Rating,
    Response,
    Round,
    RoundItem,
    RoundRater,
)
from annotation.states import (
    AssignmentState,
    DimensionKind,
    GuidelineForm,
    ItemKind,
    Level,
    Part,
    RoundKind,
    RoundState,
    VersionState,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSWORD = "plumb-line-11"
FOUR = ("accuracy", "completeness", "clarity", "safety")


def make_user(*, username: str) -> User:
    """An active account; the password is PASSWORD."""
    user = User(username=username, display_name=username.capitalize())
    user.set_password(PASSWORD)
    user.save()
    return user


def make_project(*, slug: str = "support") -> Project:
    # Simulated judges draw by the fence around a text: the same in every run of the tests.
    return Project.objects.create(slug=slug, name=slug.capitalize(), fence_key=f"fence of {slug}")


def join(project: Project, user: User, *roles: Role) -> User:
    accounts_services.set_roles(project=project, user=user, roles=roles, actor="system")
    return user


def rater_of(project: Project, user: User) -> Rater:
    return accounts_services.rater_of(project=project, user=user)


def make_token(
    project: Project, *, scopes: Iterable[Scope] = (Scope.JUDGE,), rater: Rater | None = None
) -> tuple[ApiToken, str]:
    """A token and its secret."""
    secret = tokens.new_secret()
    token = ApiToken.objects.create(
        project=project,
        name="test",
        digest=tokens.digest(secret),
        hint=secret[-4:],
        scopes=[scope.value for scope in scopes],
        rater=rater,
    )
    return token, secret


def make_dataset(project: Project, *, name: str = "week 46", share: float = 0.0) -> Dataset:
    return Dataset.objects.create(project=project, name=name, share=share)


def make_item(
    dataset: Dataset,
    *,
    external_id: str = "i1",
    kind: ItemKind = ItemKind.SINGLE,
    input: str = "How do I cancel?",  # noqa: A002
    responses: Sequence[str] = ("Go to billing and choose cancel.",),
    systems: Sequence[str] = (),
    part: Part = Part.DEVELOPMENT,
    cluster: str = "",
) -> Item:
    content = Content.objects.create(
        project=dataset.project, body={"input": input, "responses": list(responses)}
    )
    digest = hashlib.sha256(f"{external_id}|{input}|{list(responses)}".encode()).hexdigest()
    item = Item.objects.create(
        project=dataset.project,
        dataset=dataset,
        content=content,
        external_id=external_id,
        kind=kind,
        title=input[:80],
        prompt_key=external_id,
        cluster_key=cluster or external_id,
        content_hash=digest,
        input_digest=hashlib.sha256(input.encode()).hexdigest(),
        part=part,
    )
    for position, text in enumerate(responses):
        Response.objects.create(
            item=item,
            position=position,
            system=systems[position] if systems else "",
            digest=hashlib.sha256(text.encode()).hexdigest(),
            length=len(text),
        )
    return item


def hide_in_import(item: Item, *, tag: int = 77) -> PendingImport:
    """Make an item one of an import that is going on."""
    Item.objects.filter(pk=item.pk).update(import_job_id=tag)
    return PendingImport.objects.create(
        tag=tag, dataset=item.dataset, owner="another", touched_at=timezone.now()
    )


def make_pair(dataset: Dataset, *, external_id: str = "p1", **more: object) -> Item:
    return make_item(
        dataset,
        external_id=external_id,
        kind=ItemKind.PAIR,
        responses=("Cancel under billing.", "Write to support."),
        systems=("alpha", "beta"),
        **more,  # type: ignore[arg-type]
    )


def make_guideline(
    project: Project,
    *,
    name: str = "Helpfulness",
    pairwise: bool = False,
    keys: Sequence[str] = FOUR,
    publish: bool = True,
) -> GuidelineVersion:
    """A published version 1.0: four 1–5 scales with cut 4, or one preference."""
    form = GuidelineForm.PAIRWISE if pairwise else GuidelineForm.POINTWISE
    guideline = Guideline.objects.create(project=project, name=name, form=form)
    version = GuidelineVersion.objects.create(
        guideline=guideline,
        state=VersionState.PUBLISHED if publish else VersionState.DRAFT,
        text="Rate what the response does for the person who asked.",
        published_at=NOON if publish else None,
    )
    if pairwise:
        Dimension.objects.create(
            version=version,
            position=0,
            key="preference",
            name="Preference",
            kind=DimensionKind.PAIRWISE,
            level=Level.NOMINAL,
            points=[{"value": value, "anchor": ""} for value in ("A", "B", "tie")],
        )
        return version
    for position, key in enumerate(keys):
        Dimension.objects.create(
            version=version,
            position=position,
            key=key,
            name=key.capitalize(),
            kind=DimensionKind.SCALE,
            level=Level.ORDINAL,
            points=[{"value": str(n), "anchor": f"anchor {n}"} for n in range(1, 6)],
            cut="4",
        )
    return version


def make_round(
    dataset: Dataset,
    version: GuidelineVersion,
    *,
    items: Iterable[Item],
    raters: Iterable[Rater],
    name: str = "Round 1",
    overlap: int = 3,
    state: RoundState = RoundState.OPEN,
    kind: RoundKind = RoundKind.STANDARD,
) -> Round:
    """An open round with its open slots."""
    round_ = Round.objects.create(
        project=dataset.project,
        dataset=dataset,
        guideline_version=version,
        name=name,
        overlap=overlap,
        state=state,
        kind=kind,
        opened_at=NOON,
    )
    for place, item in enumerate(items):
        RoundItem.objects.create(round=round_, item=item, shuffle=place)
        for slot in range(overlap):
            Assignment.objects.create(round=round_, item=item, slot=slot)
    for rater in raters:
        RoundRater.objects.create(round=round_, rater=rater)
    return round_


def make_gold(
    item: Item,
    version: GuidelineVersion,
    *,
    labels: dict[str, str] | None = None,
    place: int | None = None,
    reason: str = "The guideline's first example.",
) -> GoldItem:
    """A gold item with one current label for each named dimension (all of them: 4)."""
    Item.objects.filter(pk=item.pk).update(part=Part.NONE)
    gold = GoldItem.objects.create(
        item=item,
        guideline=version.guideline,
        major=version.major,
        shuffle=item.pk if place is None else place,
        part_before=Part.DEVELOPMENT,
    )
    for key, label in (labels or dict.fromkeys(FOUR, "4")).items():
        GoldLabel.objects.create(
            gold=gold, dimension_key=key, label=label, reason=reason, actor="u1"
        )
    return gold


def make_rating(
    round_: Round, item: Item, rater: Rater, *, labels: dict[str, str], at: datetime = NOON
) -> Assignment:
    """A submitted assignment with one current rating for each named dimension."""
    slot = Assignment.objects.filter(round=round_, item=item, state=AssignmentState.OPEN).order_by(
        "slot"
    )[0]
    slot.rater = rater
    slot.state = AssignmentState.SUBMITTED
    slot.submitted_at = at
    slot.guideline_version = round_.guideline_version
    slot.save()
    RoundRater.objects.filter(round=round_, rater=rater).update(answered=F("answered") + 1)
    for dimension in round_.guideline_version.dimensions.filter(key__in=labels):
        Rating.objects.create(assignment=slot, dimension=dimension, label=labels[dimension.key])
    return slot
