"""Which drafts of an import are new, which are there already, which contradict what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from annotation.models import Correction, Dataset, Item, PendingImport, SealedSet
from annotation.queries.sealed import open_elsewhere, sealed_elsewhere
from annotation.rules.itemrows import ItemDraft, content_hash, input_digest
from annotation.rules.split import part_of
from annotation.services.itemstore import Fresh, meanwhile
from annotation.states import Part
from core.errors import Conflict
from core.tabular import BrokenRow

OPEN_ELSEWHERE = (
    "this prompt lies in another dataset of the project, so it cannot be sealed: its labels may be "
    "known. Leave the row out, or use a dataset without a sealed part."
)
SEALED_ELSEWHERE = "this prompt is sealed in another dataset of the project. Leave the row out."
ON_BOTH_SIDES = (
    "the same prompt stands in this dataset under another cluster, and one of the two is sealed. "
    "Give both rows the same cluster, or leave this one out."
)


@dataclass(slots=True)
class Sifted:
    """A chunk of drafts parted: `known` of them are there already."""

    fresh: list[Fresh] = field(default_factory=list)
    known: int = 0
    broken: list[BrokenRow] = field(default_factory=list)


def sift(pending: PendingImport, chunk: Sequence[ItemDraft]) -> Sifted:
    """Part a chunk. Raises Conflict where another import holds one of its items hidden."""
    sides = _Sides.of(pending.dataset, chunk)
    there = _there(pending, chunk)
    before = _before_corrections(pending.dataset, there)
    sifted = Sifted()
    for draft, input_hashed in zip(chunk, sides.inputs, strict=True):
        hashed = content_hash(draft)
        known = there.get(draft.external_id)
        if known == hashed or hashed in before:
            sifted.known += 1
            continue
        part = sides.part(draft)
        trouble = _other_text(draft) if known else sides.trouble(draft, input_hashed, part)
        if trouble:
            sifted.broken.append(BrokenRow(draft.row, trouble, draft.unit))
        else:
            there[draft.external_id] = hashed
            sifted.fresh.append(Fresh(draft, hashed, input_hashed, part))
    return sifted


def check_takes_items(dataset: Dataset) -> None:
    """Raise Conflict where the sealed part was looked at: new items would change it."""
    sealed = SealedSet.objects.filter(dataset=dataset, retired_at__isnull=True).first()
    if sealed is not None and sealed.frozen_at is not None:
        raise Conflict(
            "set_frozen",
            "The sealed part of this dataset has been looked at, so it takes no new items. "
            "Import them into a new dataset.",
        )


def live_salt(dataset: Dataset) -> str:
    """The salt of the live sealed part; empty when every new item is for development.

    Raises Conflict as `check_takes_items` does.
    """
    if dataset.is_open:
        return ""
    check_takes_items(dataset)
    sealed = SealedSet.objects.get(dataset=dataset)
    return "" if sealed.retired_at is not None else sealed.salt


@dataclass(frozen=True, slots=True)
class _Sides:
    """What the prompts of a chunk are elsewhere, so that none gets onto both sides of a seal."""

    dataset: Dataset
    salt: str
    inputs: Sequence[str]
    sealed_elsewhere: set[str]
    open_elsewhere: set[str]
    here: dict[str, str]

    @classmethod
    def of(cls, dataset: Dataset, chunk: Sequence[ItemDraft]) -> _Sides:
        inputs = [input_digest(draft) for draft in chunk]
        keys = {*inputs, *(draft.cluster_key for draft in chunk)}
        salt = live_salt(dataset)
        return cls(
            dataset=dataset,
            salt=salt,
            inputs=inputs,
            sealed_elsewhere=sealed_elsewhere(dataset, keys),
            open_elsewhere=open_elsewhere(dataset, keys),
            here=_parts_here(dataset, inputs) if salt else {},
        )

    def part(self, draft: ItemDraft) -> Part:
        if not self.salt:
            return Part.DEVELOPMENT
        return Part(part_of(draft.cluster_key, salt=self.salt, share=self.dataset.share))

    def trouble(self, draft: ItemDraft, input_hashed: str, part: Part) -> str:
        """Why this draft cannot lie in its part, as a sentence; '' when it can."""
        keys = (draft.cluster_key, input_hashed)
        if any(key in self.sealed_elsewhere for key in keys):
            return SEALED_ELSEWHERE
        if part == Part.SEALED and any(key in self.open_elsewhere for key in keys):
            return OPEN_ELSEWHERE
        if self.salt and self.here.setdefault(input_hashed, part) != part:
            return ON_BOTH_SIDES
        return ""


def _parts_here(dataset: Dataset, inputs: Iterable[str]) -> dict[str, str]:
    """digest of an input -> the part in which it lies in this dataset already."""
    found = Item.objects.filter(
        project_id=dataset.project_id, input_digest__in=set(inputs), dataset=dataset
    )
    return dict(found.values_list("input_digest", "part"))


def _there(pending: PendingImport, chunk: Sequence[ItemDraft]) -> dict[str, str]:
    """id -> content hash of what the dataset has already (the hash takes in the id)."""
    found = Item.objects.filter(
        dataset=pending.dataset_id, external_id__in={draft.external_id for draft in chunk}
    ).values_list("external_id", "content_hash", "import_job_id")
    there = {external_id: (hashed, tag) for external_id, hashed, tag in found}
    others = {tag for _, tag in there.values() if tag is not None} - {pending.pk}
    if others and PendingImport.objects.filter(pk__in=others).exists():
        # They may yet be dropped: calling them "there already" could lose them.
        raise meanwhile()
    return {external_id: hashed for external_id, (hashed, _) in there.items()}


def _before_corrections(dataset: Dataset, there: Iterable[str]) -> set[str]:
    """Hashes of what corrected items were before: the file they came from brings nothing new.

    Only items that are there can have been corrected: for a new file nothing is asked.
    """
    ids = list(there)
    if not ids:
        return set()
    found = Correction.objects.filter(item__dataset=dataset, item__external_id__in=ids)
    return set(found.values_list("hash_before", flat=True))


def _other_text(draft: ItemDraft) -> str:
    return (
        f"the id {draft.external_id[:60]!r} belongs to an item with other texts or systems. Give "
        "it an id of its own, or leave the row out."
    )
