"""The sample of a probe: drawn by lot from development items, the same for the same choices."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet

from annotation.models import Dataset, Item
from core.errors import Invalid
from judges import queries
from judges.models import JudgeVersion, Probe
from judges.queries import probes as reads
from judges.rules import changes, families, prompting
from judges.rules.changes import Change, Part, Target
from judges.rules.probes import CHANGED, MOST_ITEMS, PROBES, arms
from judges.rules.spec import VersionSpec, canonical_json
from judges.services import calls, examples
from judges.services.versions import spec_of
from judges.states import ProbeKind

CHUNK = 500
MOST_SCANNED = 5000
"""Items whose texts are looked at for markup: a sample is not worth reading a million of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person chooses for a probe. The same choices are the same probe."""

    version: JudgeVersion
    dataset: Dataset
    kind: ProbeKind
    size: int
    seed: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        chosen = [
            str(self.kind), self.dataset.pk, self.size, self.seed, dict(self.parameters),
        ]  # fmt: skip
        return hashlib.sha256(canonical_json(chosen).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sample:
    """The items of a probe with what is changed of each; else why there is nothing to ask."""

    targets: Mapping[int, Target]
    undefined_because: str = ""

    @property
    def ids(self) -> list[int]:
        return sorted(self.targets)

    @property
    def rows(self) -> list[list[Any]]:
        return [[item, self.targets[item].side, self.targets[item].pick] for item in self.ids]


def check(asked: Asked) -> None:
    spec = PROBES[asked.kind]
    if asked.dataset.project_id != asked.version.judge.project_id:
        raise Invalid("dataset_elsewhere", "The dataset belongs to another project.")
    if not 1 <= asked.size <= MOST_ITEMS:
        raise Invalid(
            "probe_size",
            f"A sample has between 1 and {MOST_ITEMS} items.",
            {"size": [f"Between 1 and {MOST_ITEMS}."]},
        )
    if spec.needs_pairs and not spec_of(asked.version).is_pairwise:
        raise Invalid(
            "probe_needs_pairs",
            "This version judges single responses, and an order belongs to pairs. Choose another "
            "probe, or a version of a judge that compares.",
            {"kind": ["Only a judge of pairs sees an order."]},
        )


def draw(asked: Asked) -> Sample:
    """The items of a probe: the same for the same choices while the data stay the same."""
    spec = spec_of(asked.version)
    because = _pointless(asked)
    if because:
        return Sample({}, because)
    if asked.kind is ProbeKind.SELF_PREFERENCE:
        return _of_families(asked, spec)
    names = _drawn(asked, spec)
    if not names:
        return _nothing(asked, spec)
    worse: dict[int, str] = {}
    if asked.kind is ProbeKind.INJECTION and spec.is_pairwise:
        preferred = reads.people_prefer(list(names), asked.version)
        worse = {item: "B" if side == "A" else "A" for item, side in preferred.items()}
    return Sample(
        {
            item: changes.target(
                asked.seed, name, is_pair=spec.is_pairwise, side=worse.get(item, "")
            )
            for item, name in names.items()
        }
    )


def _pointless(asked: Asked) -> str:
    """Why the probe has no figure whatever the judge would say, or nothing."""
    is_directed = asked.kind in {ProbeKind.LENGTH, ProbeKind.INJECTION}
    if is_directed and not reads.has_order(asked.version):
        return "the labels have no order, so nothing can be for or against a response"
    return ""


def _nothing(asked: Asked, spec: VersionSpec) -> Sample:
    if PROBES[asked.kind].needs_changed_text and _any_candidates(asked, spec):
        return Sample({}, "no development item has markup in a response")
    kind = "pairs" if spec.is_pairwise else "single responses or conversations"
    raise Invalid(
        "no_items",
        f"There is nothing to draw from: this version judges {kind} with their texts, and a probe "
        "takes development items that stand beside no sealed one. Choose another dataset.",
        {"dataset": ["There is nothing to draw from here: no such development item."]},
    )


def _any_candidates(asked: Asked, spec: VersionSpec) -> bool:
    return _candidates(asked, spec).exists()


def _candidates(asked: Asked, spec: VersionSpec) -> QuerySet[Item]:
    """Without the version's own worked examples: of those it was told the labels."""
    items = reads.candidates(asked.dataset, is_pairwise=spec.is_pairwise)
    return items.exclude(pk__in=examples.shown_in(spec, items))


