"""What rooms offer upwards. Each room registers its own in AppConfig.ready()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


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


JobHandler = Callable[[int], None]
Reconciler = Callable[[datetime], int]
DoctorCheck = Callable[[], Finding]

StepMaker = Callable[[int, str], Step]
Bar = Callable[[int, int], bool]

STEP_ORDER = ("data", "guideline", "rate", "agree", "judge")

_steps: dict[str, StepMaker] = {}
_job_handlers: dict[str, JobHandler] = {}
_bars: dict[str, Bar] = {}
_reconcilers: dict[str, Reconciler] = {}
_doctor_checks: dict[str, DoctorCheck] = {}


def register_job(kind: str, handler: JobHandler) -> None:
    """`handler(job_id)` does the work of one Job row of this kind; it may run twice."""
    _job_handlers[kind] = handler


def register_reconciler(name: str, reconcile: Reconciler) -> None:
    """`reconcile(now)` wakes what nobody holds and returns how many it woke."""
    _reconcilers[name] = reconcile


def register_doctor_check(name: str, check: DoctorCheck) -> None:
    _doctor_checks[name] = check


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
