"""Score files of two versions become pairs of scores by metric, ready to be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from annotation.rules.keys import KEY_CHARS, NAME_CHARS, fitting, short_key
from annotation.rules.labeltable import RowReader, check_fields, converted, needed_columns
from calibration.rules.labelfiles import readable, sentences_of
from core import mapping
from core.errors import Invalid
from core.tabular import BrokenRow, Record, read_records
from measurement.comparison import PairedScores
from measurement.scale import as_number

SCORE_FIELDS = ("item", "score", "metric", "cluster")
DEFAULT_METRIC = "score"
_LARGEST = 1e12


@dataclass(frozen=True, slots=True)
class Score:
    """One row: an item's score on a metric."""

    row: int
    item: str
    score: float
    metric: str
    cluster: str


@dataclass(slots=True)
class ScoreFile:
    """A file's scores by metric and item, and its items' clusters; `name` is for sentences."""

    name: str
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pairing:
    """One metric of both files, and how many items only one of them scores."""

    metric: str
    scores: PairedScores
    only_baseline: int
    only_candidate: int

    def note(self) -> str:
        """What was left out, as a sentence; empty when nothing was."""
        if not self.only_baseline + self.only_candidate:
            return ""
        return (
            f"{self.only_baseline:,} items have a score only in the baseline and "
            f"{self.only_candidate:,} only in the candidate; they are left out. If a version "
            "failed on them, score the failures instead."
        )


def read_scores(source: BinaryIO, *, name: str, columns: Sequence[str] = ()) -> ScoreFile:
    """Read one version's scores; a row with an empty score counts as not there.

    `columns` are pairs as given to `--map`. Raises Invalid with a sentence that names the file,
    and every row that is not a number, has no item or scores an item a second time.
    """
    with sentences_of(name):
        paths = mapping.parse_map(columns)
        check_fields(paths, SCORE_FIELDS)
        found = ScoreFile(name)
        for row in readable(_score_rows(read_records(source, name=name), paths)):
            found.metrics.setdefault(row.metric, {})[row.item] = row.score
            if row.cluster:
                found.clusters[row.item] = row.cluster
        if not found.metrics:
            raise Invalid("no_scores", "No row holds a score. Is the right column mapped?")
        return found


def _score_rows(
    records: Iterable[Record | BrokenRow], columns: Mapping[str, mapping.FieldPath]
) -> Iterator[Score | BrokenRow]:
    paths = mapping.completed(columns, SCORE_FIELDS)
    needed = needed_columns(columns, paths, ("item", "score"))
    first_rows: dict[tuple[str, str], int] = {}
    clusters: dict[str, str] = {}

    def convert(record: Record) -> list[Score]:
        row = _score(RowReader(record, paths))
        if row is None:
            return []
        before = first_rows.setdefault((row.metric, row.item), row.row)
        if before != row.row:
            raise Invalid(
                "scored_twice",
                f"the item “{row.item}” has a score on {row.metric} already, in {record.unit} "
                f"{before}. One row, one item and metric.",
            )
        if row.cluster and clusters.setdefault(row.item, row.cluster) != row.cluster:
            raise Invalid("clusters", _two_clusters(row.item, clusters[row.item], row.cluster))
        return [row]

    return converted(records, needed, convert)


def _score(reader: RowReader) -> Score | None:
    text = reader.text("score")
    if not text:
        return None
    item = reader.text("item")
    if not item:
        raise Invalid("empty_field", "the item is empty. Every score needs one.")
    return Score(
        row=reader.record.row,
        item=fitting(item, "item", limit=KEY_CHARS),
        score=_number(text),
        metric=fitting(reader.text("metric"), "metric", limit=NAME_CHARS) or DEFAULT_METRIC,
        cluster=short_key(reader.text("cluster")),
    )


def _number(text: str) -> float:
    number = as_number(text)
    if number is None or "_" in text:
        raise Invalid("not_a_number", f"the score “{text[:40]}” is not a number such as 0.75.")
    if abs(number) > _LARGEST:
        raise Invalid("too_large", f"the score {text[:40]} is beyond ±{_LARGEST:g}.")
    return number


def _two_clusters(item: str, one: str, other: str) -> str:
    return f"the item “{item}” is in the cluster “{one[:40]}” and in “{other[:40]}”."


def paired(baseline: ScoreFile, candidate: ScoreFile) -> list[Pairing]:
    """The metrics of both files, items in name order.

    Raises Invalid when the files share no metric, a metric shares no item, or they put an item
    into different clusters.
    """
    shared = [name for name in baseline.metrics if name in candidate.metrics]
    if not shared:
        raise Invalid(
            "no_shared_metric",
            f"The files share no metric: {baseline.name} has {', '.join(baseline.metrics)}, "
            f"{candidate.name} has {', '.join(candidate.metrics)}.",
        )
    clusters = _clusters(baseline, candidate)
    return [_pairing(name, baseline, candidate, clusters) for name in shared]


def left_out(baseline: ScoreFile, candidate: ScoreFile) -> list[str]:
    """The metrics that only one of the files has."""
    return sorted(set(baseline.metrics) ^ set(candidate.metrics))


def _clusters(baseline: ScoreFile, candidate: ScoreFile) -> dict[str, str]:
    for item, cluster in candidate.clusters.items():
        known = baseline.clusters.get(item, cluster)
        if known != cluster:
            raise Invalid(
                "clusters",
                f"{candidate.name} against {baseline.name}: "
                f"{_two_clusters(item, known, cluster)} Give it one.",
            )
    return {**baseline.clusters, **candidate.clusters}


def _pairing(
    metric: str, baseline: ScoreFile, candidate: ScoreFile, clusters: Mapping[str, str]
) -> Pairing:
    one, other = baseline.metrics[metric], candidate.metrics[metric]
    shared = one.keys() & other.keys()
    if not shared:
        raise Invalid(
            "no_shared_item",
            f"The files share no item on the metric {metric}: the first one is "
            f"“{next(iter(one))}” in {baseline.name} and “{next(iter(other))}” in "
            f"{candidate.name}. Both need the same names.",
        )
    scores = PairedScores.of(one, other, clusters)
    return Pairing(metric, scores, len(one) - len(shared), len(other) - len(shared))
