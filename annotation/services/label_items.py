"""The items that a label table names: found by their ids, or made without texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from annotation.models import Dataset, Item, SealedSet, whole
from annotation.queries.sealed import sealed_elsewhere
from annotation.rules.keys import digest, short_key
from annotation.rules.labeltable import LabelRow
from annotation.rules.split import part_of
from annotation.services.itemsift import SEALED_ELSEWHERE
from annotation.states import ItemKind, Part
from core.tabular import BrokenRow, BrokenRows

BATCH = 1000


def found_or_made(dataset: Dataset, rows: Sequence[LabelRow]) -> tuple[dict[str, int], int]:
    """The row id of each item that the table names, and how many were made without texts, in an
    empty dataset. Raises Invalid for an item that is not there."""
    wanted = {row.item: row for row in reversed(rows)}
    known = _known_items(dataset, list(wanted))
    missing = {item: row for item, row in wanted.items() if item not in known}
    if not missing:
        return known, 0
    if Item.objects.filter(dataset=dataset).exists():
        broken = BrokenRows()
        for row in sorted(missing.values(), key=lambda row: row.row):
            sentence = f"there is no item {row.item[:60]!r} in {dataset.name!r}."
            broken.add(BrokenRow(row.row, sentence, row.unit))
        broken.refuse()
    clusters = {row.item: short_key(row.cluster) for row in rows if row.cluster}
    _refuse_sealed(dataset, missing, clusters)
    Item.objects.bulk_create(_textless(dataset, missing, clusters), batch_size=BATCH)
    return _known_items(dataset, list(wanted)), len(missing)


def _known_items(dataset: Dataset, names: Sequence[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for start in range(0, len(names), BATCH):
        found = Item.objects.filter(
            whole(), dataset=dataset, external_id__in=names[start : start + BATCH]
        )
        known.update(found.values_list("external_id", "pk"))
    return known


def _refuse_sealed(
    dataset: Dataset, missing: Mapping[str, LabelRow], clusters: Mapping[str, str]
) -> None:
    sealed = sealed_elsewhere(dataset, {clusters.get(item, item) for item in missing})
    broken = BrokenRows()
    for item, row in sorted(missing.items(), key=lambda pair: pair[1].row):
        if clusters.get(item, item) in sealed:
            broken.add(BrokenRow(row.row, SEALED_ELSEWHERE, row.unit))
    broken.refuse()


def _textless(
    dataset: Dataset, missing: Iterable[str], clusters: Mapping[str, str]
) -> Iterator[Item]:
    """Items known only by their labels; the sealed part is drawn as for any other item."""
    sealed = SealedSet.objects.filter(dataset=dataset, retired_at__isnull=True).first()
    for item in missing:
        cluster = clusters.get(item, item)
        part = part_of(cluster, salt=sealed.salt, share=dataset.share) if sealed else ""
        yield Item(
            project_id=dataset.project_id,
            dataset=dataset,
            external_id=item,
            kind=ItemKind.SINGLE,
            title=item,
            prompt_key=cluster,
            cluster_key=cluster,
            content_hash=digest("label/1", item),
            part=part or Part.DEVELOPMENT,
        )
