from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from calibration.rules import plaintext
from tests.commands.conftest import Answer, Refusal, Write
from tests.commands.filecommands import run

LABELS = """item,rater,label
1,ana,A
1,ben,A
1,cem,B
2,ana,B
2,ben,B
2,cem,B
3,ana,tie
3,ben,A
3,cem,tie
"""
POINTS = """item,rater,label,dimension
1,ana,1,accuracy
1,ben,2,accuracy
2,ana,4,accuracy
2,ben,4,accuracy
3,ana,5,accuracy
3,ben,4,accuracy
1,ana,yes,safe
1,ben,no,safe
"""


def test_a_label_table_is_answered_in_the_documented_form(write: Write, answer: Answer) -> None:
    found = answer("agreement", write("labels.csv", LABELS))["dimensions"]["overall"]
    assert (found["items"], found["raters"], found["labels"], found["repeats"]) == (3, 3, 9, 0)
    # Pairs that agree: 1, 3 and 1 of 3 each.
    assert found["percent_agreement"]["value"] == pytest.approx(5 / 9)
    assert [(pair["a"], pair["b"]) for pair in found["kappa"]] == [
        ("ana", "ben"),
        ("ana", "cem"),
        ("ben", "cem"),
    ]


def test_each_dimension_is_measured_on_its_own(write: Write, answer: Answer) -> None:
    found = answer("agreement", write("labels.csv", POINTS))["dimensions"]
    assert set(found) == {"accuracy", "safe"}
    assert found["accuracy"]["items"] == 3
    assert "categories" in found["accuracy"]["icc"]["undefined_because"]


def test_a_numeric_scale_makes_the_labels_ordinal(write: Write, answer: Answer) -> None:
    rows = "\n".join(line for line in POINTS.splitlines() if "safe" not in line)
    path = write("labels.csv", rows)
    nominal, ordinal, interval = (
        answer("agreement", path, *options)["dimensions"]["accuracy"]
        for options in ((), ("--scale", "1-5"), ("--scale", "1-5", "--level", "interval"))
    )
    assert ordinal["icc"]["value"] is not None
    values = {found["alpha"]["value"] for found in (nominal, ordinal, interval)}
    assert len(values) == 3


def test_wide_columns_and_value_codes_are_read(write: Write, answer: Answer) -> None:
    path = write("wide.csv", "id,one,two\nx,0,1\ny,2,2\nz,1,1\n")
    found = answer(
        "agreement", path, "--wide", "one", "two", "--values", "0=tie", "1=A", "2=B",
        "--map", "item=id",
    )["dimensions"]["overall"]  # fmt: skip
    assert (found["raters"], found["percent_agreement"]["value"]) == (2, pytest.approx(2 / 3))


def test_repeats_are_counted_and_the_first_label_holds(write: Write, answer: Answer) -> None:
    path = write("labels.csv", LABELS + "1,cem,A\n")
    found = answer("agreement", path)["dimensions"]["overall"]
    assert (found["repeats"], found["labels"]) == (1, 9)
    assert found["retest"]["percent_agreement"]["n"] == 1
    assert found["retest"]["percent_agreement"]["value"] == 0
    assert found["percent_agreement"]["value"] == pytest.approx(5 / 9)


def test_a_cluster_column_counts_clusters_and_drives_the_interval(
    write: Write, answer: Answer
) -> None:
    rows = [f"{i},{r},{'AB'[(i // 10 + (r == 'b') * (i < 30)) % 2]},c{i // 10}" for i in range(60)
            for r in "ab"]  # fmt: skip
    alone = "\n".join(["item,rater,label", *(row.rsplit(",", 1)[0] for row in rows)])
    together = "\n".join(["item,rater,label,cluster", *rows])
    found = [
        answer("agreement", write(name, text))["dimensions"]["overall"]
        for name, text in (("alone.csv", alone), ("together.csv", together))
    ]
    assert [one["clusters"] for one in found] == [60, 6]
    widths = [one["percent_agreement"]["interval"] for one in found]
    assert widths[1][1] - widths[1][0] > widths[0][1] - widths[0][0]


