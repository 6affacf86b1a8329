"""The items that a label table names: found by their ids, or made without texts."""

from __future__ import annotations

from collections.abc import Sequence

from annotation.models import Dataset, Item, SealedSet, whole
from annotation.queries.sealed import sealed_elsewhere
from annotation.rules.keys import digest, short_key
from annotation.rules.split import part_of
from annotation.services.itemsift import SEALED_ELSEWHERE
from annotation.services.labelspool import LabelSpool, NamedItem
from annotation.states import ItemKind, Part
from core.tabular import BrokenRow, BrokenRows


def find(dataset: Dataset, spool: LabelSpool) -> None:
    """Look up the items that the dataset has, as far as they are not known yet."""
    for piece in spool.unknown():
        found = Item.objects.filter(
            whole(), dataset=dataset, external_id__in=[item.name for item in piece]
        )
        spool.know(dict(found.values_list("external_id", "pk")))


def make_missing(dataset: Dataset, spool: LabelSpool) -> int:
    """Make the items that are not there without texts, in an empty dataset; how many.

    Raises Invalid for an item that is not there in any other dataset, or that is sealed elsewhere.
    """
    if next(spool.unknown(), None) is None:
        return 0
    find(dataset, spool)
    broken = BrokenRows()
    if Item.objects.filter(dataset=dataset).exists():
        for piece in spool.unknown():
            for item in piece:
                sentence = f"there is no item {item.name[:60]!r} in {dataset.name!r}."
                broken.add(BrokenRow(item.row, sentence, item.unit))
        broken.refuse()
        return 0
    for piece in spool.unknown():
        _sift_sealed(dataset, piece, broken)
    broken.refuse()
    sealed = SealedSet.objects.filter(dataset=dataset, retired_at__isnull=True).first()
    made = 0
    for piece in spool.unknown():
        rows = Item.objects.bulk_create(_textless(dataset, item, sealed) for item in piece)
        spool.know({row.external_id: row.pk for row in rows})
        made += len(rows)
    return made


def _sift_sealed(dataset: Dataset, items: Sequence[NamedItem], broken: BrokenRows) -> None:
    sealed = sealed_elsewhere(dataset, {_cluster(item) for item in items})
    for item in items:
        if _cluster(item) in sealed:
            broken.add(BrokenRow(item.row, SEALED_ELSEWHERE, item.unit))


def _textless(dataset: Dataset, item: NamedItem, sealed: SealedSet | None) -> Item:
    """An item known only by its labels; the sealed part is drawn as for any other item."""
    cluster = _cluster(item)
    part = part_of(cluster, salt=sealed.salt, share=dataset.share) if sealed else ""
    return Item(
        project_id=dataset.project_id,
        dataset=dataset,
        external_id=item.name,
        kind=ItemKind.SINGLE,
        title=item.name,
        prompt_key=cluster,
        cluster_key=cluster,
        content_hash=digest("label/1", item.name),
        part=part or Part.DEVELOPMENT,
    )


def _cluster(item: NamedItem) -> str:
    return short_key(item.cluster) or item.name
