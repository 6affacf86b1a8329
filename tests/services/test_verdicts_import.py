"""Verdicts from a file: one version for each file, all or nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models.signals import post_init

from accounts.models import Project
from annotation.models import Dataset, Item
from annotation.states import Part
from core import mapping
from core.errors import Conflict, Invalid, NotAllowed
from judges import queries
from judges.models import Call, JudgeLabel, JudgeVersion, Run, Verdict
from judges.services import verdicts_import
from judges.services.verdicts_import import VerdictImport
from judges.states import RunPurpose, RunState, VersionKind
from tests import builders, judging
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return judging.make_pairs_dataset(project)


def imported(
    dataset: Dataset,
    text: str,
    *,
    name: str = "verdicts.csv",
    values: tuple[str, ...] = (),
    columns: tuple[str, ...] = (),
    judge: str = "House judge",
) -> VerdictImport:
    return verdicts_import.import_verdicts(
        project=dataset.project,
        judge_name=judge,
        dataset=dataset,
        source=io.BytesIO(text.encode()),
        name=name,
        columns=mapping.parse_map(columns),
        values=mapping.parse_values(values),
        actor="command",
        now=NOON,
    )


def labels_of(run: Run) -> dict[str, str]:
    rows = JudgeLabel.objects.filter(run=run).values_list("item__external_id", "label", "outcome")
    return {item: label or outcome for item, label, outcome in rows}


def test_a_file_becomes_a_recorded_version_and_a_finished_run(dataset: Dataset) -> None:
    done = imported(dataset, "item,label\np0,A\np1,tie\np2,B\n")
    assert done.is_new
    assert done.verdicts == 3
    assert done.run.state == RunState.DONE
    assert done.run.purpose == RunPurpose.IMPORTED
    assert done.run.combined_at == NOON
    assert done.run.version.kind == VersionKind.RECORDED
    assert labels_of(done.run) == {"p0": "A", "p1": "tie", "p2": "B"}


def test_the_same_file_again_adds_nothing(dataset: Dataset) -> None:
    first = imported(dataset, "item,label\np0,A\n")
    again = imported(dataset, "item,label\np0,A\n", name="copy.csv")
    assert not again.is_new
    assert again.run == first.run
    assert JudgeVersion.objects.count() == 1


def test_only_the_items_that_the_file_names_are_read(dataset: Dataset) -> None:
    for number in range(20):
        builders.make_pair(dataset, external_id=f"other-{number}")
    read: list[str] = []

    def note(instance: Item, **_: object) -> None:
        read.append(instance.external_id)

    post_init.connect(note, sender=Item)
    try:
        imported(dataset, "item,label\np0,A\np1,B\np0,A\n")
    finally:
        post_init.disconnect(note, sender=Item)
    assert sorted(read) == ["p0", "p1"]


def test_another_file_is_the_next_version_of_the_judge(dataset: Dataset) -> None:
    imported(dataset, "item,label\np0,A\n")
    second = imported(dataset, "item,label\np0,B\n")
    assert second.run.version.number == 2


def test_codes_and_columns_are_mapped(dataset: Dataset) -> None:
    done = imported(
        dataset,
        "idx,gpt\np0,1\np1,0\np2,9\n",
        columns=("item=idx", "label=gpt"),
        values=("0=tie", "1=A", "2=B", "9=!invalid"),
    )
    assert labels_of(done.run) == {"p0": "A", "p1": "tie", "p2": "invalid"}
    assert done.outcomes == {"ok": 2, "invalid": 1}


def test_both_orders_are_combined_in_the_items_own_labelling(dataset: Dataset) -> None:
    text = "item,label,order\np0,A,AB\np0,A,BA\np1,A,AB\np1,B,BA\np2,B,AB\n"
    done = imported(dataset, text)
    assert labels_of(done.run) == {"p0": "A", "p1": "tie", "p2": "failed"}
    flip = JudgeLabel.objects.get(run=done.run, item__external_id="p1")
    assert flip.is_consistent is False
    rows = queries.judge_label_rows(done.run, "preference")
    assert rows[0].first_shown == ("first", "second")
    assert rows[1].first_shown == ("first", "first")


def test_an_unknown_order_says_nothing_of_places(dataset: Dataset) -> None:
    done = imported(dataset, "item,label\np0,A\n")
    assert Call.objects.get(run=done.run).order == ""
    assert queries.judge_label_rows(done.run, "preference")[0].first_shown == ()


def test_samples_are_put_to_the_vote(dataset: Dataset) -> None:
    rows = [("p0", "A", 1), ("p0", "A", 2), ("p0", "B", 3), ("p1", "A", 1), ("p1", "B", 2)]
    text = "item,label,sample\n" + "".join(f"{i},{label},{n}\n" for i, label, n in rows)
    done = imported(dataset, text)
    assert labels_of(done.run) == {"p0": "A", "p1": "tie"}


def test_a_repeat_is_counted_and_the_first_row_counts(dataset: Dataset) -> None:
    done = imported(dataset, "item,label\np0,A\np0,B\n")
    assert done.repeats == 1
    assert labels_of(done.run) == {"p0": "A"}


def test_confidence_is_kept(dataset: Dataset) -> None:
    done = imported(dataset, "item,label,confidence\np0,A,0.75\n")
    assert Verdict.objects.get(call__run=done.run).confidence == 0.75
    assert JudgeLabel.objects.get(run=done.run).confidence == 0.75


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("item,label\np0,A\np7,B\n", "broken_rows", "p7"),
        ("item,label\np0,A\np1,C\n", "broken_rows", "not on the scale"),
        ("item,label\n,A\n", "broken_rows", "item is empty"),
        ("item,label,order\np0,A,AB\np1,A,\n", "broken_rows", "names no order"),
        ("item,label,dimension\np0,A,tone\n", "broken_rows", "tone"),
        ("item,label\np0,\n", "no_verdicts", "no verdict"),
        ("item,verdict\np0,A\n", "unknown_columns", "label"),
        ("", "empty_file", ""),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_changes(
    dataset: Dataset, text: str, code: str, words: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        imported(dataset, text)
    assert refusal.value.code == code
    said = refusal.value.sentence + str(refusal.value.fields)
    assert words in said
    assert not Run.objects.exists()
    assert not JudgeVersion.objects.exists()


def test_broken_rows_are_named_by_number(dataset: Dataset) -> None:
    with pytest.raises(Invalid) as refusal:
        imported(dataset, "item,label\np0,A\np7,B\np1,A\np9,B\n")
    assert "3, 5" in refusal.value.sentence


@pytest.mark.parametrize("part", ["itself", "its cluster"])
def test_verdicts_on_sealed_items_stay_outside(dataset: Dataset, part: str) -> None:
    if part == "itself":
        Item.objects.filter(external_id="p0").update(part=Part.SEALED)
    else:
        sealed = builders.make_dataset(dataset.project, name="sealed", share=0.5)
        builders.make_pair(sealed, external_id="s", cluster="p0", part=Part.SEALED)
    with pytest.raises(NotAllowed) as refusal:
        imported(dataset, "item,label\np0,A\n")
    assert refusal.value.code == "sealed_items"
    assert imported(dataset, "item,label\np1,A\n").verdicts == 1


def test_of_two_guidelines_one_has_to_be_named(dataset: Dataset) -> None:
    builders.make_guideline(dataset.project, name="Other", pairwise=True)
    with pytest.raises(Invalid) as refusal:
        imported(dataset, "item,label\np0,A\n")
    assert refusal.value.code == "guideline_missing"


def test_a_judge_keeps_its_guideline(dataset: Dataset, project: Project) -> None:
    imported(dataset, "item,label\np0,A\n")
    builders.make_guideline(project, name="Other", pairwise=True)
    with pytest.raises(Conflict) as refusal:
        verdicts_import.import_verdicts(
            project=project,
            judge_name="House judge",
            dataset=dataset,
            source=io.BytesIO(b"item,label\np0,B\n"),
            name="v.csv",
            columns={},
            values={},
            guideline_name="Other",
            actor="command",
            now=NOON,
        )
    assert refusal.value.code == "guideline_differs"


def test_scales_take_scores_and_not_applicable(project: Project) -> None:
    dataset = builders.make_dataset(project)
    builders.make_item(dataset)
    builders.make_guideline(project, keys=("accuracy", "safety"))
    done = imported(dataset, "item,dimension,label\ni1,accuracy,4.0\ni1,Safety,5\n")
    rows = JudgeLabel.objects.filter(run=done.run).values_list("dimension_key", "label")
    assert dict(rows) == {"accuracy": "4", "safety": "5"}


def test_the_command_imports_and_says_what(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "v.csv"
    file.write_text("item,label\np0,A\np1,B\n")
    call_command("import_verdicts", "support", "House judge", file, dataset="week 46")
    assert "2 verdicts on 2 items are House judge v1 (2 ok)" in capsys.readouterr().out
    call_command("import_verdicts", "support", "House judge", file, dataset="week 46")
    assert "imported before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "J", "v.csv", "--dataset", "week 46"), "no project"),
        (("support", "J", "v.csv", "--dataset", "nothing"), "no dataset"),
        (("support", "J", "missing.csv", "--dataset", "week 46"), "cannot be opened"),
        (("support", "J", "v.csv", "--dataset", "week 46", "--map", "item"), "not a mapping"),
    ],
)
def test_the_command_refuses_with_a_sentence_and_status_2(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("v.csv").write_text("item,label\np0,A\n")
    with pytest.raises(CommandError) as refusal:
        call_command("import_verdicts", *arguments)
    assert refusal.value.returncode == 2
    assert words in str(refusal.value)
