"""The fields that a file of items or labels may have, in the words of the mapping pages."""

from __future__ import annotations

from dataclasses import dataclass

SINGLE = "single"
PAIR = "pair"
MIXED = "mixed"
LONG = "long"
WIDE = "wide"


@dataclass(frozen=True, slots=True)
class FieldWords:
    """How a field is named on the page; `shapes` are those in which it is read."""

    name: str
    label: str
    hint: str = ""
    shapes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldGroup:
    title: str
    fields: tuple[FieldWords, ...]
    is_folded: bool = False


ONE = (SINGLE, MIXED)
TWO = (PAIR, MIXED)

ITEM_GROUPS = (
    FieldGroup(
        "What was asked",
        (
            FieldWords("input", "Input", "the question or instruction"),
            FieldWords("context", "Context", "documents or material that belong to it"),
            FieldWords("messages", "Messages", "a conversation: a list of role and content"),
            FieldWords("reference", "Reference answer", "what a good answer says"),
        ),
    ),
    FieldGroup(
        "What is judged",
        (
            FieldWords("response", "Response", "", ONE),
            FieldWords("system", "System", "what made it; raters never see it", ONE),
            FieldWords("response_a", "Response A", "", TWO),
            FieldWords("response_b", "Response B", "", TWO),
            FieldWords("system_a", "System A", "what made A; raters never see it", TWO),
            FieldWords("system_b", "System B", "what made B; raters never see it", TWO),
        ),
    ),
    FieldGroup(
        "How items are told apart",
        (
            FieldWords("id", "Id", "left out: made from the texts"),
            FieldWords("prompt", "Prompt key", "same key = same input; left out: the input itself"),
            FieldWords("cluster", "Cluster", "what must stay together; left out: the prompt key"),
        ),
    ),
    FieldGroup(
        "What it is like: difficulty, case, source, cost",
        (
            FieldWords("kind", "Kind", "single, pair or conversation", TWO),
            FieldWords("difficulty", "Difficulty", "easy, medium or hard"),
            FieldWords("case", "Case", "representative, edge case or adversarial"),
            FieldWords("source", "Source", "production log, manual, synthetic or failure mining"),
            FieldWords("tags", "Tags", "a list, or texts with commas"),
            FieldWords("latency_ms", "Latency", "milliseconds", ONE),
            FieldWords("cost", "Cost", "an amount of money", ONE),
            FieldWords("latency_ms_a", "Latency of A", "milliseconds", TWO),
            FieldWords("latency_ms_b", "Latency of B", "milliseconds", TWO),
            FieldWords("cost_a", "Cost of A", "an amount of money", TWO),
            FieldWords("cost_b", "Cost of B", "an amount of money", TWO),
        ),
        is_folded=True,
    ),
)

LABEL_GROUPS = (
    FieldGroup(
        "Whose label on what",
        (
            FieldWords("item", "Item", "the id that the items have here"),
            FieldWords("rater", "Rater", "who rated", (LONG,)),
            FieldWords("label", "Label", "what was said", (LONG,)),
        ),
    ),
    FieldGroup(
        "More about it",
        (
            FieldWords("dimension", "Dimension", "left out: overall"),
            FieldWords("round", "Round", "left out: one round for the file"),
            FieldWords("cluster", "Cluster", "for items that are made from the labels"),
            FieldWords("at", "Moment", "2026-03-31T14:05:00+00:00; left out: now"),
        ),
    ),
)
