"""Verdicts that a judge gave elsewhere: one recorded version and one finished run for each file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from django.conf import settings
from django.db import transaction

from accounts.models import Project, User
from annotation.models import Dataset, Dimension, Guideline, GuidelineVersion, Item, whole
from annotation.queries import labels as label_queries
from annotation.rules import shapes
from annotation.rules.labeltable import JudgeRow, judge_rows
from annotation.states import VersionState
from core import audit
from core.errors import Conflict, Invalid, NotAllowed, TooLarge
from core.mapping import FieldPath
from core.tabular import BrokenRow, BrokenRows, read_records
from judges import queries
from judges.models import Call, Judge, JudgeLabel, JudgeVersion, Run, Verdict
from judges.rules import verdicts
from judges.rules.spec import VersionSpec, canonical_json
from judges.rules.verdicts import CallVerdict, Combined, Outcome, to_item_labelling
from judges.services import combining, hooks, versions
from judges.states import CallState, RunPurpose, RunState
from measurement.scale import NOT_APPLICABLE, OutsideScale

BATCH = 1000
DEFAULT_DIMENSION = "overall"
MOST_BYTES = 20 * 1024 * 1024
"""So large a file is read within one request: a table of verdicts is held in memory."""

CallKey = tuple[str, str, int]
"""Item (its id in the file), order, sample."""


def check_size(size: int) -> None:
    """Raise TooLarge for a file of more bytes than browser and API take."""
    limit = min(MOST_BYTES, settings.UPLOAD_LIMIT_BYTES)
    if size > limit:
        sentence = (
            f"The file has {size / 1e6:,.1f} MB; browser and API take {limit / 1e6:,.0f} MB. "
            "Use `manage.py import_verdicts` on the server, which has no limit."
        )
        raise TooLarge("file_too_large", sentence, {"file": [sentence]})


@dataclass(slots=True)
class VerdictImport:
    """What an import did. `is_new` is False when the same verdicts were imported before."""

    run: Run
    is_new: bool
    verdicts: int = 0
    items: int = 0
    repeats: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Table:
    """The verdicts of a file: for each call, each dimension's row."""

    calls: Mapping[CallKey, Mapping[str, JudgeRow]]
    repeats: int
    samples: int
    both_orders: bool

    def digest(self) -> str:
        rows = [
            [*key, name, row.label, row.outcome, row.confidence]
            for key, said in sorted(self.calls.items())
            for name, row in sorted(said.items())
        ]
        return hashlib.sha256(canonical_json(rows).encode()).hexdigest()


def import_verdicts(
    *,
    project: Project,
    judge_name: str,
    dataset: Dataset,
    source: BinaryIO,
    name: str,
    columns: Mapping[str, FieldPath],
    values: Mapping[str, str],
    guideline_name: str = "",
    shape: str = shapes.AUTO,
    author: User | None = None,
    actor: str,
    now: datetime,
) -> VerdictImport:
    """Read a table of verdicts, all or nothing; the judge is made where there is none.

    Labels are in the item's own labelling. Raises Invalid for the file, its columns, broken or
    unknown rows (each by number), labels outside the scale; NotAllowed for sealed items.
    """
    broken = BrokenRows()
    reading = shapes.read_as(
        read_records(source, name=name), "verdicts", wanted=shape, columns=columns
    )
    rows = list(broken.sift(judge_rows(reading.rows, columns=columns, values=values)))
    broken.refuse()
    if not rows:
        raise Invalid("no_verdicts", "The file holds no verdict: every label cell is empty.")
    judge = Judge.objects.filter(project=project, name=judge_name.strip()).first()
    guideline = _guideline(project, dataset, judge, guideline_name)
    items = _items(dataset, rows)
    dimensions = _dimensions(guideline, rows)
    table = _table(rows, dimensions)
    with transaction.atomic():
        judge = judge or versions.create_judge(
            project=project,
            name=judge_name,
            guideline=guideline.guideline,
            actor=actor,
        )
        saved = versions.save_recorded(
            judge=judge,
            guideline_version=guideline,
            artefact=table.digest(),
            both_orders=table.both_orders,
            samples=table.samples,
            author=author,
            actor=actor,
            note=f"recorded: {name}",
        )
        known = Run.objects.filter(version=saved.version, dataset=dataset).first()
        if known is not None:
            return VerdictImport(run=known, is_new=False)
        return _store(saved.version, dataset, table, items, actor=actor, now=now)


