"""Items out of a table's records: what is one thing judged, and what is missing in a row."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from annotation.rules.keys import NAME_CHARS, digest, fitting, short_key
from core import mapping
from core.errors import Invalid
from core.mapping import ABSENT, FieldPath
from core.reading.rows import Unit, unstorable
from core.tabular import BrokenRow, Record

KINDS = ("single", "pair", "conversation")
DIFFICULTIES = ("easy", "medium", "hard")
CASES = ("representative", "edge_case", "adversarial")
SOURCES = ("production_log", "manual", "synthetic", "failure_mining")
ITEM_FIELDS = (
    "id",
    "kind",
    "input",
    "context",
    "messages",
    "reference",
    "response",
    "response_a",
    "response_b",
    "system",
    "system_a",
    "system_b",
    "prompt",
    "cluster",
    "difficulty",
    "case",
    "source",
    "tags",
    "latency_ms",
    "latency_ms_a",
    "latency_ms_b",
    "cost",
    "cost_a",
    "cost_b",
)

_TAG_CHARS = 60
_ROLE_CHARS = 40
_DEAREST = Decimal(1_000_000)
_CENT_OF_A_CENT = Decimal("0.000001")

_ONE_OF_EACH = (("input", "messages"), ("response", "response_a", "messages"))

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ResponseDraft:
    """A system's output; latency in milliseconds, cost in the project's currency."""

    text: str
    system: str = ""
    latency_ms: float | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """One item as read from a row, before it is stored. `responses` are in the own order (A, B).

    `extra` holds the columns that nobody mapped; `notices` say what was changed in reading.
    """

    row: int
    external_id: str
    kind: str
    input: str
    responses: tuple[ResponseDraft, ...]
    prompt_key: str
    cluster_key: str
    context: str = ""
    messages: tuple[Message, ...] = ()
    reference: str = ""
    difficulty: str = ""
    case: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    unit: Unit = "row"
    # The digest of the input, where reading took it: a copy with other texts is without it.
    asked: str = field(default="", init=False, repr=False, compare=False)

    @property
    def chars(self) -> int:
        """About how much text it holds, in characters."""
        return (
            len(self.input)
            + len(self.context)
            + len(self.reference)
            + sum([len(response.text) for response in self.responses])
            + sum([len(message.text) for message in self.messages])
            + sum([len(value) for value in self.extra.values() if isinstance(value, str)])
        )


def item_rows(
    records: Iterable[Record | BrokenRow],
    *,
    columns: Mapping[str, FieldPath],
    is_exact: bool = False,
) -> Iterator[ItemDraft | BrokenRow]:
    """Items in file order; a row that is no whole item comes out as a `BrokenRow`.

    `columns` maps fields to columns; other fields are looked for under their own names, unless
    the mapping `is_exact` (somebody saw every field and left those out). Raises `Invalid` at the
    call for an unknown field, and at the first row for a column that is not there.
    """
    for name in columns:
        if name not in ITEM_FIELDS:
            raise Invalid(
                "unknown_field",
                f"There is no field “{name}” to map to. "
                f"Fields: {mapping.listed(name, ITEM_FIELDS)}.",
            )
    paths = columns if is_exact else mapping.completed(columns, ITEM_FIELDS)
    return _drafts(records, columns, paths)


def content_hash(draft: ItemDraft) -> str:
    """What makes an item the same item: texts, external id and systems (64 hexadecimal digits)."""
    return _hash_of(draft.external_id, draft)


def input_digest(draft: ItemDraft) -> str:
    """What makes two inputs one: input, context and messages, whatever their white space."""
    return draft.asked or _input_digest(draft.input, draft.context, draft.messages)


def guess_map(columns: Sequence[str]) -> dict[str, str]:
    """For a form's first choice: field -> column, for the columns whose names speak clearly.

    Every column is used at most once; the person sees and changes the guess.
    """
    known = {_plain_name(column): column for column in reversed(columns)}
    if {"instruction", "input"} <= known.keys() and "context" not in known:
        # The instruction is what was asked; such tables put its material into "input".
        known = {**known, "question": known["instruction"], "context": known["input"]}
        del known["instruction"], known["input"]
    guess: dict[str, str] = {}
    for name, spellings in _SPELLINGS.items():
        found = next((known[s] for s in (_plain_name(name), *spellings) if s in known), None)
        if found is not None and found not in guess.values():
            guess[name] = found
    if "response_a" in guess and "response_b" in guess:
        guess.pop("response", None)
    return guess


_SPELLINGS: dict[str, tuple[str, ...]] = {
    "id": ("itemid", "idx", "index", "externalid", "questionid", "uid", "key"),
    "kind": (),
    "input": ("question", "prompt", "instruction", "query", "userinput", "request", "task"),
    "context": ("document", "documents", "passage", "source text", "background"),
    "messages": ("conversation", "turns"),
    "reference": ("referenceanswer", "expected", "expectedanswer", "idealanswer", "target", "gold"),
    "response_a": ("response1", "answera", "answer1", "outputa", "output1", "completiona",
                   "completion1", "assistanta", "assistant1"),
    "response_b": ("response2", "answerb", "answer2", "outputb", "output2", "completionb",
                   "completion2", "assistantb", "assistant2"),
    "response": ("answer", "output", "completion", "generation", "prediction", "modeloutput",
                 "modelanswer"),
    "system_a": ("system1", "modela", "model1"),
    "system_b": ("system2", "modelb", "model2"),
    "system": ("model", "modelname", "systemversion", "generator"),
    "prompt": ("promptkey", "promptid"),
    "cluster": ("clusterkey", "clusterid", "conversationid", "documentid", "sessionid"),
    "difficulty": (),
    "case": ("kindofcase",),
    "source": (),
    "tags": ("tag", "labels"),
    "latency_ms": ("latency",),
    "latency_ms_a": (),
    "latency_ms_b": (),
    "cost": (),
    "cost_a": (),
    "cost_b": (),
}  # fmt: skip


def _plain_name(column: str) -> str:
    return "".join(character for character in column.lower() if character.isalnum())


# --- one row ----------------------------------------------------------------------------------


def _drafts(
    records: Iterable[Record | BrokenRow],
    columns: Mapping[str, FieldPath],
    paths: Mapping[str, FieldPath],
) -> Iterator[ItemDraft | BrokenRow]:
    groups: list[Mapping[str, FieldPath]] = [
        {name: paths[name] for name in names if name in paths} for names in _ONE_OF_EACH
    ]
    table = _Table(columns, paths)
    for record in mapping.checked(records, columns, any_of=[group for group in groups if group]):
        if isinstance(record, BrokenRow):
            yield record
            continue
        try:
            yield _RowReader(record, table).draft()
        except Invalid as error:
            yield BrokenRow(record.row, error.sentence, record.unit)


class _Table:
    """What is the same for every row: where the fields lie, and which of them somebody named."""

    def __init__(self, columns: Mapping[str, FieldPath], paths: Mapping[str, FieldPath]) -> None:
        self.named = frozenset(columns)
        self.paths = paths
        # Most fields are a column as it stands: those are found without following any path.
        self.plain = {name: path.text for name, path in paths.items() if path.is_plain}
        self.fields_of: dict[str, list[str]] = {}
        for name, column in self.plain.items():
            self.fields_of.setdefault(column, []).append(name)
        self.has_paths = len(self.plain) < len(paths)


class _RowReader:
    """Reads one record field by field and remembers what it had to change."""

    def __init__(self, record: Record, table: _Table) -> None:
        self._record = record
        self._table = table
        fields_of = table.fields_of
        self._plain = {
            name: value
            for column, value in record.values.items()
            for name in fields_of.get(column, ())
        }
        self._refused: set[str] = set()
        self._notices: list[str] = []

    def draft(self) -> ItemDraft:
        text, messages = self._input()
        kind = self._kind(has_messages=bool(messages))
        context = self._context()
        if not text.strip() and not messages:
            self._accept_empty_input(context)
        asked = _input_digest(text, context, messages)
        prompt = self._key("prompt") or asked
        draft = ItemDraft(
            row=self._record.row,
            unit=self._record.unit,
            external_id=fitting(mapping.as_key(self._value("id")), "id"),
            kind=kind,
            input=text,
            responses=self._responses(kind),
            prompt_key=prompt,
            cluster_key=self._key("cluster") or prompt,
            context=context,
            messages=messages,
            reference=self._text("reference"),
            difficulty=self._optional("difficulty", _one_of(DIFFICULTIES), ""),
            case=self._optional("case", _one_of(CASES), ""),
            source=self._optional("source", _one_of(SOURCES), ""),
            tags=self._optional("tags", _tags, ()),
            extra=self._unmapped(),
            notices=tuple(self._notices),
        )
        if not draft.external_id:
            # Without an id of its own an item is named after its content, always the same.
            draft = replace(draft, external_id=f"item-{_hash_of('', draft)[:16]}")
        object.__setattr__(draft, "asked", asked)
        return draft

    def _unmapped(self) -> dict[str, object]:
        """The columns that nobody mapped, and those whose value could not be taken."""
        values, table = self._record.values, self._table
        if table.has_paths or self._refused:
            paths = table.paths.items()
            used = {name: path for name, path in paths if name not in self._refused}
            return mapping.unmapped(values, used)
        if table.fields_of.keys() >= values.keys():
            return {}
        return mapping.unmapped(values, table.paths)

    def _value(self, name: str) -> object:
        table = self._table
        if not table.has_paths or name in table.plain:
            return self._plain.get(name, ABSENT)
        path = table.paths.get(name)
        return ABSENT if path is None else path.find(self._record.values)

    def _text(self, name: str) -> str:
        return self._as_text(name, self._value(name))

    def _as_text(self, name: str, value: object) -> str:
        if isinstance(value, str):
            return value
        try:
            text, was_other = mapping.as_text(value)
        except Invalid as error:
            raise Invalid(
                error.code, f"the {_spoken(name)} cannot be read: {error.sentence}"
            ) from error
        if was_other:
            self._notices.append(
                f"the {_spoken(name)} is not a text in the file; it is taken as “{text}”."
            )
        return text

    def _has(self, name: str) -> bool:
        return self._value(name) not in (ABSENT, None)

    def _key(self, name: str) -> str:
        return short_key(mapping.as_key(self._value(name)))

    def _input(self) -> tuple[str, tuple[Message, ...]]:
        """The input as text, or the turns that it consists of."""
        value = self._value("input")
        turns = self._value("messages")
        if isinstance(value, list) and turns in (ABSENT, None):
            return "", _messages(value, "input")
        messages = () if turns in (ABSENT, None) else _messages(turns, "messages")
        return self._as_text("input", value), messages

    def _accept_empty_input(self, context: str) -> None:
        """An input that is there and empty is one only beside a context that says it all."""
        # In a table an empty cell is a missing one, unless the row names its kind.
        value = self._value("input")
        if value is ABSENT or (value is None and not self._has("kind")):
            raise Invalid("no_input", "the input is missing. Every item needs one.")
        if not context.strip():
            raise Invalid("no_input", "input and context are empty: nothing was asked.")
        self._notices.append("the input is empty; the context stands alone.")

    def _context(self) -> str:
        """The context; several documents become one text with blank lines between them."""
        value = self._value("context")
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            self._notices.append("the documents of the context are joined into one text.")
            return "\n\n".join(value)
        return self._as_text("context", value)

    def _kind(self, *, has_messages: bool) -> str:
        given = mapping.as_key(self._value("kind")).lower()
        if given:
            if given not in KINDS:
                raise Invalid(
                    "kind", f"the kind “{given[:40]}” is unknown. Kinds: {', '.join(KINDS)}."
                )
            return given
        has_pair = self._has("response_a") or self._has("response_b")
        if has_pair and self._has("response"):
            raise Invalid(
                "two_shapes",
                "it has a response and a pair as well. Leave one out, or name the kind.",
            )
        if has_pair:
            return "pair"
        if self._has("response"):
            return "single"
        if has_messages:
            return "conversation"
        raise Invalid("no_response", "it has no response: there is nothing to judge.")

    def _responses(self, kind: str) -> tuple[ResponseDraft, ...]:
        if kind == "pair":
            return self._pair()
        text = self._text("response")
        if not text.strip():
            if kind == "conversation":
                return ()
            raise Invalid("no_response", "the response is empty: there is nothing to judge.")
        return (self._response("", text),)

    def _pair(self) -> tuple[ResponseDraft, ...]:
        names = ("response_a", "response_b")
        for name in names:
            # A named kind says that there are two; without it an empty cell is a missing one.
            value = self._value(name)
            if value is ABSENT or (value is None and not self._has("kind")):
                raise Invalid(
                    "half_a_pair",
                    f"the {_spoken(name)} is missing, and a pair needs both. (A response that "
                    "really is empty: give the row a kind, pair.)",
                )
        texts = [self._text(name) for name in names]
        if not any(text.strip() for text in texts):
            raise Invalid("no_response", "both responses are empty: there is nothing to judge.")
        for name, text in zip(names, texts, strict=True):
            if not text.strip():
                self._notices.append(f"the {_spoken(name)} is empty; it is kept as it is.")
        return self._response("_a", texts[0]), self._response("_b", texts[1])

    def _response(self, suffix: str, text: str) -> ResponseDraft:
        name = f"system{suffix}"
        system = fitting(mapping.as_key(self._value(name)), _spoken(name), limit=NAME_CHARS)
        return ResponseDraft(
            text=text,
            system=system,
            latency_ms=self._optional(f"latency_ms{suffix}", _latency, None),
            cost=self._optional(f"cost{suffix}", _cost, None),
        )

    def _optional(self, name: str, parse: Callable[[object], Value], nothing: Value) -> Value:
        """A field that a foreign table may use for something else under the same name.

        Somebody who mapped it hears of a bad value; otherwise it stays among the extra columns.
        """
        value = self._value(name)
        if value in (ABSENT, None, ""):
            return nothing
        try:
            return parse(value)
        except Invalid as error:
            if name in self._table.named:
                raise Invalid(error.code, f"the {_spoken(name)} {error.sentence}") from error
            self._refused.add(name)
            self._notices.append(f"the column {name} is kept aside: it {error.sentence}")
            return nothing


def _spoken(name: str) -> str:
    """A field's name in a sentence: response_a -> response A."""
    for suffix in ("_a", "_b"):
        if name.endswith(suffix):
            return f"{name[:-2]} {suffix[1].upper()}"
    return name


