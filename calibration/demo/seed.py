"""The demo project: every room with plausible, clearly simulated data. Seeded once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import services as accounts
from accounts.demo import DEMO_PASSWORD, DEMO_PEOPLE
from accounts.models import Project, User
from annotation.models import Dataset, GuidelineVersion, Item
from annotation.rules.presets import FORM_OF, FOUR_DIMENSIONS, PREFERENCE, PRESETS
from annotation.rules.writing import WorkedExample
from annotation.services import datasets, guidelines, importing, label_import, rounds
from annotation.states import Part, Provenance
from calibration.demo import people, talks, texts
from calibration.services import approvals
from judges.models import Judge, JudgeVersion
from judges.services import probes, runs, versions
from judges.services.probesamples import Asked
from judges.services.versions import SIMULATOR, Choices
from judges.states import ProbeKind, RunPurpose

SLUG = "demo"
SEALED_SHARE = 0.6
PAIRS, RATED_SINGLES, OPEN_SINGLES, OPEN_PAIRS = 1000, 120, 40, 30
FRESH_PAIRS = 30
PROBED = 100
"""Development pairs that the demo's probes of order ask about."""

PREFERENCE_TEXT = """\
You see a question that somebody asked the help desk of **Harbour**, an invoicing product, and two \
responses to it. Choose the one that serves the person better.

- Ask first: *could the person do what they wanted after reading only this?*
- A response that is shorter and complete is better than a longer one that adds nothing.
- Politeness does not make up for a missing step.
- Choose **tie** only when you could not say which one you would rather receive.
"""
RUBRIC_TEXT = """\
You see a question to the help desk of **Harbour**, an invoicing product, and one response. Rate \
the response on four scales. Rate each scale by itself: a response can be clear and wrong.

- Judge what is written, not what the writer may have meant.
- 4 is what we would send to a customer without shame; 5 is rare.
- When a step is missing, that is *completeness*; when a step is wrong, that is *accuracy*.
"""


@dataclass(frozen=True, slots=True)
class Cast:
    """The demo's people by their sign-in names."""

    by_name: dict[str, User]

    def __getitem__(self, name: str) -> User:
        return self.by_name[name]


def seed(*, now: datetime) -> bool:
    """Make the demo unless it is there; returns whether it was made.

    The judges' runs and the two approval requests are only planned here: the worker does them
    as soon as it is up, over real HTTP against the bundled simulator.
    """
    if Project.objects.filter(slug=SLUG).exists():
        return False
    cast = _people()
    project = _project(cast)
    lead = cast["lea"]
    preference = _guideline(
        project, "Which answer helps more", PREFERENCE, PREFERENCE_TEXT, lead, now
    )
    rubric = _guideline(project, "Support answers", FOUR_DIMENSIONS, RUBRIC_TEXT, lead, now)
    pairs = _pairs(project, preference, lead, now)
    _rated_singles(project, rubric, lead, now)
    _open_rounds(project, preference, rubric, cast, now)
    start = PAIRS + RATED_SINGLES + OPEN_SINGLES + OPEN_PAIRS
    talks.seed(project=project, version=rubric, lead=lead, start=start, now=now)
    _judges(project, pairs, preference, lead, now)
    _fresh_pairs(project, lead, start=start + talks.ITEMS)
    Project.objects.filter(pk=project.pk).update(is_demo=True)
    return True


@transaction.atomic
def _people() -> Cast:
    found: dict[str, User] = {}
    # Hashing is slow by design, and all of them have the same password, known to everybody.
    hashed = make_password(DEMO_PASSWORD)
    for person in DEMO_PEOPLE:
        user, is_new = User.objects.get_or_create(
            username=person.username, defaults={"display_name": person.name}
        )
        if is_new:
            user.password = hashed
            user.save(update_fields=["password"])
        found[person.username] = user
    return Cast(found)


@transaction.atomic
def _project(cast: Cast) -> Project:
    project = Project.objects.create(slug=SLUG, name="Harbour support (demo)")
    for person in DEMO_PEOPLE:
        accounts.set_roles(
            project=project, user=cast[person.username], roles=person.roles, actor="system"
        )
    return project


def _guideline(
    project: Project, name: str, preset: str, text: str, lead: User, now: datetime
) -> GuidelineVersion:
    draft = guidelines.create(
        project=project,
        name=name,
        form=FORM_OF[preset],
        dimensions=PRESETS[preset],
        text=text,
        by=lead,
    )
    guidelines.save_draft(
        version_id=draft.pk,
        text=text,
        examples=_EXAMPLES[preset],
        dimensions=PRESETS[preset],
        by=lead,
    )
    return guidelines.publish(version_id=draft.pk, by=lead, now=now)


_EXAMPLES = {
    PREFERENCE: (
        WorkedExample(
            title="Complete beats friendly",
            is_good=True,
            text="A lists the three clicks that export the invoices. B thanks for the question "
            "and points to the help pages. **A is better.**",
            why="After A the person is done; after B they still have to search.",
        ),
        WorkedExample(
            title="Length is no merit",
            is_good=False,
            text="“B is longer, so it must be more thorough.” A says the same in two lines.",
            why="Only what the person needs counts. Here it is a **tie**, or A for being shorter.",
        ),
    ),
    FOUR_DIMENSIONS: (
        WorkedExample(
            title="Right but not enough",
            is_good=True,
            text="“Open *Settings → Plan*.” Accuracy 5, completeness 2.",
            why="What it says is true, but the cancel button is two pages further on.",
        ),
        WorkedExample(
            title="One grade for all",
            is_good=False,
            text="Four times 3, because the response was “so-so”.",
            why="Each scale asks something else; go through them one by one.",
        ),
    ),
}