def test_the_seed_is_stored_and_repeats_the_interval(write: Write, answer: Answer) -> None:
    path = write("labels.csv", LABELS)
    one, same = answer("agreement", path, "--seed", "7"), answer("agreement", path, "--seed", "7")
    assert one == same
    assert one["seed"] == 7


@pytest.mark.parametrize(
    ("rows", "reason"),
    [("1,ana,A\n2,ana,B\n", "no item has two labels"), ("1,ana,A\n1,ben,A\n", "the same")],
)
def test_thin_data_are_answered_with_the_reason(
    rows: str, reason: str, write: Write, answer: Answer
) -> None:
    path = write("labels.csv", "item,rater,label\n" + rows)
    found = answer("agreement", path)["dimensions"]["overall"]["alpha"]
    assert found["value"] is None
    assert reason in found["undefined_because"]


def test_the_plain_answer_names_every_figure_and_where_it_is_explained(write: Write) -> None:
    out = StringIO()
    call_command("agreement", write("labels.csv", LABELS), stdout=out)
    for name in ("pairwise agreement", "Krippendorff's alpha", "Cohen's kappa ana – ben"):
        assert name in out.getvalue()
    assert "undefined: the labels are not numbers" in out.getvalue()
    assert out.getvalue().splitlines()[-1] == plaintext.WHERE_EXPLAINED


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (LABELS, ("--map", "label=verdict"), "no column “verdict”"),
        (LABELS, ("--map", "colour=label"), "no field “colour”"),
        (LABELS, ("--scale", "1-5"), "row 2: The label A is not on the scale 1, 2, 3, 4, 5."),
        (LABELS, ("--scale", "5-1"), "is not a scale"),
        (LABELS, ("--scale", "A,B,C", "--level", "interval"), "needs labels that are numbers"),
        ("", (), "empty"),
        ("item,rater,label\n", (), "no rows"),
        ("item,rater,label\n1,ana,\n", (), "No row holds a label"),
        ("item,rater,label\n1,ana\n", (), "line"),
        (
            "item,rater,label,cluster\n1,ana,A,x\n1,ben,A,y\n",
            (),
            "Item 1 is in cluster x in one row and in y in another",
        ),
    ],
)
def test_bad_files_and_options_get_a_sentence_and_status_two(
    text: str, options: tuple[str, ...], sentence: str, write: Write, refusal: Refusal
) -> None:
    path = write("labels.csv", text)
    assert sentence.lower() in refusal("agreement", path, *options).lower()


def test_a_file_that_is_not_text_gets_a_sentence(tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe")
    assert "labels.csv" in refusal("agreement", str(path))


def test_every_broken_row_is_named(write: Write, refusal: Refusal) -> None:
    said = refusal("agreement", write("labels.csv", LABELS + "4,ana\n,ben,A\n"))
    assert "Line 11" in said
    assert "Line 12" in said


def test_the_shell_sees_the_status_and_no_database_is_asked(tmp_path: Path, write: Write) -> None:
    good = run(tmp_path, "agreement", write("labels.csv", LABELS), "--json")
    assert (good.status, good.complaint) == (0, "")
    assert set(json.loads(good.printed)["dimensions"]) == {"overall"}


def test_a_missing_file_ends_with_status_two_and_no_traceback(tmp_path: Path) -> None:
    bad = run(tmp_path, "agreement", "nowhere.csv")
    assert bad.status == 2
    assert "nowhere.csv: No such file or directory." in bad.complaint
    assert "Traceback" not in bad.complaint


def test_an_unknown_level_ends_with_status_two(tmp_path: Path, write: Write) -> None:
    bad = run(tmp_path, "agreement", write("labels.csv", LABELS), "--level", "vague")
    assert bad.status == 2
