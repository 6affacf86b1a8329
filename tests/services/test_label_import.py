"""Labels in: all or nothing, once, in the item's own labelling, and never past a column's end."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater
from annotation.models import (
    Assignment,
    Dataset,
    Dimension,
    Guideline,
    Item,
    Rating,
    ReferenceLabel,
    Round,
)
from annotation.rules.labeltable import LabelRow
from annotation.services import datasets, label_guideline, label_import
from annotation.states import (
    DimensionKind,
    GuidelineForm,
    Level,
    Part,
    Provenance,
    RoundKind,
    RoundState,
)
from core import bulk, mapping
from core.errors import Conflict, DomainError, Invalid
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON

PANDALM = (
    "id=idx",
    "input=instruction",
    "context=input",
    "response_a=response1",
    "response_b=response2",
    "system_a=cmp_key~_~0",
    "system_b=cmp_key~_~1",
)
pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def dataset(project: Project) -> Dataset:
    dataset = builders.make_dataset(project)
    for number in (1, 2):
        builders.make_item(dataset, external_id=f"i{number}")
    return dataset


@pytest.fixture
def empty(project: Project) -> Dataset:
    return builders.make_dataset(project, name="empty")


def row(
    item: str = "i1", rater: str = "ana", label: object = "4", **more: object
) -> dict[str, object]:
    return {"item": item, "rater": rater, "label": label, **more}


def take(
    dataset: Dataset | label_import.NewDataset,
    *rows: dict[str, object],
    values: str = "",
    maps: str = "",
    **more: Any,
) -> label_import.LabelImport:
    return label_import.import_labels(
        dataset=dataset,
        source=io.BytesIO("\n".join(json.dumps(one) for one in rows).encode()),
        name="labels.jsonl",
        columns=mapping.parse_map(maps.split()),
        values=mapping.parse_values(values.split()),
        actor="u1",
        now=NOON,
        **more,
    )


def nothing_is_stored() -> bool:
    return not any(
        model.objects.exists()
        for model in (Round, Assignment, Rating, ReferenceLabel, Guideline, Rater)
    )


def test_a_table_becomes_a_closed_round_with_its_raters(dataset: Dataset) -> None:
    done = take(dataset, row("i1", "ana", 4), row("i1", "ben", 5), row("i2", "ana", 3))
    assert (done.labels, done.items, done.raters, done.new_items) == (3, 2, 2, 0)
    round_ = Round.objects.get()
    assert (round_.kind, round_.state, round_.overlap) == (
        RoundKind.IMPORTED,
        RoundState.CLOSED,
        2,
    )
    assert list(Rating.objects.order_by("pk").values_list("label", flat=True)) == ["4", "5", "3"]
    assert set(Rater.objects.values_list("user", flat=True)) == {None}


def test_a_guideline_is_made_from_the_labels(dataset: Dataset) -> None:
    take(dataset, row(label=2, dimension="Clear enough"), row(label=5, dimension="Clear enough"))
    dimension = Dimension.objects.get()
    assert (dimension.key, dimension.name) == ("clear_enough", "Clear enough")
    assert (dimension.kind, dimension.level) == (DimensionKind.SCALE, Level.ORDINAL)
    assert dimension.labels == ["2", "3", "4", "5"]
    assert dimension.version.published_at == NOON


def test_preferences_make_a_pairwise_guideline(dataset: Dataset) -> None:
    take(dataset, row(label=0), row("i2", label=1), values="0=tie 1=A 2=B")
    dimension = Dimension.objects.get()
    assert dimension.kind == DimensionKind.PAIRWISE
    assert dimension.version.guideline.form == GuidelineForm.PAIRWISE
    assert set(Rating.objects.values_list("label", flat=True)) == {"tie", "A"}


def test_a_number_that_nobody_varied_is_a_category(dataset: Dataset) -> None:
    """A scale has two points at least; one value shows none."""
    take(dataset, row("i1", label=4), row("i2", label=4))
    assert Dimension.objects.get().kind == DimensionKind.CATEGORY


def test_not_applicable_in_the_file_is_allowed_by_the_guideline_made_of_it(
    dataset: Dataset,
) -> None:
    take(dataset, row("i1", label="4"), row("i2", label="5"), row("i2", "ben", "not_applicable"))
    assert Dimension.objects.get().allow_na is True


def test_labels_are_written_as_the_scale_writes_them(dataset: Dataset, project: Project) -> None:
    builders.make_guideline(project, keys=("accuracy",))
    take(dataset, row(label=4.0), guideline_name="Helpfulness")
    assert Rating.objects.get().label == "4"


def test_wide_columns_name_their_raters(dataset: Dataset) -> None:
    wide = {"idx": "i1", "ann1": 1, "ann2": "", "ann3": 2}
    done = take(dataset, wide, maps="item=idx", wide=["ann1", "ann2", "ann3"])
    assert done.labels == 2
    assert set(Rater.objects.values_list("name", flat=True)) == {"ann1", "ann3"}


def test_the_same_table_again_adds_nothing(dataset: Dataset) -> None:
    rows = (row("i1"), row("i1", "ben", 5))
    take(dataset, *rows)
    again = take(dataset, *rows)
    assert (again.labels, again.known, again.rounds) == (0, 2, [])
    assert (Rating.objects.count(), Round.objects.count()) == (2, 1)


def test_a_longer_table_is_another_one(dataset: Dataset) -> None:
    take(dataset, row("i1"))
    assert take(dataset, row("i1"), row("i2")).labels == 2
    assert Round.objects.count() == 2


def test_a_second_label_by_the_same_rater_is_a_repeat(dataset: Dataset) -> None:
    done = take(dataset, row(label=4), row(label=5))
    assert done.repeats == 1
    kinds = Round.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [RoundKind.IMPORTED, RoundKind.RERATING]


def test_a_dimension_named_by_key_and_by_name_is_one(dataset: Dataset, project: Project) -> None:
    builders.make_guideline(project, keys=("accuracy",))
    done = take(
        dataset,
        row(dimension="Accuracy"),
        row(label=5, dimension="accuracy"),
        row(label=3),
        guideline_name="Helpfulness",
    )
    assert done.repeats == 2


def test_dimensions_that_differ_only_in_case_are_refused(dataset: Dataset) -> None:
    with pytest.raises(Invalid, match="“Clarity” and “clarity” differ only in case"):
        take(dataset, row(dimension="Clarity"), row(dimension="clarity"))
    assert nothing_is_stored()


def test_dimensions_in_another_script_have_keys(dataset: Dataset) -> None:
    take(dataset, row(dimension="准确性"), row(dimension="清晰度"))
    assert set(Dimension.objects.values_list("key", flat=True)) == {"dimension_1", "dimension_2"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"label": "x" * 41}, "Line 2: the label has 41 characters, at most 40"),
        ({"dimension": "d" * 61}, "Line 2: the dimension has 61 characters, at most 60"),
        ({"rater": "r" * 121}, "Line 2: the rater has 121 characters, at most 120"),
        ({"item": "i" * 201}, "Line 2: the item has 201 characters, at most 200"),
        ({"round": "r" * 121}, "Line 2: the round has 121 characters"),
        ({"at": "yesterday"}, "Line 2: “yesterday” is not a moment"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "Line 2: .* is not a moment"),
        ({"rater": ""}, "Line 2: the rater is empty"),
        ({"label": {"a": 1}}, "Line 2: the label cannot be read: it is an object"),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_nothing_is_stored(
    dataset: Dataset, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        take(dataset, row(), {**row("i2"), **more})
    assert nothing_is_stored()


def test_a_long_label_made_by_a_value_code_is_a_broken_row(dataset: Dataset) -> None:
    with pytest.raises(Invalid, match="the label has 41 characters"):
        take(dataset, row(label=1), values="1=" + "x" * 41)


def test_an_unknown_item_is_named_by_its_row(dataset: Dataset) -> None:
    with pytest.raises(Invalid, match="Line 2: there is no item 'i9' in 'week 46'"):
        take(dataset, row("i1"), row("i9"), row("i9", "ben"))
    assert nothing_is_stored()


def test_a_label_outside_the_scale_is_named_by_its_row(dataset: Dataset, project: Project) -> None:
    builders.make_guideline(project, keys=("accuracy",))
    with pytest.raises(Invalid) as refusal:
        take(dataset, row(), row("i2", label=6), guideline_name="Helpfulness")
    (sentence,) = refusal.value.fields["rows"]
    assert sentence.startswith("Line 2: ")
    assert "6" in sentence
    assert not Round.objects.exists()


def test_very_many_broken_rows_are_counted_and_the_first_ones_named(
    dataset: Dataset, project: Project
) -> None:
    builders.make_guideline(project, keys=("accuracy",))
    rows = [row("i1", f"r{n}", "8" if n % 2 else "9") for n in range(300)]
    with pytest.raises(Invalid) as refusal:
        take(dataset, *rows, guideline_name="Helpfulness")
    said = refusal.value.fields["rows"]
    assert [one.partition(":")[0] for one in said[:3]] == ["Line 1", "Line 2", "Line 3"]
    assert said[-1] == "… and 200 more."


def test_an_unknown_dimension_is_named_with_those_there_are(
    dataset: Dataset, project: Project
) -> None:
    builders.make_guideline(project, keys=("accuracy", "clarity"))
    with pytest.raises(
        Invalid, match="Line 1: the guideline has no dimension 'tone'; it has accuracy, clarity"
    ):
        take(dataset, row(dimension="tone"), guideline_name="Helpfulness")


def test_a_guideline_with_only_a_draft_cannot_be_used(dataset: Dataset, project: Project) -> None:
    builders.make_guideline(project, publish=False)
    with pytest.raises(Conflict, match="no published version"):
        take(dataset, row(), guideline_name="Helpfulness")


def test_a_table_without_a_label_is_refused(dataset: Dataset) -> None:
    with pytest.raises(Invalid, match="every label cell is empty"):
        take(dataset, row(label=""))


def test_items_of_an_empty_dataset_are_made_without_texts(empty: Dataset) -> None:
    done = take(empty, row("a", cluster="doc 1"), row("b"))
    assert done.new_items == 2
    made = Item.objects.order_by("external_id")
    assert [(item.external_id, item.cluster_key) for item in made] == [("a", "doc 1"), ("b", "b")]
    assert [item.content for item in made] == [None, None]


def test_items_made_from_labels_of_a_declared_dataset_are_drawn_too(project: Project) -> None:
    sealed = datasets.create(
        project=project, name="s", share=0.5, provenance=Provenance.DECLARED, actor="u1"
    )
    take(sealed, *(row(f"i{number}") for number in range(60)))
    assert set(Item.objects.values_list("part", flat=True)) == {Part.SEALED, Part.DEVELOPMENT}


def test_items_made_from_labels_never_stand_beside_a_sealed_cluster(
    project: Project, empty: Dataset
) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    builders.make_item(sealed, external_id="x", cluster="doc 1", part=Part.SEALED)
    with pytest.raises(Invalid, match="Line 2: this prompt is sealed"):
        take(empty, row("a"), row("b", cluster="doc 1"))
    assert not Item.objects.filter(dataset=empty).exists()


def test_a_collected_sealed_dataset_takes_no_labels(project: Project) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    with pytest.raises(Conflict, match="collected here, blind"):
        take(sealed, row())


def test_labels_that_were_looked_at_are_frozen(project: Project) -> None:
    sealed = datasets.create(
        project=project, name="s", share=0.5, provenance=Provenance.DECLARED, actor="u1"
    )
    datasets.freeze(sealed_set=sealed.sealed_set, now=NOON)
    with pytest.raises(Conflict, match="labels are frozen"):
        take(sealed, row())


def test_after_retirement_labels_can_be_imported(project: Project) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    datasets.retire(sealed_set=sealed.sealed_set, actor="u1", now=NOON)
    assert take(sealed, row()).labels == 1


def test_a_new_dataset_goes_with_the_labels_that_were_refused(project: Project) -> None:
    new = label_import.NewDataset(project, "fresh")
    with pytest.raises(DomainError):
        take(new, row(dimension="Clarity"), row(dimension="clarity"))
    assert not Dataset.objects.exists()
    assert take(new, row()).labels == 1
    assert Dataset.objects.get().name == "fresh"


def test_reference_labels_are_made_at_once(dataset: Dataset) -> None:
    take(dataset, row("i1", "ana", "A"), row("i1", "ben", "A"), row("i1", "cem", "B"))
    reference = ReferenceLabel.objects.get()
    assert (reference.label, reference.votes) == ("A", 3)


def test_the_import_is_in_the_audit_trail(dataset: Dataset) -> None:
    take(dataset, row())
    event = AuditEvent.objects.get(verb="labels.imported")
    assert (event.data["file"], event.data["labels"]) == ("labels.jsonl", 1)


def test_queries_do_not_grow_with_the_rows(
    dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [row(f"i{n % 2 + 1}", f"rater {n // 2}", label=n % 5 + 1) for n in range(40)]
    with django_assert_max_num_queries(45):
        take(dataset, *rows)


@pytest.mark.parametrize("many", [3, 4])
def test_the_database_is_told_of_many_labels(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Until it looks by itself, a minute later, a report would wait a quarter of a minute."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite plans without counting.")
    monkeypatch.setattr(bulk, "MANY", many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_rating")
        take(dataset, row(rater="ana"), row(rater="ben"), row(rater="cem"))
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'annotation_rating'")
        assert cursor.fetchone()[0] == (3 if many == 3 else 0)


def test_memory_does_not_grow_with_the_table(dataset: Dataset) -> None:
    """20,000 labels: a few thousand are in memory at once, the table is not."""
    many = [Item(project=dataset.project, dataset=dataset, external_id=f"m{n}", kind="single",
                 content_hash=str(n), prompt_key=f"m{n}", cluster_key=f"m{n}")
            for n in range(4000)]  # fmt: skip
    Item.objects.bulk_create(many, batch_size=1000)
    rows = (
        LabelRow(n + 1, f"m{n // 5}", f"rater {n % 5}", str(n % 3)) for n in range(5 * len(many))
    )
    tracemalloc.start()
    try:
        done = label_import.add_labels(
            dataset=dataset, rows=rows, name="many.csv", guideline_name="", actor="u1", now=NOON
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (done.labels, done.items, done.raters) == (20_000, 4000, 5)
    assert Rating.objects.count() == 20_000
    assert peak < 20_000_000


def test_rows_of_an_item_that_lie_apart_in_the_file_come_together(
    dataset: Dataset, project: Project
) -> None:
    builders.make_guideline(project, keys=("accuracy", "clarity"))
    rows = [
        row("i1", "ana", 4, dimension="accuracy"),
        row("i2", "ana", 3, dimension="accuracy"),
        row("i1", "ben", 2, dimension="accuracy"),
        row("i1", "ana", 5, dimension="clarity"),
        row("i1", "ana", 1, dimension="Clarity"),
    ]
    done = take(dataset, *rows, guideline_name="Helpfulness")
    first, again = Round.objects.order_by("pk")
    told = Rating.objects.order_by("pk").values_list(
        "assignment__item__external_id", "assignment__slot", "dimension__key", "label"
    )
    assert list(told.filter(assignment__round=first)) == [
        ("i1", 0, "accuracy", "4"),
        ("i1", 0, "clarity", "5"),
        ("i1", 1, "accuracy", "2"),
        ("i2", 0, "accuracy", "3"),
    ]
    assert list(told.filter(assignment__round=again)) == [("i1", 0, "clarity", "1")]
    assert (first.overlap, again.kind, done.repeats) == (2, RoundKind.RERATING, 1)


def test_a_label_keeps_the_moment_at_which_it_was_given(dataset: Dataset) -> None:
    """Exported and brought in again it is still that of the rating."""
    take(dataset, row(at="2026-03-31T14:05:00+00:00"))
    rating = Rating.objects.select_related("assignment").get()
    assert rating.created_at == rating.assignment.submitted_at
    assert f"{rating.created_at:%Y-%m-%d %H:%M}" == "2026-03-31 14:05"


def test_a_guideline_that_comes_while_the_table_is_read_is_the_one_that_counts(
    dataset: Dataset, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows were placed as if each name were a dimension of its own."""
    look = label_guideline.in_force

    def too_early(project_id: int, name: str) -> None:
        monkeypatch.setattr(label_guideline, "in_force", look)

    builders.make_guideline(project, keys=("clarity",))
    monkeypatch.setattr(label_guideline, "in_force", too_early)
    rows = [row("i1", "ana", n, dimension=name) for n, name in ((1, "clarity"), (2, "Clarity"))]
    done = take(dataset, *rows, guideline_name="Helpfulness")
    assert (done.repeats, len(done.rounds)) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_a_table_is_read_before_anybody_waits_for_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = builders.make_dataset(project, name="read first")
    builders.make_item(dataset, external_id="i1")
    monkeypatch.setattr(label_import, "TOLD_EVERY", 2)
    seen: list[tuple[int, bool, int]] = []

    def look(rows: int) -> None:
        seen.append((rows, connection.in_atomic_block, Rating.objects.count()))

    take(dataset, *(row(rater=f"r{n}") for n in range(5)), progress=look)
    assert seen == [(2, False, 0), (4, False, 0)]
    assert Rating.objects.count() == 5