def _guideline(
    project: Project, dataset: Dataset, judge: Judge | None, name: str
) -> GuidelineVersion:
    """The published version of the named guideline, of the judge's, or of the only one there is."""
    if name:
        found = Guideline.objects.filter(project=project, name=name).first()
        if found is None:
            raise Invalid("guideline_unknown", f"There is no guideline {name!r} in this project.")
    elif judge is not None:
        found = judge.guideline
    else:
        found = _only_guideline(project, dataset)
    if judge is not None and found.pk != judge.guideline_id:
        raise Conflict(
            "guideline_differs",
            f"The judge {judge.name!r} judges by the guideline {judge.guideline.name!r}; give "
            "verdicts under another guideline to a judge of another name.",
        )
    version = found.versions.filter(state=VersionState.PUBLISHED).first()
    if version is None:
        raise Conflict(
            "guideline_not_published",
            f"The guideline {found.name!r} has no published version yet; publish it first.",
        )
    return version


def _only_guideline(project: Project, dataset: Dataset) -> Guideline:
    """The guideline by which the dataset was rated, else the only one of the project."""
    used = Guideline.objects.filter(versions__rounds__dataset=dataset).distinct()
    found = list(used) or list(Guideline.objects.filter(project=project))
    if len(found) != 1:
        listed = ", ".join(repr(one.name) for one in found) or "none yet"
        raise Invalid(
            "guideline_missing",
            f"Say by which guideline the judge judged. Guidelines: {listed}.",
            {"guideline": ["Choose one."]},
        )
    return found[0]


def _items(dataset: Dataset, rows: Sequence[JudgeRow]) -> dict[str, Item]:
    """The items that the file names, by their ids in it; unknown and sealed ones are refused."""
    visible = Item.objects.filter(whole(), dataset=dataset)
    named = list(dict.fromkeys(row.item for row in rows))
    known: dict[str, Item] = {}
    is_sealed = False
    for start in range(0, len(named), BATCH):
        found = visible.filter(external_id__in=named[start : start + BATCH])
        known.update((item.external_id, item) for item in found.only("external_id"))
        is_sealed = is_sealed or queries.touching_sealed(found, dataset.project_id).exists()
    broken = BrokenRows()
    for row in rows:
        if row.item not in known:
            broken.add(
                BrokenRow(row.row, f"there is no item {row.item[:60]!r} in {dataset.name!r}.")
            )
    broken.refuse()
    if is_sealed:
        raise NotAllowed(
            "Some of these items are sealed, or stand beside a sealed one: their verdicts may not "
            "be brought here. Import verdicts into an open dataset.",
            code="sealed_items",
        )
    return known


def _dimensions(version: GuidelineVersion, rows: Sequence[JudgeRow]) -> dict[str, Dimension]:
    """The dimension of each name in the file; what does not fit its scale is a broken row."""
    listed = list(version.dimensions.all())
    by_name = {**{one.name: one for one in listed}, **{one.key: one for one in listed}}
    if len(listed) == 1:
        by_name.setdefault(DEFAULT_DIMENSION, listed[0])
    broken = BrokenRows()
    has_orders = any(row.order for row in rows)
    for row in rows:
        problem = _problem(row, by_name.get(row.dimension), listed, has_orders=has_orders)
        if problem:
            broken.add(BrokenRow(row.row, problem))
    broken.refuse()
    return by_name


def _problem(
    row: JudgeRow, dimension: Dimension | None, listed: Sequence[Dimension], *, has_orders: bool
) -> str:
    """Why a row cannot be taken, or nothing."""
    if dimension is None:
        keys = ", ".join(one.key for one in listed)
        return f"the guideline has no dimension {row.dimension[:60]!r}; it has {keys}."
    is_pair = versions.dimension_spec(dimension).kind == "pairwise"
    if row.order and not is_pair:
        return "an order (AB or BA) belongs to pairs only."
    if is_pair and has_orders and not row.order:
        return "it names no order, and other rows do."
    if row.label is None:
        return ""
    try:
        code = label_queries.scale_of(dimension).code(row.label)
    except OutsideScale as error:
        return str(error)
    if code < 0 and not dimension.allow_na:
        return f"{dimension.name} does not take “not applicable”."
    return ""


def _table(rows: Sequence[JudgeRow], dimensions: Mapping[str, Dimension]) -> _Table:
    """The first row of each call and dimension counts; later ones are repeats."""
    places = {sample: place for place, sample in enumerate(sorted({row.sample for row in rows}))}
    calls: dict[CallKey, dict[str, JudgeRow]] = {}
    repeats = 0
    for row in rows:
        said = calls.setdefault((row.item, row.order, places[row.sample]), {})
        key = dimensions[row.dimension].key
        repeats += key in said
        said.setdefault(key, _on_scale(row, dimensions[row.dimension]))
    orders = {order for _, order, _ in calls}
    return _Table(calls, repeats, samples=len(places), both_orders={"AB", "BA"} <= orders)