def _drawn(asked: Asked, spec: VersionSpec) -> dict[int, str]:
    """The names of the items that are drawn, by key."""
    found = _named(_candidates(asked, spec))
    if not PROBES[asked.kind].needs_changed_text:
        return _first(found, asked, asked.size)
    chosen: dict[int, str] = {}
    for item in _in_turn(list(_first(found, asked, MOST_SCANNED))):
        view = queries.item_view(item)
        if view is not None and changes.changes_anything(view):
            chosen[item.pk] = item.external_id
        if len(chosen) == asked.size:
            break
    return chosen


def _named(items: QuerySet[Item]) -> Iterator[tuple[int, str]]:
    return items.values_list("pk", "external_id").iterator()


def _first(named: Iterable[tuple[int, str]], asked: Asked, size: int) -> dict[int, str]:
    """The items that the lot puts first. It hangs on the seed and the item's own name alone, so
    that the same data draw the same wherever they are."""
    return dict(
        heapq.nsmallest(size, named, key=lambda item: changes.draw(asked.seed, "item", item[1]))
    )


def _in_turn(ids: Sequence[int]) -> Iterator[Item]:
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        by_id = Item.objects.select_related("content").in_bulk(some)
        yield from (by_id[item] for item in some if item in by_id)


def _of_families(asked: Asked, spec: VersionSpec) -> Sample:
    family = families.family_of(spec.model)
    if not family:
        return Sample({}, "the name of the judge's model says no family")
    items = _candidates(asked, spec)
    if not items.exists():
        return _nothing(asked, spec)
    known = reads.labelled(items, asked.version)
    sides = reads.family_sides(known, family=family, is_pairwise=spec.is_pairwise)
    if spec.is_pairwise and not sides:
        return Sample(
            {},
            f"no development pair that people labelled has a response of the family {family} "
            "beside one of another",
        )
    if not spec.is_pairwise and len(set(sides.values())) < 2:
        return Sample(
            {},
            f"the development items that people labelled are not by systems of both kinds: of the "
            f"family {family}, and of others",
        )
    chosen = _first((one for one in _named(known) if one[0] in sides), asked, asked.size)
    return Sample({item: Target(sides[item]) for item in chosen})


def variants_of(asked: Asked, sample: Sample) -> dict[str, Change]:
    return {
        name: replace(change, targets=sample.targets)
        for name, change in arms(asked.kind, asked.parameters).items()
    }


@dataclass(frozen=True, slots=True)
class Example:
    """One item as it is, and as the judge is shown it; no item where the rubric is changed."""

    item: Item | None
    parts: Sequence[Part]
    is_changed: bool


def example(probe: Probe, *, user_id: int) -> Example | None:
    """An item of the sample that this person may read, before and after the change."""
    asked = arms(ProbeKind(probe.kind), probe.parameters)
    of_rubric = _of_rubric(probe.version, asked)
    if of_rubric is not None:
        return of_rubric
    item = reads.example_item(probe, user_id=user_id)
    return _example(item, asked, calls.targets_of(probe.sample))


def example_of(asked: Asked, sample: Sample, *, user_id: int) -> Example | None:
    """The same before there is a probe."""
    changed = arms(asked.kind, asked.parameters)
    of_rubric = _of_rubric(asked.version, changed)
    if of_rubric is not None:
        return of_rubric
    project = asked.version.judge.project
    item = reads.readable(sample.ids, project, user_id=user_id)
    return _example(item, changed, sample.targets)


def _of_rubric(version: JudgeVersion, asked: Mapping[str, Change]) -> Example | None:
    """Both wordings, where that is what differs."""
    change = asked.get(CHANGED, changes.AS_IT_IS)
    if not change.is_reworded:
        return None
    spec = spec_of(version)
    both = prompting.rubric(spec), prompting.rubric(change.asked(spec))
    return Example(None, [Part("Rubric", *both)], is_changed=True)


def _example(
    item: Item | None, asked: Mapping[str, Change], targets: Mapping[int, Target]
) -> Example | None:
    view = None if item is None else queries.item_view(item)
    if item is None or view is None:
        return None
    change = asked.get(CHANGED, changes.AS_IT_IS)
    shown = replace(change, targets=targets).shown(item.pk, view)
    return Example(item, changes.compared(view, shown), is_changed=shown != view)