@pytest.mark.reference_data
def test_pandalm_comes_in_whole_with_the_published_agreement(
    project: Project, shared_data: Path
) -> None:
    """Alpha as in the statistics reference, section 12."""
    from annotation.queries import labels
    from annotation.services import importing
    from measurement.agreement import summarise

    file = shared_data / "pandalm" / "testset-v1.json"
    dataset = builders.make_dataset(project, name="PandaLM")
    with file.open("rb") as source:
        items = importing.import_items(
            dataset=dataset,
            source=source,
            name=file.name,
            columns=mapping.parse_map(PANDALM),
            actor="u1",
        )
    with file.open("rb") as source:
        done = label_import.import_labels(
            dataset=dataset,
            source=source,
            name=file.name,
            columns=mapping.parse_map(["item=idx"]),
            values=mapping.parse_values(["0=tie", "1=A", "2=B"]),
            wide=("annotator1", "annotator2", "annotator3"),
            actor="u1",
            now=NOON,
        )
    assert (items.added, done.labels, done.new_items) == (999, 2997, 0)
    version = Guideline.objects.get().versions.get()
    table = labels.table(
        labels.dataset_labels(
            dataset_id=dataset.pk,
            guideline_id=version.guideline_id,
            major=version.major,
            dimension_key="overall",
        )
    )
    assert summarise(table).alpha.value == pytest.approx(0.8642206852, abs=1e-10)


def test_a_member_of_the_same_name_is_somebody_else(dataset: Dataset, project: Project) -> None:
    """Labels that were brought in never stand as a person's own ratings."""
    member = builders.make_user(username="r1")
    Rater.objects.create(project=project, name="r1", user=member)
    take(dataset, row("i1", "r1", "4"), row("i1", "r2", "4"))
    assert not Rating.objects.filter(assignment__rater__user=member).exists()
    assert Rater.objects.filter(project=project, name="r1 (imported)", user=None).exists()
