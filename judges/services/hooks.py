"""What rooms above hang on runs: who is told of an end, and who may stop a run from going on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from judges.states import RunPurpose

Watcher = Callable[[int], None]
Guard = Callable[[int], str]

_watchers: dict[str, Watcher] = {}
_guards: dict[RunPurpose, Guard] = {}


def on_finished(name: str, watcher: Watcher) -> None:
    """`watcher(run_id)` is called in the transaction that stamps `combined_at`: exactly once for
    each end of a run. It writes rows (a job, say) and calls nobody; what it raises undoes the
    stamp, and the reconciler tries again. Register in `AppConfig.ready()`.
    """
    _watchers[name] = watcher


def before_calls(purpose: RunPurpose, guard: Guard) -> None:
    """`guard(run_id)` is asked before each group of calls of such a run; a sentence pauses it."""
    _guards[purpose] = guard


def watchers() -> Sequence[Watcher]:
    return tuple(_watchers.values())


def objection(purpose: str, run_id: int) -> str:
    """Why the run may not go on, or nothing."""
    guard = _guards.get(RunPurpose(purpose))
    return guard(run_id) if guard else ""


def forget(name: str) -> None:
    """Take a watcher back. For tests."""
    _watchers.pop(name, None)
