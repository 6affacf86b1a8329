"""Tasks as Label Studio exports them, in full (JSON) and short (JSON-MIN), as rows.

A choice, a rating and a preference are labels of the dimension that `from_name` names; other
kinds of result (texts, marked places) are no labels and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from annotation.rules.keys import LABEL_CHARS
from core import mapping
from core.errors import Invalid

Values = Mapping[str, object]
Row = dict[str, object]

_SHORT = frozenset({"id", "annotator", "annotation_id", "lead_time"})
_SIDES = {"left": "A", "right": "B", "none": "tie", "tie": "tie", "neutral": "tie"}
_KINDS = {"choices": "choices", "rating": "rating", "pairwise": "selected"}
"""Of each type of result the key that holds the label."""


def is_task(values: Values) -> bool:
    """Whether a row is a task with its annotations."""
    return isinstance(values.get("data"), Mapping) and isinstance(values.get("annotations"), list)


def is_short(values: Values) -> bool:
    """Whether a row is one annotation in the short form."""
    return values.keys() >= _SHORT


def task_item(values: Values) -> list[Row]:
    """The data of the task under the names that they have there."""
    data = values["data"]
    return [_item(values.get("id"), data if isinstance(data, Mapping) else {})]


def short_item(values: Values) -> list[Row]:
    """What stands before the id is the data; what was said about it comes after it."""
    return [_item(values["id"], dict(_before_id(values)))]


def task_labels(values: Values) -> list[Row]:
    """The labels of every annotation that was not cancelled."""
    annotations = values["annotations"]
    return [
        row
        for annotation in (annotations if isinstance(annotations, list) else [])
        if isinstance(annotation, Mapping) and not annotation.get("was_cancelled")
        for row in _of_annotation(values, annotation)
    ]


def short_labels(values: Values) -> list[Row]:
    """One label for each name between the id and the annotator."""
    said = {
        "item": _item_id(values["id"]),
        "rater": _person(values["annotator"]),
        "at": values.get("created_at"),
    }
    named = ((name, _short_label(name, value)) for name, value in _after_id(values))
    return [{**said, "dimension": name, "label": label} for name, label in named if label]


def _item(task: object, data: Values) -> Row:
    """The task's id names the item; an id among the data is kept beside it."""
    return {
        "id": mapping.as_key(task),
        **{("data_id" if name == "id" else name): value for name, value in data.items()},
    }


def _of_annotation(task: Values, annotation: Values) -> Iterator[Row]:
    said = {
        "item": _item_id(task.get("id")),
        "rater": _person(annotation.get("completed_by")),
        "at": annotation.get("created_at"),
    }
    results = annotation.get("result")
    for result in results if isinstance(results, list) else []:
        if not isinstance(result, Mapping) or result.get("type") not in _KINDS:
            continue
        name, value = mapping.as_key(result.get("from_name")), result.get("value")
        label = _label(name, value) if isinstance(value, Mapping) else ""
        if label:
            yield {**said, "dimension": name, "label": label}


def _item_id(task: object) -> str:
    name = mapping.as_key(task)
    if not name:
        raise Invalid("empty_field", "the task has no id, by which its item is found.")
    return name


def _person(said: object) -> str:
    """Who annotated: a number, a text, or a person with an e-mail address and a number."""
    if isinstance(said, Mapping):
        said = next((said[key] for key in ("email", "username", "id") if said.get(key)), None)
    name = mapping.as_key(said)
    if not name:
        raise Invalid("empty_field", "an annotation does not say who made it (completed_by).")
    return name


def _label(name: str, value: Values) -> str:
    """The label in a value: of a choice, a rating, or a preference between left and right."""
    key = next((key for key in _KINDS.values() if key in value), "")
    said = value.get(key)
    if isinstance(said, list):
        if len(said) > 1:
            raise Invalid(
                "several_choices",
                f"{name[:40]} has {len(said)} choices at once, and a label is one of them.",
            )
        said = said[0] if said else None
    label = mapping.as_key(said)
    return _SIDES.get(label.lower(), label) if key == "selected" else label


def _short_label(name: str, value: object) -> str:
    """The same in the short form, where a single choice is a plain text. A longer text than a
    label may be is something that somebody wrote."""
    if isinstance(value, str) and value.startswith(("[", "{")):
        value = _unpacked(value)
    if isinstance(value, list):
        if len(value) != 1:
            raise Invalid(
                "several_results",
                f"{name[:40]} has {len(value)} results at once, and a label is one of them.",
            )
        value = value[0]
    if isinstance(value, Mapping):
        return _label(name, value)
    label = mapping.as_key(value)
    return label if len(label) <= LABEL_CHARS else ""


def _unpacked(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _before_id(values: Values) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if name == "id":
            return
        yield name, value


def _after_id(values: Values) -> Iterator[tuple[str, object]]:
    names: Iterable[str] = list(values)
    is_after = False
    for name in names:
        if is_after and name == "annotator":
            return
        if is_after:
            yield name, values[name]
        is_after = is_after or name == "id"
