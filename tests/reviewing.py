"""Reviews for tests: a tuned judge, who reviews, and the way to what was found."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Project
from annotation.models import Dimension
from calibration.models import Review, ReviewItem
from calibration.services import reviews
from tests import builders, tuning
from tests.builders import NOON
from tests.cast import Cast, make_cast
from tests.tuning import Tuning


@dataclass(frozen=True, slots=True)
class Scene:
    """Lea (lead) and noor (adjudicator) review where the tuned judge and people differ.

    People say A of every item; the judge says B of the first ones.
    """

    tuned: Tuning
    cast: Cast
    dimension: Dimension
    review: Review

    @property
    def project(self) -> Project:
        return self.tuned.scene.project

    def places(self, *, differing: bool | None = None) -> list[ReviewItem]:
        rows = self.review.items.select_related("item", "review").order_by("position")
        return [row for row in rows if differing in (None, row.is_difference)]

    def answer_all(self, *, wrong: int = 0, unclear: int = 0) -> None:
        """Lea sides with people, but with the judge on the first differences, and calls the next
        ones unclear."""
        for number, place in enumerate(self.places(differing=True)):
            label = "B" if number < wrong else ("" if number < wrong + unclear else "A")
            self.answer(place, label)
        for place in self.places(differing=False):
            self.answer(place, "A")

    def answer(self, place: ReviewItem, label: str, *, seen: int = 0, by: str = "lea") -> None:
        reviews.answer(
            place_id=place.pk,
            label=label,
            reason="It answers the question.",
            seen=seen,
            by=getattr(self.cast, by),
        )

    def close(self) -> None:
        reviews.close(review_id=self.review.pk, by=self.cast.lea, now=NOON)
        self.review.refresh_from_db()


def make_scene(*, misses: int = 4, hits: int = 8, count: int = 30) -> Scene:
    """An open review that nobody answered yet."""
    tuned = tuning.make_tuning(misses=misses, hits=hits, lead=builders.make_user(username="lou"))
    cast = make_cast(tuned.scene.project)
    dimension = tuned.scene.guideline.dimensions.select_related("version__guideline").get()
    review = reviews.start(run=tuned.run, dimension=dimension, count=count, by=cast.lea)
    return Scene(tuned, cast, dimension, review)
