"""Baselines that no model is asked for: what a judge has to be better than.

They speak the providers' protocol, so that their runs, labels and reports are like any judge's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from core.errors import Invalid
from judges.providers.base import ProviderReply, ProviderRequest
from judges.rules.pricing import Usage
from judges.rules.spec import ItemView
from judges.rules.training import Trained
from judges.rules.verdicts import to_item_labelling
from measurement.scale import TIE


def longer_response(item: ItemView) -> str:
    """The label of the pair's longer response, in characters, in the item's own labelling."""
    first, second = len(item.response_a), len(item.response_b)
    if first == second:
        return TIE
    return "A" if first > second else "B"


def majority_label(labels: Iterable[str]) -> str:
    """The commonest label; of equally common ones the first in the alphabet.

    Raises ``Invalid`` without any label.
    """
    counts = Counter(labels)
    if not counts:
        raise Invalid("no_labels", "There is no label yet from which to take the commonest.")
    return min(counts, key=lambda label: (-counts[label], label))


class LongerResponse:
    """Prefers the longer response of every pair."""

    async def ask(self, request: ProviderRequest) -> ProviderReply:
        """The answer in the form that the version asks for."""
        item = request.item
        if item is None or item.kind != "pair":
            raise Invalid("baseline_item", "The longer response exists for pairs only.")
        label = to_item_labelling(longer_response(item), request.order)
        return _reply(request, "longer-response", lambda _: label)

    async def aclose(self) -> None:
        """Nothing is open."""


class AlwaysLabel:
    """Gives each dimension its one label, whatever the item: the majority label, say."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = dict(labels)

    async def ask(self, request: ProviderRequest) -> ProviderReply:
        """The answer in the form that the version asks for."""
        return _reply(
            request, "always-label", lambda key: to_item_labelling(self._labels[key], request.order)
        )

    async def aclose(self) -> None:
        """Nothing is open."""


class TrainedLabel:
    """Gives each dimension the label that a trained baseline finds likeliest."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained

    async def ask(self, request: ProviderRequest) -> ProviderReply:
        """The answer in the form that the version asks for."""
        item = request.item
        if item is None or (item.kind == "pair") != self._trained.is_pairwise:
            raise Invalid("baseline_item", "The baseline was trained on items of another kind.")
        return _reply(
            request,
            "trained",
            lambda key: to_item_labelling(self._trained.label(item, key), request.order),
        )

    async def aclose(self) -> None:
        """Nothing is open."""


def _reply(request: ProviderRequest, name: str, label_of: Callable[[str], str]) -> ProviderReply:
    properties = request.rendered.schema["properties"]
    if not isinstance(properties, dict):
        raise TypeError("The schema of an answer is an object.")
    answer = {
        key: {"reasoning": f"Baseline {name}.", "label": _typed(label_of(key), schema)}
        for key, schema in properties.items()
    }
    return ProviderReply(text=json.dumps(answer), stop_reason="end_turn", model=name, usage=Usage())


def _typed(label: str, schema: Mapping[str, Mapping[str, Mapping[str, list[object]]]]) -> object:
    """The label as the schema writes it: numeric scales ask for numbers."""
    choices = schema["properties"]["label"]["enum"]
    return next((choice for choice in choices if str(choice) == label), label)
