"""What rooms offer upwards. Each room registers its own in AppConfig.ready()."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from core.exporting import Column, Row


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `doctor` checked."""

    name: str
    is_ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five steps of a project: its state in one number and the next thing to do."""

    key: str
    title: str
    url: str
    number: str
    note: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class ExportScope:
    """What of a project is exported, and for whom.

    `user_id` is the person who asks (None: a machine or the command line): what they may yet
    rate is left out. The others narrow the tables that know them; `since` and `until` are days
    in UTC, both included.
    """

    project_id: int
    user_id: int | None = None
    dataset_id: int | None = None
    round_id: int | None = None
    run_id: int | None = None
    judge_id: int | None = None
    model: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One table that can leave the house; nothing sealed is ever among its rows.

    `rows` are streamed in an order that does not change while people work. `columns` are those
    of CSV and Parquet. `narrowed_by` names the parts of the scope that it heeds.
    """

    name: str
    title: str
    about: str
    columns: Callable[[ExportScope], Sequence[Column]]
    rows: Callable[[ExportScope], Iterator[Row]]
    narrowed_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person who is being erased: `renamed` has their old and new name in the label tables by
    project; `blanks_texts` says that what they wrote goes too."""

    user_id: int
    renamed: Mapping[int, tuple[str, str]]
    blanks_texts: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """What a room holds of a person besides their account.

    `count(user_id)` says how many rows; `erase` takes the person out of them, inside the
    transaction of the erasure, and leaves every figure as it was. One that `is_text` goes only
    when whoever erases wishes so.
    """

    title: str
    count: Callable[[int], int]
    erase: Callable[[Erasure], None]
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class ItemTexts:
    """What a room holds of the texts of items, besides the items themselves.

    `goes` says in words what `erase(item_ids)` blanks, inside the transaction of the erasure; it
    leaves every figure as it was. `free(items)` are those of the items that can be erased now, and
    `why_held(item_id)` says why one cannot, else ''. `kept(item_id)` names places that keep the
    texts, since something rests on each of them.
    """

    goes: Sequence[str]
    erase: Callable[[Sequence[int]], None]
    free: Callable[[QuerySet[Any]], QuerySet[Any]]
    why_held: Callable[[int], str]
    kept: Callable[[int], Sequence[str]]


JobHandler = Callable[[int], None]
Reconciler = Callable[[datetime], int]
DoctorCheck = Callable[[], Finding]

StepMaker = Callable[[int, str], Step]
Bar = Callable[[int, int], bool]
DriftBar = Callable[[int], set[int]]
Leaving = Callable[[int, int, str, datetime], None]

EXPORT_ORDER = ("items", "ratings", "labels", "verdicts", "ledger", "decisions", "audit")
STEP_ORDER = ("data", "guideline", "rate", "agree", "judge")

_steps: dict[str, StepMaker] = {}
_job_handlers: dict[str, JobHandler] = {}
_bars: dict[str, Bar] = {}
_drift_bars: dict[str, DriftBar] = {}
_leavings: dict[str, Leaving] = {}
_traces: dict[str, Trace] = {}
_item_texts: dict[str, ItemTexts] = {}
_notices: dict[str, str] = {}
_reconcilers: dict[str, Reconciler] = {}
_doctor_checks: dict[str, DoctorCheck] = {}
_export_tables: dict[str, ExportTable] = {}


def register_job(kind: str, handler: JobHandler) -> None:
    """`handler(job_id)` does the work of one Job row of this kind; it may run twice."""
    _job_handlers[kind] = handler


def register_reconciler(name: str, reconcile: Reconciler) -> None:
    """`reconcile(now)` wakes what nobody holds and returns how many it woke."""
    _reconcilers[name] = reconcile


def register_doctor_check(name: str, check: DoctorCheck) -> None:
    _doctor_checks[name] = check


def register_export(table: ExportTable) -> None:
    if table.name not in EXPORT_ORDER:
        raise ValueError(f"{table.name!r} is none of the tables {EXPORT_ORDER}.")
    _export_tables[table.name] = table


def export_tables() -> Mapping[str, ExportTable]:
    """The tables that can be exported, in their order."""
    return {name: _export_tables[name] for name in EXPORT_ORDER if name in _export_tables}


def job_handlers() -> Mapping[str, JobHandler]:
    return _job_handlers


def reconcilers() -> Mapping[str, Reconciler]:
    return _reconcilers


def doctor_checks() -> Mapping[str, DoctorCheck]:
    return _doctor_checks


def register_step(key: str, make: StepMaker) -> None:
    """`make(project_id, slug)` says how far the project is with this step, in few queries."""
    if key not in STEP_ORDER:
        raise ValueError(f"{key!r} is none of the five steps {STEP_ORDER}.")
    _steps[key] = make


def steps(*, project_id: int, slug: str) -> list[Step]:
    """The project's pipeline in its order: Data, Guideline, Rate, Agree, Judge."""
    return [_steps[key](project_id, slug) for key in STEP_ORDER if key in _steps]


def unregister_job(kind: str) -> None:
    """Take a handler away again."""
    del _job_handlers[kind]


def register_bar(name: str, bar: Bar) -> None:
    """`bar(project_id, user_id)` is true for people who must not touch sealed items."""
    _bars[name] = bar


def is_barred_from_sealed(*, project_id: int, user_id: int) -> bool:
    """Whether any room says that this person gets no sealed assignment."""
    return any(bar(project_id, user_id) for bar in _bars.values())


def register_drift_bar(name: str, bar: DriftBar) -> None:
    """`bar(round_id)` gives the users who must not rate in a drift round."""
    _drift_bars[name] = bar


def barred_from_drift(round_id: int) -> set[int]:
    """The users who, as any room says, must not rate in this drift round."""
    return {user for bar in _drift_bars.values() for user in bar(round_id)}


def register_leaving(name: str, hand_back: Leaving) -> None:
    """`hand_back(project_id, user_id, actor, now)` frees what a person holds in a project that is
    shut to them, inside the transaction that shuts it."""
    _leavings[name] = hand_back


def leave(*, project_id: int, user_id: int, actor: str, now: datetime) -> None:
    """Free whatever this person holds in this project, in every room."""
    for hand_back in _leavings.values():
        hand_back(project_id, user_id, actor, now)


def register_trace(name: str, trace: Trace) -> None:
    _traces[name] = trace


def traces() -> Mapping[str, Trace]:
    """What the rooms hold of people, for an erasure."""
    return _traces


def register_item_texts(room: str, texts: ItemTexts) -> None:
    _item_texts[room] = texts


def item_texts() -> Mapping[str, ItemTexts]:
    """What the rooms hold of the texts of items, for their erasure."""
    return _item_texts


def register_notice(kind: str, sentence: str) -> None:
    """What a notice of this kind says; `{subject}` in it stands for what the notice is about."""
    _notices[kind] = sentence


def notice_sentence(kind: str, subject: str) -> str:
    """The words of one notice. A kind that nobody offers any more stands for itself."""
    return _notices.get(kind, f"{kind}: {{subject}}").format(subject=subject)


def knows_notice(kind: str) -> bool:
    return kind in _notices