def _hash_of(external_id: str, draft: ItemDraft) -> str:
    return digest(
        "item/1",
        external_id,
        draft.kind,
        draft.input,
        draft.context,
        _as_lists(draft.messages),
        draft.reference,
        [[response.text, response.system] for response in draft.responses],
    )


def _input_digest(text: str, context: str, messages: Sequence[Message]) -> str:
    turns = [[role, _squeezed(body)] for role, body in _as_lists(messages)]
    return digest("input/1", _squeezed(text), _squeezed(context), turns)


def _as_lists(messages: Sequence[Message]) -> list[list[str]]:
    return [[message.role, message.text] for message in messages]


def _squeezed(text: str) -> str:
    return " ".join(text.split())


# --- values -----------------------------------------------------------------------------------


def _messages(value: object, name: str) -> tuple[Message, ...]:
    """Turns: a list of objects with role and content (or text), or that list as JSON text."""
    turns = _in_cell(value, "messages", f"the {name} ") if isinstance(value, str) else value
    if not isinstance(turns, list) or not turns:
        raise Invalid(
            "messages",
            f"the {name} cannot be read: a list of objects with role and content is expected.",
        )
    return tuple(_message(turn, place) for place, turn in enumerate(turns, 1))


def _message(turn: object, place: int) -> Message:
    role = turn.get("role") if isinstance(turn, dict) else None
    text = turn.get("content", turn.get("text")) if isinstance(turn, dict) else None
    if not (isinstance(role, str) and role.strip() and isinstance(text, str)):
        raise Invalid("messages", f"message {place} needs a role and a content, both texts.")
    return Message(fitting(role.strip(), "role", limit=_ROLE_CHARS), text)


