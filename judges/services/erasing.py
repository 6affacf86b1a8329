"""What this room holds of the texts of items: answers of judges quote them."""

from __future__ import annotations

from collections.abc import Sequence

from core.blanking import blank
from core.registry import ItemTexts
from judges.models import Attempt, Call, Verdict
from judges.queries import texts


def _erase(item_ids: Sequence[int]) -> None:
    """Digests, outcomes, costs and labels stay. An answer that is gone is nobody's cache."""
    attempts = Attempt.objects.filter(call__item__in=item_ids)
    attempts.filter(is_cache_source=True).update(is_cache_source=False)
    blank(attempts, "answer")
    blank(attempts, "problem")
    blank(Call.objects.filter(item__in=item_ids), "problem")
    blank(Verdict.objects.filter(call__item__in=item_ids), "rationale")


ITEMS = ItemTexts(
    goes=("What judges answered about it: raw answers and reasons, and what was wrong with them",),
    erase=_erase,
    free=texts.not_being_judged,
    why_held=texts.why_being_judged,
    kept=texts.versions_quoting,
)
