"""Worked examples of a version: development items with the labels that people gave them.

The one place that turns rows into examples: what is sealed, or stands beside a sealed item, is
refused whoever asks and however the item was named.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet

from annotation.models import GuidelineVersion, Item
from annotation.queries.items import items_yet_rated_by
from core.errors import Invalid
from judges import queries
from judges.queries import people
from judges.rules.spec import Example, VersionSpec

MOST_EXAMPLES = 20
WHY_CHARS = 1000

Chosen = tuple[int, str]
"""An item's id, and why people labelled it as they did."""


def build(
    *, version: GuidelineVersion, project_id: int, user_id: int, chosen: Sequence[Chosen]
) -> tuple[Example, ...]:
    """The examples as the prompt shows them. Raises Invalid for an item that may not be one."""
    if len(chosen) > MOST_EXAMPLES:
        raise Invalid(
            "too_many_examples",
            f"At most {MOST_EXAMPLES} worked examples fit into a version; {len(chosen)} are "
            "chosen. Take some out.",
        )
    ids = list(dict.fromkeys(item_id for item_id, _ in chosen))
    found = people.labelled(version, ids, project_id=project_id, user_id=user_id)
    by_id = {one.item.pk: one for one in found}
    missing = len([item_id for item_id in ids if item_id not in by_id])
    if missing:
        raise Invalid(
            "example_unfit",
            f"{missing} of the chosen examples cannot be used: an example is a development item "
            "with a human label by this guideline version, beside nothing sealed, and not one "
            "that you may yet rate. Take them out.",
        )
    reasons = dict(chosen)
    return tuple(_example(by_id[item_id], reasons[item_id]) for item_id in ids)


def chosen_in(spec: VersionSpec, *, project_id: int) -> tuple[list[Chosen], int]:
    """The items of a version's examples, with their reasons, and how many are not found again.

    An example is found again by its id and its texts: what was corrected since is another item. A
    sealed item of the same id in another dataset is not read.
    """
    names = {example.item.id for example in spec.examples}
    rows = people.development_items(project_id).filter(external_id__in=names)
    views = [
        (view, item.pk)
        for item in rows.select_related("content").order_by("pk")
        if (view := queries.item_view(item)) is not None
    ]
    by_view = dict(reversed(views))
    found = [
        (by_view[example.item], example.rationale)
        for example in spec.examples
        if example.item in by_view
    ]
    return found, len(spec.examples) - len(found)


def shown_in(spec: VersionSpec, items: QuerySet[Item]) -> set[int]:
    """Those of the items that the version's prompt shows with people's labels, by id.

    To ask about one of them is to ask for what the judge was told: what it says of them would make
    it look better than it is.
    """
    views = {example.item for example in spec.examples}
    if not views:
        return set()
    rows = items.filter(external_id__in={view.id for view in views}).select_related("content")
    return {item.pk for item in rows if queries.item_view(item) in views}


def are_hidden(spec: VersionSpec, *, project_id: int, user_id: int) -> bool:
    """Whether this person rates in a round that holds one of the examples: then the examples, with
    people's labels, wait for that round's end."""
    names = {example.item.id for example in spec.examples}
    if not names:
        return False
    named = Item.objects.filter(project=project_id, external_id__in=names)
    return named.filter(pk__in=items_yet_rated_by(user_id)).exists()


def _example(one: people.Labelled, why: str) -> Example:
    view = queries.item_view(one.item)
    assert view is not None  # such items have texts
    return Example(
        item=view,
        labels=one.labels,
        rationale=why.replace("\r\n", "\n").strip()[:WHY_CHARS],
        label_version=one.version,
    )