def _on_scale(row: JudgeRow, dimension: Dimension) -> JudgeRow:
    """The row with its label as the scale writes it: 4.0 is 4."""
    if row.label is None:
        return row
    scale = label_queries.scale_of(dimension)
    code = scale.code(row.label)
    label = scale.labels[code] if code >= 0 else NOT_APPLICABLE
    return JudgeRow(
        row=row.row,
        item=row.item,
        label=label,
        dimension=dimension.key,
        order=row.order,
        sample=row.sample,
        confidence=row.confidence,
        outcome=row.outcome,
    )


def _store(
    version: JudgeVersion,
    dataset: Dataset,
    table: _Table,
    items: Mapping[str, Item],
    *,
    actor: str,
    now: datetime,
) -> VerdictImport:
    run = Run.objects.create(
        project_id=dataset.project_id,
        version=version,
        dataset=dataset,
        purpose=RunPurpose.IMPORTED,
        state=RunState.DONE,
        actor=actor,
        items_planned=len(items),
        calls_planned=len(table.calls),
        started_at=now,
        finished_at=now,
        combined_at=now,
    )
    calls = Call.objects.bulk_create(
        [_call(run, items[key[0]], key, said, now) for key, said in table.calls.items()],
        batch_size=BATCH,
    )
    made = Verdict.objects.bulk_create(
        [
            Verdict(call=call, dimension_key=key, label=row.label, confidence=row.confidence)
            for call, said in zip(calls, table.calls.values(), strict=True)
            for key, row in said.items()
            if row.label is not None
        ],
        batch_size=BATCH,
    )
    labels = list(_labels(run, versions.spec_of(version), table, items))
    combining.write_labels(labels)
    for tell in hooks.watchers():
        tell(run.pk)
    done = VerdictImport(run=run, is_new=True, verdicts=len(made), repeats=table.repeats)
    done.items = len(items)
    for label in labels:
        done.outcomes[label.outcome] = done.outcomes.get(label.outcome, 0) + 1
    audit.record(
        actor=actor,
        verb="verdicts.imported",
        object_type="run",
        object_id=run.pk,
        project_id=dataset.project_id,
        data={"dataset": dataset.pk, "verdicts": done.verdicts, "outcomes": done.outcomes},
    )
    return done


def _call(run: Run, item: Item, key: CallKey, said: Mapping[str, JudgeRow], now: datetime) -> Call:
    """A call ended well when any of its dimensions did."""
    outcomes = [row.outcome for row in said.values()]
    return Call(
        run=run,
        item=item,
        order=key[1],
        sample=key[2],
        state=CallState.FINISHED,
        outcome=Outcome.OK if Outcome.OK in outcomes else outcomes[0],
        finished_at=now,
    )


def _labels(
    run: Run, spec: VersionSpec, table: _Table, items: Mapping[str, Item]
) -> list[JudgeLabel]:
    by_item: dict[str, dict[tuple[str, int], Mapping[str, JudgeRow]]] = {}
    for (item, order, sample), said in table.calls.items():
        by_item.setdefault(item, {})[order, sample] = said
    labels = []
    for name, calls in by_item.items():
        for dimension in spec.dimensions:
            rows = {
                place: said[dimension.key] for place, said in calls.items() if dimension.key in said
            }
            if rows:
                labels.append(_label(run, spec, items[name], dimension.key, rows))
    return labels


def _label(
    run: Run, spec: VersionSpec, item: Item, key: str, said: Mapping[tuple[str, int], JudgeRow]
) -> JudgeLabel:
    views = [_view(spec, key, row, order, sample) for (order, sample), row in said.items()]
    combined = verdicts.combine(views, spec)[key]
    rows = list(said.values())
    return JudgeLabel(
        run=run,
        item=item,
        dimension_key=key,
        label=combined.label or "",
        outcome=_outcome(combined, rows),
        is_consistent=combined.consistent,
        confidence=rows[0].confidence if len(rows) == 1 else None,
    )


def _view(spec: VersionSpec, key: str, row: JudgeRow, order: str, sample: int) -> CallVerdict:
    """The row as a call that was shown in its order; one order alone stands for the item's own."""
    labels = {}
    if row.label is not None:
        shown = to_item_labelling(row.label, order) if spec.both_orders else row.label
        labels = {key: shown}
    if spec.is_pairwise and not spec.both_orders:
        order = "AB"
    return CallVerdict(order=order, sample=sample, outcome=Outcome(row.outcome), labels=labels)


def _outcome(combined: Combined, rows: Sequence[JudgeRow]) -> str:
    """No label's outcome; a file is whole, so what it lacks is missing and not pending."""
    if combined.outcome is not Outcome.PENDING:
        return combined.outcome
    named = [row.outcome for row in rows if row.outcome != Outcome.OK]
    return named[0] if named else Outcome.FAILED
