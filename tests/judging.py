"""Judges, versions and runs for tests; the simulator they talk to is real HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import Project, User
from annotation.models import Dataset, GuidelineVersion, Item, ReferenceLabel
from annotation.states import ItemKind, Method, ReferenceState
from judges.models import Judge, JudgeVersion, Run
from judges.services import keys, runs, versions
from judges.services.pace import Pace
from judges.services.versions import OPENAI, SIMULATOR, Choices
from judges.states import KeyProvider, RunMode, RunPurpose, VersionKind
from tests import builders
from tests.builders import NOON

PLUMB = "sim-plumb-1"
QUICK = Pace(lease=4.0, timeout=3.0, farewell=0.3, most_failures=2)


def make_judge(project: Project, guideline: GuidelineVersion, *, name: str = "Helpful") -> Judge:
    return versions.create_judge(
        project=project, name=name, guideline=guideline.guideline, actor="u1"
    )


def naive_version(judge: Judge, guideline: GuidelineVersion, author: User) -> JudgeVersion:
    """A version as no service would save it: nobody is asked whether the author may."""
    return JudgeVersion.objects.create(
        judge=judge,
        guideline_version=guideline,
        number=1,
        kind=VersionKind.PROMPT,
        fingerprint="f" * 64,
        author=author,
        author_actor=author.actor,
    )


def make_version(
    judge: Judge,
    guideline: GuidelineVersion,
    *,
    author: User | None = None,
    provider: str = SIMULATOR,
    model: str = PLUMB,
    max_tokens: int = 1000,
    both_orders: bool = True,
    samples: int = 1,
    note: str = "",
) -> JudgeVersion:
    choices = Choices(
        provider=provider,
        model=model,
        max_tokens=max_tokens,
        both_orders=both_orders,
        samples=samples,
    )
    saved = versions.save_version(
        judge=judge, guideline_version=guideline, choices=choices, author=author, note=note
    )
    return saved.version


def make_pairs(dataset: Dataset, count: int) -> list[Item]:
    """Pairs with texts of their own: the simulator draws from them."""
    return [
        builders.make_item(
            dataset,
            external_id=f"p{number}",
            kind=ItemKind.PAIR,
            input=f"Question {number}: how do I cancel?",
            responses=(f"Cancel under billing, {number}.", f"Write to our support {number} times."),
            systems=("alpha", "beta"),
        )
        for number in range(count)
    ]


def make_pairs_dataset(project: Project) -> Dataset:
    """Three pairs p0, p1, p2 under a pairwise guideline."""
    dataset = builders.make_dataset(project)
    make_pairs(dataset, 3)
    builders.make_guideline(project, name="Preference", pairwise=True)
    return dataset


def make_run(
    version: JudgeVersion,
    *,
    items: Sequence[Item] | None = None,
    dataset: Dataset | None = None,
    budget: Decimal | None = None,
    concurrency: int = 8,
    purpose: RunPurpose = RunPurpose.ORDINARY,
    mode: RunMode = RunMode.DIRECT,
) -> Run:
    return runs.plan_run(
        version=version,
        items=items,
        dataset=dataset,
        budget=budget,
        concurrency=concurrency,
        purpose=purpose,
        mode=mode,
        actor="u1",
        now=NOON,
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """A project with pairs, a pairwise guideline and a simulated judge's version."""

    project: Project
    dataset: Dataset
    guideline: GuidelineVersion
    judge: Judge
    version: JudgeVersion


def make_scene(
    *, pairs: int = 3, both_orders: bool = True, samples: int = 1, slug: str = "support"
) -> Scene:
    project = builders.make_project(slug=slug)
    dataset = builders.make_dataset(project)
    make_pairs(dataset, pairs)
    guideline = builders.make_guideline(project, pairwise=True)
    judge = make_judge(project, guideline)
    version = make_version(judge, guideline, both_orders=both_orders, samples=samples)
    return Scene(project, dataset, guideline, judge, version)


def make_labels(
    items: Sequence[Item], guideline: GuidelineVersion, labels: Sequence[str], *, key: str
) -> None:
    """One decided reference label for each item, as two raters who agree would have made it."""
    for item, label in zip(items, labels, strict=True):
        ReferenceLabel.objects.create(
            item=item,
            guideline=guideline.guideline,
            dimension_key=key,
            major=guideline.major,
            method=Method.PLURALITY,
            state=ReferenceState.DECIDED,
            label=label,
            votes=2,
            ratings_digest="1" * 64,
        )


def make_chat_version(
    scene: Scene, url: str, *, by: User, key: str = "sk-for-tests"
) -> JudgeVersion:
    """A version that is asked over the chat API, with the key that allows the address."""
    keys.set_key(
        project=scene.project, provider=KeyProvider.OPENAI, base_url=url, key=key, by=by, now=NOON
    )
    choices = Choices(provider=OPENAI, model=PLUMB, base_url=url, max_tokens=1000)
    return versions.save_version(
        judge=scene.judge, guideline_version=scene.guideline, choices=choices, author=None
    ).version


def make_baseline(scene: Scene) -> JudgeVersion:
    """The longer response wins."""
    saved = versions.save_baseline(
        judge=scene.judge, guideline_version=scene.guideline, author=None
    )
    return saved.version
