"""What pages, runs and reports read of judges."""

from __future__ import annotations

from annotation.queries.sealed import touching_sealed
from judges.queries.items import (
    development_items,
    item_view,
    ordinary_items,
    with_texts,
)
from judges.queries.judges import (
    JudgeLines,
    VersionLine,
    former_version,
    judge_names,
    judges_of,
    line_of,
    lines_of,
    saved_versions,
)
from judges.queries.labels import JudgeLabelRow, judge_label_rows
from judges.queries.runs import (
    LabelCount,
    Progress,
    RunLine,
    calls_of,
    closed_calls,
    label_counts,
    ledger_sums,
    open_runs,
    progress,
    runs_of,
    verdicts_of,
)

__all__ = [
    "JudgeLabelRow",
    "JudgeLines",
    "LabelCount",
    "Progress",
    "RunLine",
    "VersionLine",
    "calls_of",
    "closed_calls",
    "development_items",
    "former_version",
    "item_view",
    "judge_label_rows",
    "judge_names",
    "judges_of",
    "label_counts",
    "ledger_sums",
    "line_of",
    "lines_of",
    "open_runs",
    "ordinary_items",
    "progress",
    "runs_of",
    "saved_versions",
    "touching_sealed",
    "verdicts_of",
    "with_texts",
]
