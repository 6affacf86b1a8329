"""Where the texts of an item are in this room, and what still asks about it."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import Item
from annotation.queries.texts import LOOKED_THROUGH, PIECE
from annotation.rules.quoting import quotes, texts_of
from judges.models import Attempt, Call, JudgeVersion
from judges.states import AttemptState, CallState


def not_being_judged(items: QuerySet[Item]) -> QuerySet[Item]:
    """Those of the items without a call that has not ended, or an answer that may still come."""
    calls = Call.objects.filter(item=OuterRef("pk")).exclude(state=CallState.FINISHED)
    sent = Attempt.objects.filter(call__item=OuterRef("pk"), state=AttemptState.SENT)
    return items.filter(~Exists(calls), ~Exists(sent))


def why_being_judged(item_id: int) -> str:
    asked = Call.objects.filter(item=item_id).select_related("run__version__judge")
    is_sent = Exists(Attempt.objects.filter(call=OuterRef("pk"), state=AttemptState.SENT))
    call = asked.filter(~Q(state=CallState.FINISHED) | is_sent).order_by("pk").first()
    if call is None:
        return ""
    version = call.run.version
    return (
        f"A judge is being asked about this item: run {call.run_id} of {version.judge.name!r} "
        f"({version}). Wait for its end, or cancel it; then come back."
    )


def versions_quoting(item_id: int) -> list[str]:
    """Versions of judges whose prompt quotes the item: as a worked example, or in the guideline's
    words. Drafts that were tried in the playground are versions too."""
    item = Item.objects.select_related("content").get(pk=item_id)
    texts = texts_of(item.content.body) if item.content else frozenset()
    versions = (
        JudgeVersion.with_drafts.filter(judge__project=item.project_id)
        .select_related("judge")
        .only("number", "spec", "judge__name")
        .order_by("-pk")
    )
    return [
        f"Judge {version.judge.name}, {version}: its prompt quotes it."
        for version in versions[:LOOKED_THROUGH].iterator(chunk_size=PIECE)
        if quotes(version.spec, texts)
    ]
