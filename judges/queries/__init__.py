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
    artefact_of,
    former_version,
    judge_names,
    judges_of,
    line_of,
    lines_of,
)
from judges.queries.labels import JudgeLabelRow, judge_label_rows
from judges.queries.money import (
    JudgePurse,
    carried_limit,
    judge_purse,
    judge_purses,
    month_purse,
    own_prices,
    pot_of,
    pots_for,
    prices_in_force,
    prices_of,
    unpriced_models,
)
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
from judges.queries.spending import (
    Period,
    Spending,
    models_of,
    spending,
)

__all__ = [
    "JudgeLabelRow",
    "JudgeLines",
    "JudgePurse",
    "LabelCount",
    "Period",
    "Progress",
    "RunLine",
    "Spending",
    "VersionLine",
    "artefact_of",
    "calls_of",
    "carried_limit",
    "closed_calls",
    "development_items",
    "former_version",
    "item_view",
    "judge_label_rows",
    "judge_names",
    "judge_purse",
    "judge_purses",
    "judges_of",
    "label_counts",
    "ledger_sums",
    "line_of",
    "lines_of",
    "models_of",
    "month_purse",
    "open_runs",
    "ordinary_items",
    "own_prices",
    "pot_of",
    "pots_for",
    "prices_in_force",
    "prices_of",
    "progress",
    "runs_of",
    "spending",
    "touching_sealed",
    "unpriced_models",
    "verdicts_of",
    "with_texts",
]