def _pairs(project: Project, version: GuidelineVersion, lead: User, now: datetime) -> Dataset:
    """Pairs with a sealed part, and the labels of three simulated raters on all of them."""
    dataset = datasets.create(
        project=project,
        name="Harbour 1.4 against 1.5",
        share=SEALED_SHARE,
        provenance=Provenance.SIMULATED,
        actor=lead.actor,
        is_simulated=True,
    )
    importing.add_items(
        dataset=dataset,
        drafts=texts.pairs(start=0, count=PAIRS),
        actor=lead.actor,
        name="made by the demo",
    )
    label_import.add_labels(
        dataset=dataset,
        rows=list(people.preferences(_items(dataset))),
        name="simulated raters",
        guideline_name=version.guideline.name,
        actor=lead.actor,
        now=now,
        is_simulated=True,
    )
    return dataset


def _rated_singles(project: Project, version: GuidelineVersion, lead: User, now: datetime) -> None:
    dataset = datasets.create(
        project=project, name="Answers of October", actor=lead.actor, is_simulated=True
    )
    importing.add_items(
        dataset=dataset,
        drafts=texts.singles(start=PAIRS, count=RATED_SINGLES),
        actor=lead.actor,
        name="made by the demo",
    )
    keys = [dimension.key for dimension in version.dimensions.all()]
    label_import.add_labels(
        dataset=dataset,
        rows=list(people.scores(_items(dataset), keys)),
        name="simulated raters",
        guideline_name=version.guideline.name,
        actor=lead.actor,
        now=now,
        is_simulated=True,
    )


def _open_rounds(
    project: Project,
    preference: GuidelineVersion,
    rubric: GuidelineVersion,
    cast: Cast,
    now: datetime,
) -> None:
    """Two rounds that the demo's people can rate at once."""
    lead = cast["lea"]
    raters = [accounts.rater_of(project=project, user=cast[name]) for name in ("ana", "ben", "cem")]
    start = PAIRS + RATED_SINGLES
    plans = (
        ("Answers of week 46", texts.singles(start=start, count=OPEN_SINGLES), rubric),
        ("Pairs of week 46", texts.pairs(start=start + OPEN_SINGLES, count=OPEN_PAIRS), preference),
    )
    for name, drafts, version in plans:
        dataset = datasets.create(project=project, name=name, actor=lead.actor)
        importing.add_items(
            dataset=dataset, drafts=drafts, actor=lead.actor, name="made by the demo"
        )
        round_ = rounds.create(
            project=project,
            dataset=dataset,
            version=version,
            name=name,
            raters=raters,
            by=lead,
        )
        rounds.open_round(round_id=round_.pk, by=lead, now=now)


def _judges(
    project: Project, dataset: Dataset, version: GuidelineVersion, lead: User, now: datetime
) -> None:
    """One judge with two versions: the first does not pass the gate, the second does."""
    judge = versions.create_judge(
        project=project, name="Preference", guideline=version.guideline, actor=lead.actor
    )
    slant = _version(judge, version, "sim-slant-1", "first try, leans to what is shown first", lead)
    plumb = _version(judge, version, "sim-plumb-1", "better model, same prompt", lead)
    sealed_set = dataset.sealed_set
    # Before what is larger: so their results are there when the reports are frozen.
    for one in (slant, plumb):
        order = Asked(version=one, dataset=dataset, kind=ProbeKind.ORDER, size=PROBED)
        probes.start(order, actor=lead.actor, now=now)
    for one in (slant, plumb):
        runs.plan_run(
            version=one,
            dataset=dataset,
            items=Item.objects.filter(dataset=dataset, part=Part.DEVELOPMENT),
            purpose=RunPurpose.ORDINARY,
            actor=lead.actor,
            now=now,
        )
        approvals.ask(
            version=one, sealed_set=sealed_set, dimensions=["preference"], by=lead, now=now
        )


def _fresh_pairs(project: Project, lead: User, *, start: int) -> None:
    """Pairs that came after the judge's versions: what a drift round takes once one stands."""
    dataset = datasets.create(project=project, name="Pairs of week 47", actor=lead.actor)
    importing.add_items(
        dataset=dataset,
        drafts=texts.pairs(start=start, count=FRESH_PAIRS),
        actor=lead.actor,
        name="made by the demo",
    )


def _version(
    judge: Judge, version: GuidelineVersion, model: str, note: str, lead: User
) -> JudgeVersion:
    return versions.save_version(
        judge=judge,
        guideline_version=version,
        choices=Choices(provider=SIMULATOR, model=model),
        author=lead,
        note=note,
    ).version


def _items(dataset: Dataset) -> list[Item]:
    return list(Item.objects.filter(dataset=dataset).select_related("content").order_by("pk"))
