"""An item that three raters leave contested, and who may decide it."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Project
from annotation.models import Dataset, Dimension, Item, ReferenceLabel, Round, SealedSet
from annotation.services import adjudication, reference
from annotation.states import Part
from tests import builders
from tests.cast import Cast, make_cast


@dataclass(frozen=True, slots=True)
class Scene:
    """Ana, ben and cem rated `items` by `dimension`; noor adjudicates."""

    project: Project
    cast: Cast
    dataset: Dataset
    items: list[Item]
    dimension: Dimension
    round: Round

    @property
    def item(self) -> Item:
        return self.items[0]

    def decide(
        self,
        label: str = "B",
        *,
        reason: str = "Read again.",
        seen: int = 0,
        item: Item | None = None,
    ) -> ReferenceLabel:
        return adjudication.decide(
            item_id=(item or self.item).pk,
            dimension=self.dimension,
            label=label,
            reason=reason,
            seen=seen,
            by=self.cast.noor,
        )

    def label(self, item: Item | None = None) -> ReferenceLabel:
        """The newest computed label."""
        rows = ReferenceLabel.objects.filter(item=item or self.item).exclude(method="adjudicated")
        return rows.latest("version")


def make_scene(
    *votes: tuple[str, ...],
    pairwise: bool = True,
    part: Part = Part.DEVELOPMENT,
    project: Project | None = None,
    cast: Cast | None = None,
) -> Scene:
    """One item for each tuple of labels, by rater (one contested item where none is given)."""
    project = project or builders.make_project()
    cast = cast or make_cast(project)
    raters = [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]
    is_sealed = part == Part.SEALED
    dataset = builders.make_dataset(project, share=0.5 if is_sealed else 0.0)
    if is_sealed:
        SealedSet.objects.create(dataset=dataset)
    given = votes or (("A", "B", "tie"),)
    make = builders.make_pair if pairwise else builders.make_item
    items = [
        make(dataset, external_id=f"i{n}", input=f"Question {n}?", part=part)
        for n in range(len(given))
    ]
    version = builders.make_guideline(project, pairwise=pairwise, keys=("accuracy",))
    round_ = builders.make_round(dataset, version, items=items, raters=raters)
    dimension = version.dimensions.select_related("version__guideline").get()
    for item, labels in zip(items, given, strict=True):
        for rater, label in zip(raters, labels, strict=False):
            builders.make_rating(round_, item, rater, labels={dimension.key: label})
    reference.refresh(item_ids=[item.pk for item in items])
    return Scene(project, cast, dataset, items, dimension, round_)
