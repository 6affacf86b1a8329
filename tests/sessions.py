"""Calibration sessions for tests: rows in a state, or the whole way there by the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import Assignment, Dataset, GuidelineVersion, Item, Rating, Round
from annotation.services import claim, rating
from annotation.states import RoundKind, RoundState
from calibration.models import CalibrationSession, SessionItem, SessionParticipant
from calibration.services import sessions
from calibration.states import SessionState, Stage
from tests import builders
from tests.builders import NOON

LATER = NOON + timedelta(hours=1)


def make_session(
    dataset: Dataset,
    version: GuidelineVersion,
    *,
    items: Sequence[Item],
    raters: Sequence[Rater],
    name: str = "Tuesday",
    state: SessionState = SessionState.DRAFT,
) -> CalibrationSession:
    """A session that is a draft, rated blind, or revealed; nobody rated yet."""
    round_ = None
    if state != SessionState.DRAFT:
        round_ = builders.make_round(
            dataset,
            version,
            items=items,
            raters=raters,
            name=f"{name} (first)",
            overlap=len(raters),
            kind=RoundKind.SESSION,
        )
    session = CalibrationSession.objects.create(
        project=dataset.project,
        dataset=dataset,
        guideline_version=version,
        name=name,
        state=state,
        first_round=round_,
    )
    for position, item in enumerate(items, start=1):
        SessionItem.objects.create(session=session, item=item, position=position)
    for rater in raters:
        SessionParticipant.objects.create(session=session, rater=rater)
    return session


def reveal_rows(session: CalibrationSession) -> None:
    """Make what was rated so far of a session in state `revealed` readable."""
    assert session.first_round is not None
    Round.objects.filter(pk=session.first_round.pk).update(
        state=RoundState.CLOSED, closed_at=LATER, revealed_at=LATER
    )


def say(session: CalibrationSession, item: Item, rater: Rater, label: str, why: str) -> Assignment:
    """A submitted answer on one item, the same label for each dimension."""
    assert session.first_round is not None
    keys = session.guideline_version.dimensions.values_list("key", flat=True)
    row = builders.make_rating(session.first_round, item, rater, labels=dict.fromkeys(keys, label))
    Rating.objects.filter(assignment=row).update(rationale=why)
    return row


def rate_all(round_: Round, rater: Rater, labels: Mapping[str, str], *, now: datetime) -> int:
    """Rate everything that the round gives this rater; how many items."""
    done = 0
    while True:
        given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=now)
        if given.assignment_id is None:
            return done
        rating.submit(assignment_id=given.assignment_id, rater=rater, labels=labels, now=now)
        done += 1


@dataclass
class Scene:
    """A project with six development items, two raters, a lead who takes part, and a draft."""

    items_count: int = 6
    project: Project = field(init=False)
    dataset: Dataset = field(init=False)
    version: GuidelineVersion = field(init=False)
    items: list[Item] = field(init=False)
    ana: User = field(init=False)
    ben: User = field(init=False)
    cem: User = field(init=False)
    lea: User = field(init=False)
    noor: User = field(init=False)
    ada: User = field(init=False)
    session: CalibrationSession = field(init=False)

    def __post_init__(self) -> None:
        self.project = builders.make_project()
        self.dataset = builders.make_dataset(self.project)
        self.version = builders.make_guideline(self.project, keys=("accuracy", "clarity"))
        self.items = [
            builders.make_item(self.dataset, external_id=f"i{n}", input=f"Question {n}?")
            for n in range(self.items_count)
        ]
        roles = {
            "ana": Role.RATER,
            "ben": Role.RATER,
            "cem": Role.RATER,
            "lea": Role.LEAD,
            "noor": Role.ADJUDICATOR,
            "ada": Role.ADMIN,
        }
        for name, role in roles.items():
            user = builders.join(self.project, builders.make_user(username=name), role)
            setattr(self, name, user)
        self.session = sessions.create(
            project=self.project,
            dataset=self.dataset,
            version=self.version,
            name="Tuesday",
            items=[item.pk for item in self.items[:2]],
            people=[self.ana, self.ben, self.lea],
            by=self.lea,
        )

    def rater(self, user: User) -> Rater:
        return builders.rater_of(self.project, user)

    def start(self) -> Round:
        """Blind from here on; its round."""
        found = sessions.start(session_id=self.session.pk, by=self.lea, now=NOON)
        assert found.first_round is not None
        self.session = found
        return found.first_round

    def rate(self, round_: Round, *users: User, label: str = "4") -> None:
        for user in users:
            labels = {"accuracy": label, "clarity": "3"}
            rate_all(round_, self.rater(user), labels, now=NOON)

    def reveal(self) -> CalibrationSession:
        self.session = sessions.reveal(session_id=self.session.pk, by=self.lea, now=LATER)
        return self.session

    def revealed(self) -> CalibrationSession:
        """Ana and ben rated all, lea nothing; then it was revealed."""
        round_ = self.start()
        self.rate(round_, self.ana, label="4")
        self.rate(round_, self.ben, label="2")
        return self.reveal()

    def place(self, number: int = 0) -> SessionItem:
        return SessionItem.objects.get(session=self.session, item=self.items[number])

    def second(self, count: int = 3) -> Round:
        found = sessions.begin_second(
            session_id=self.session.pk, version=self.version, count=count, by=self.lea, now=LATER
        )
        assert found.second_round is not None
        self.session = found
        return found.second_round

    def stage_items(self, stage: Stage) -> set[int]:
        places = self.session.items.filter(stage=stage)
        return set(places.values_list("item_id", flat=True))
