"""A round in which three people rated: what tests of its figures stand on."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.models import Project, Rater
from annotation.models import Round
from annotation.states import Part
from tests import builders
from tests.builders import FOUR

MARK = "zqsealedzq"


def make_rated(
    project: Project, raters: Sequence[Rater], labels: Sequence[str], *, sealed: int = 0
) -> Round:
    """An item for each text of `labels`, such as "545": one digit a rater, on four dimensions.

    The first `sealed` items are sealed and marked.
    """
    dataset = builders.make_dataset(project, share=0.5 if sealed else 0.0)
    items = [
        builders.make_item(
            dataset,
            external_id=f"i{n}",
            input=f"{MARK if n < sealed else 'Question'} {n}?",
            part=Part.SEALED if n < sealed else Part.DEVELOPMENT,
        )
        for n in range(len(labels))
    ]
    round_ = builders.make_round(
        dataset, builders.make_guideline(project), items=items, raters=raters
    )
    for item, given in zip(items, labels, strict=True):
        for rater, label in zip(raters, given, strict=True):
            builders.make_rating(round_, item, rater, labels=dict.fromkeys(FOUR, label))
    return round_