def _one_of(words: Sequence[str]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        word = value.strip().lower().replace(" ", "_") if isinstance(value, str) else ""
        if word not in words:
            raise Invalid("unknown_word", f"is none of {', '.join(words)}.")
        return word

    return parse


def _tags(value: object) -> tuple[str, ...]:
    """A list of texts (in a table: as JSON), or one text with commas."""
    parts = _listed(value) if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Invalid("tags", "cannot be read: a list of texts, or one with commas, is expected.")
    tags = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if any(len(tag) > _TAG_CHARS for tag in tags):
        raise Invalid("tags", f"has a tag of more than {_TAG_CHARS} characters.")
    return tags


def _listed(text: str) -> object:
    listed = _in_cell(text, "tags") if text.startswith("[") else None
    return text.split(",") if listed is None else listed


def _in_cell(text: str, code: str, subject: str = "") -> object:
    """The JSON that a cell holds, None where it is none. Raises `Invalid` for what the reader of
    a JSON file would have refused: an escape can smuggle in what no database takes."""
    try:
        value = json.loads(text)
        trouble = unstorable(value)
    except RecursionError:
        value, trouble = None, "it is nested too deeply."
    except ValueError:
        return None
    if trouble:
        raise Invalid(code, f"{subject}cannot be read: {trouble}")
    return value


def _latency(value: object) -> float:
    try:
        number = float(mapping.as_key(value))
    except ValueError:
        number = math.nan
    if not 0.0 <= number < math.inf:
        raise Invalid("latency", "is not a number of milliseconds from 0.")
    return number


def _cost(value: object) -> Decimal:
    try:
        number = Decimal(mapping.as_key(value))
    except InvalidOperation:
        number = Decimal("nan")
    if number.is_finite() and 0 <= number < _DEAREST:
        kept = number.quantize(_CENT_OF_A_CENT)
        if kept < _DEAREST:  # rounding may reach what the column does not hold
            return kept
    raise Invalid("cost", f"is not an amount of money from 0 to below {_DEAREST:,}.")
