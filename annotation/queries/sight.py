"""How far somebody who leads a round may look at its items while they settle what is wrong.

Of sealed items nothing is told in a rater's own words, and whoever wrote a judge reads none of
their texts. Who may yet rate an item is told nothing of it in others' words either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from annotation.models import Item, SealedSet
from annotation.queries.items import items_yet_rated_by
from annotation.queries.sealed import touching_sealed
from core import registry


@dataclass(frozen=True, slots=True)
class Sight:
    """Of some items: which are sealed, and which the reader may yet rate."""

    is_barred: bool
    sealed: frozenset[int]
    yet_rated: frozenset[int]

    def shows_texts(self, item_id: int) -> bool:
        """Whether the texts of the item are read here."""
        return not (self.is_barred and item_id in self.sealed)

    def shows_words(self, item_id: int) -> bool:
        """Whether it is told who said what of the item, in their own words."""
        return item_id not in self.sealed and item_id not in self.yet_rated

    def shows_reference(self, item_id: int) -> bool:
        """Whether the reference answer is read: a rater would lean on it."""
        return self.shows_texts(item_id) and item_id not in self.yet_rated

    def title_of(self, item: Item) -> str:
        """What stands for the item in a list."""
        return (item.title if self.shows_texts(item.pk) else "") or item.external_id


def sight_on(items: Collection[int], *, project_id: int, user_id: int) -> Sight:
    """In at most four queries, however many items."""
    asked = Item.objects.filter(project=project_id, pk__in=items)
    sealed = touching_sealed(asked, project_id).values_list("pk", flat=True)
    yet = items_yet_rated_by(user_id, among=items)
    return Sight(is_barred(project_id, user_id), frozenset(sealed), frozenset(yet))


def titled(items: Iterable[Item], *, project_id: int, user_id: int) -> list[tuple[Item, str]]:
    """The items of a list, each with what stands for it before this reader."""
    rows = list(items)
    sight = sight_on([row.pk for row in rows], project_id=project_id, user_id=user_id)
    return [(row, sight.title_of(row)) for row in rows]


def is_barred(project_id: int, user_id: int) -> bool:
    """Whether there is anything sealed whose texts this person does not read."""
    return has_sealed(project_id) and registry.is_barred_from_sealed(
        project_id=project_id, user_id=user_id
    )


def has_sealed(project_id: int) -> bool:
    """Whether anything in the project is sealed."""
    return SealedSet.objects.filter(dataset__project=project_id, retired_at__isnull=True).exists()
