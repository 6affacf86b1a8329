"""What rooms offer upwards. Each room registers its own in AppConfig.ready()."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

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


JobHandler = Callable[[int], None]
Reconciler = Callable[[datetime], int]
DoctorCheck = Callable[[], Finding]

StepMaker = Callable[[int, str], Step]
Bar = Callable[[int, int], bool]

EXPORT_ORDER = ("items", "ratings", "labels", "verdicts", "ledger", "decisions", "audit")
STEP_ORDER = ("data", "guideline", "rate", "agree", "judge")

_steps: dict[str, StepMaker] = {}
_job_handlers: dict[str, JobHandler] = {}
_bars: dict[str, Bar] = {}
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
