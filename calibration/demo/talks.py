"""Two calibration sessions of the demo's simulated raters: one closed, one that is talked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from accounts.models import Project, Rater, User
from annotation.models import Dataset, GuidelineVersion, Item, Round
from annotation.services import claim, datasets, importing, rating
from calibration.demo import people, texts
from calibration.models import CalibrationSession
from calibration.services import sessions, sessiontalk

ITEMS, TALKED_ABOUT, FRESH = 60, 12, 24
Answers = Mapping[tuple[int, str], Mapping[str, str]]


def seed(
    *, project: Project, version: GuidelineVersion, lead: User, start: int, now: datetime
) -> None:
    """Needs the simulated raters, who come with the demo's imported labels."""
    dataset = datasets.create(
        project=project, name="Answers talked about", actor=lead.actor, is_simulated=True
    )
    importing.add_items(
        dataset=dataset,
        drafts=texts.singles(start=start, count=ITEMS),
        actor=lead.actor,
        name="made by the demo",
    )
    answers = _answers(dataset, version)
    names = [rater.name for rater in people.RATERS]
    raters = list(Rater.objects.filter(project=project, name__in=names, is_simulated=True))
    items = list(Item.objects.filter(dataset=dataset).order_by("pk")[: 2 * TALKED_ABOUT])

    def begun(name: str, chosen: list[Item]) -> CalibrationSession:
        session = sessions.create(
            project=project,
            dataset=dataset,
            version=version,
            name=name,
            items=[item.pk for item in chosen],
            people=[],
            simulated=raters,
            by=lead,
        )
        session = sessions.start(session_id=session.pk, by=lead, now=now)
        _rate(session.first_round, raters, answers, now)
        return sessions.reveal(session_id=session.pk, by=lead, now=now)

    first = begun("First session", items[:TALKED_ABOUT])
    _talk(first, lead)
    first = sessions.begin_second(
        session_id=first.pk, version=version, count=FRESH, by=lead, now=now
    )
    _rate(first.second_round, raters, answers, now)
    sessions.close(session_id=first.pk, by=lead, now=now)
    _talk(begun("Second session", items[TALKED_ABOUT:]), lead)


def _answers(dataset: Dataset, version: GuidelineVersion) -> Answers:
    """What each simulated rater says of each item, by dimension."""
    items = list(Item.objects.filter(dataset=dataset).select_related("content"))
    ids = {item.external_id: item.pk for item in items}
    keys = [dimension.key for dimension in version.dimensions.all()]
    found: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)
    for row in people.scores(items, keys):
        found[ids[row.item], row.rater][row.dimension] = row.label
    return found


def _rate(round_: Round | None, raters: list[Rater], answers: Answers, now: datetime) -> None:
    """Each of them rates everything, as somebody at the workbench would."""
    assert round_ is not None
    for rater in raters:
        given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=now)
        while given.assignment_id is not None:
            row = round_.assignments.get(pk=given.assignment_id)
            rating.submit(
                assignment_id=row.pk,
                rater=rater,
                labels=answers[row.item_id, rater.name],
                now=now,
            )
            given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=now)


def _talk(session: CalibrationSession, lead: User) -> None:
    place = session.items.earliest("position")
    sessiontalk.comment(
        place_id=place.pk,
        text="Simulated: is a step *missing* here or *wrong*? We read it both ways.",
        by=lead,
    )
    sessiontalk.settle(
        place_id=place.pk,
        dimension_key="completeness",
        label="3",
        reason="Simulated: the first step is there, the second has to be guessed.",
        seen=0,
        by=lead,
    )
    sessiontalk.note_clause(
        place_id=place.pk,
        line=4,
        note="Simulated: say what counts as a missing step, with an example.",
        by=lead,
    )
