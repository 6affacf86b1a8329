"""The doors to judges, versions, runs and calls: each returns the project's row, or raises."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import Project
from annotation.models import Item
from annotation.queries.items import may_yet_rate
from core.errors import NotAllowed, NotHere
from judges import queries
from judges.models import Call, Judge, JudgeVersion, Probe, ProviderKey, Run
from judges.queries.people import READABLE_RUNS
from judges.states import RUN_HERE, RunPurpose

NAMED = 20
"""So many names are listed beside one that is unknown."""


def judge_of(project: Project, judge_id: int) -> Judge:
    judge = (
        Judge.objects.select_related("guideline", "project")
        .filter(project=project, pk=judge_id)
        .first()
    )
    if judge is None:
        raise NotHere("There is no such judge in this project.")
    return judge


def key_of(project: Project, key_id: int) -> ProviderKey:
    key = ProviderKey.objects.filter(project=project, pk=key_id).first()
    if key is None:
        raise NotHere("There is no such key in this project.")
    return key


def version_of(project: Project, version_id: int, *, with_drafts: bool = False) -> JudgeVersion:
    """A saved version; `with_drafts` also what was only tried in the playground."""
    versions = JudgeVersion.with_drafts if with_drafts else JudgeVersion.objects
    version = (
        versions.select_related(
            "judge__project", "judge__guideline", "guideline_version__guideline", "author"
        )
        .filter(judge__project=project, pk=version_id)
        .first()
    )
    if version is None:
        raise NotHere("There is no such judge version in this project.")
    return version


def runnable_version_of(project: Project, name: str, number: int | None) -> JudgeVersion:
    """The version of that number, else the newest one, that can be run by its judge's name."""
    judges = Judge.objects.filter(project=project)
    judge = judges.filter(Q(name=name) | Q(slug=name)).order_by("pk").first()
    if judge is None:
        known = ", ".join(judges.order_by("slug").values_list("slug", flat=True)[:NAMED])
        raise NotHere(f"There is no judge {name!r}. Judges: {known or 'none yet'}.")
    runnable = judge.versions.filter(kind__in=RUN_HERE).select_related("judge__project")
    if number is not None:
        runnable = runnable.filter(number=number)
    version = runnable.order_by("number").last()
    if version is None:
        raise NotHere(f"{judge.name} has no such version that can be run.")
    return version


def compared_run_of(project: Project, run_id: int) -> Run:
    """A run whose labels may be read one by one: nothing that it judged is sealed."""
    run = run_of(project, run_id)
    if run.purpose not in READABLE_RUNS:
        raise NotHere("There is no such run of development items in this project.")
    return run


def run_of(project: Project, run_id: int) -> Run:
    run = (
        Run.objects.select_related("version__judge", "dataset", "project")
        .filter(project=project, pk=run_id)
        .first()
    )
    if run is None:
        raise NotHere("There is no such run in this project.")
    return run


def probe_of(project: Project, probe_id: int) -> Probe:
    probe = (
        Probe.objects.select_related("version__judge", "dataset", "project")
        .prefetch_related("variants__run__version__judge", "variants__run__dataset")
        .filter(project=project, pk=probe_id)
        .first()
    )
    if probe is None:
        raise NotHere("There is no such probe in this project.")
    return probe


def open_call_of(project: Project, call_id: int, *, user_id: int) -> Call:
    """A call whose texts and answer this person may read.

    It did not serve the API, and its item is not sealed, nor beside a sealed one, and not one that
    the person may yet rate. A known call is refused, so that a link that was sent round says why.
    """
    call = (
        Call.objects.select_related("run__version__judge", "run__project", "item__content")
        .filter(run__project=project, pk=call_id)
        .first()
    )
    if call is None:
        raise NotHere("There is no such call in this project.")
    if call.run.purpose == RunPurpose.SERVING:
        raise NotAllowed(
            "This item came over the API. What the judge said of it went to whoever asked, and is "
            "on no page.",
            code="served_call",
        )
    if queries.touching_sealed(Item.objects.filter(pk=call.item_id), project.pk).exists():
        raise NotAllowed(
            "This item is sealed: what a judge said of it stays closed until its set is retired.",
            code="sealed_item",
        )
    if may_yet_rate(call.item, user_id):
        raise NotAllowed(
            "You rate in a round that holds this item. What a judge said of it is shown to you "
            "when that round is closed.",
            code="still_rating",
        )
    return call
