from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.commands.conftest import Write
from tests.commands.filecommands import run

Answered = tuple[int, dict[str, Any]]


def scores(*values: object) -> str:
    return "item,score\n" + "".join(f"{i:03},{value}\n" for i, value in enumerate(values))


def compared(write: Write, baseline: str, candidate: str, *options: str) -> Answered:
    """The exit status, and the answer as JSON."""
    out, status = StringIO(), 0
    files = ("--baseline", write("old.csv", baseline), "--candidate", write("new.csv", candidate))
    try:
        call_command("compare", *files, *options, "--json", stdout=out)
    except SystemExit as left:
        status = int(left.code or 0)
    return status, json.loads(out.getvalue())


def refused(*arguments: str) -> str:
    """The sentence of a command that must end with status 3."""
    with pytest.raises(CommandError) as caught:
        call_command("compare", *arguments, stdout=StringIO())
    assert caught.value.returncode == 3
    return str(caught.value)


OLD = scores(*[3, 4, 2, 5] * 25)


def test_a_better_version_is_answered_in_the_documented_form(write: Write) -> None:
    status, found = compared(write, OLD, scores(*[4, 4, 3, 5] * 25))
    assert (status, found["exit_status"], found["verdict"]) == (0, 0, "better")
    metric = found["metrics"]["score"]
    assert set(metric["difference"]) == {"value", "n", "interval", "undefined_because"}
    assert (metric["difference"]["value"], metric["difference"]["n"]) == (0.5, 100)
    assert (metric["wins"], metric["ties"], metric["losses"]) == (50, 50, 0)
    assert metric["wilcoxon"]["wilcox"]["n"] == 50
    assert metric["mcnemar"] is None
    assert found["decides"] == ["score"]


def test_a_worse_version_ends_with_one(write: Write) -> None:
    status, found = compared(write, OLD, scores(*[2, 4, 2, 5] * 25))
    assert (status, found["verdict"]) == (1, "worse")


def test_an_open_question_ends_with_two_and_says_how_many_items_would_tell(write: Write) -> None:
    status, found = compared(write, OLD, scores(*[4, 3, 2, 5] * 24, 4, 4, 2, 5))
    assert (status, found["verdict"]) == (2, "cannot tell")
    assert found["items_needed"] > 100
    assert f"{found['items_needed']:,} items" in found["because"]


def test_the_margin_and_the_direction_move_the_answer(write: Write) -> None:
    slower = scores(*[3.1, 4, 2, 5] * 25)
    statuses = [
        compared(write, OLD, slower, *options)[0]
        for options in ((), ("--lower-is-better",), ("--lower-is-better", "--margin", "0.1"))
    ]
    assert statuses == [0, 1, 0]


def test_the_status_follows_the_interval_and_the_margin(write: Write) -> None:
    for margin in (0.0, 0.02, 0.1, 0.2, 0.4):
        status, found = compared(write, OLD, scores(*[3, 4, 1.5, 5] * 25), "--margin", str(margin))
        low, high = found["metrics"]["score"]["difference"]["interval"]
        assert status == (0 if low >= -margin else 1 if high < -margin else 2)


def test_identical_files_have_p_one_and_no_error(write: Write) -> None:
    status, found = compared(write, OLD, OLD)
    metric = found["metrics"]["score"]
    assert (status, metric["p"], metric["difference"]["interval"]) == (0, 1.0, [0.0, 0.0])
    assert "no spread" in metric["d_z"]["undefined_because"]


def test_one_shared_item_cannot_tell_and_says_why(write: Write) -> None:
    status, found = compared(write, scores(3), scores(4, 5))
    metric = found["metrics"]["score"]
    assert (status, metric["difference"]["value"]) == (2, 1.0)
    assert metric["difference"]["interval"] is None
    assert "no interval" in found["because"]
    assert (metric["only_baseline"], metric["only_candidate"]) == (0, 1)


def test_several_metrics_are_compared_and_one_of_them_decides(write: Write) -> None:
    old, new = ["item,score,metric"], ["item,score,metric", "0,1,speed"]
    for item in range(100):
        old += [f"{item},{item % 5},quality", f"{item},{item % 4 > 0:d},safe"]
        new += [f"{item},{item % 5 + 1},quality", f"{item},{item % 4 > 1:d},safe"]
    status, found = compared(write, "\n".join(old), "\n".join(new))
    assert (status, found["decides"], found["left_out"]) == (1, ["safe"], ["speed"])
    assert found["metrics"]["quality"]["verdict"] == "better"
    assert found["metrics"]["safe"]["mcnemar"]["b"] == 25
    # The smaller p-value of two is doubled.
    adjusted, p = (found["metrics"]["quality"][name] for name in ("p_holm", "p"))
    assert adjusted == pytest.approx(2 * p)


def test_clusters_of_either_file_drive_the_interval(write: Write) -> None:
    new = scores(*[4, 4, 1, 5] * 25).splitlines()
    grouped = [f"{new[0]},cluster", *(f"{row},c{i % 4}" for i, row in enumerate(new[1:]))]
    alone = compared(write, OLD, "\n".join(new))[1]["metrics"]["score"]
    together = compared(write, OLD, "\n".join(grouped))[1]["metrics"]["score"]
    assert (alone["clusters"], together["clusters"]) == (100, 4)
    widths = [one["difference"]["interval"] for one in (alone, together)]
    assert widths[1][1] - widths[1][0] > 2 * (widths[0][1] - widths[0][0])


def test_empty_scores_are_missing_and_the_order_of_the_rows_does_not_matter(write: Write) -> None:
    new = scores(*[4, 4, 1, 5] * 24, 4, "", 1, 5).splitlines()
    turned = "\n".join([new[0], *reversed(new[1:])])
    first, second = compared(write, OLD, "\n".join(new)), compared(write, OLD, turned)
    assert first == second
    assert first[1]["metrics"]["score"]["items"] == 99
    assert first[1]["metrics"]["score"]["only_baseline"] == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("new.json", '[{"item": 1, "score": 2}, {"item": 2, "score": 3.5}]'),
        ("new.jsonl", '{"item": "1", "score": "2"}\n{"item": "2", "score": 3.5}\n'),
        ("new.tsv", "item\tscore\n1\t2\n2\t3.5\n"),
    ],
)
def test_scores_are_read_from_other_formats(name: str, text: str, write: Write) -> None:
    out = StringIO()
    files = ("--baseline", write("old.csv", "item,score\n1,1\n2,3\n3,4\n"), "--candidate")
    call_command("compare", *files, write(name, text), "--json", stdout=out)
    metric = json.loads(out.getvalue())["metrics"]["score"]
    assert (metric["items"], metric["difference"]["value"]) == (2, 0.75)


def test_columns_of_both_files_can_be_mapped(write: Write) -> None:
    text = "id,points\n1,2\n2,3\n"
    found = compared(write, text, text, "--map", "item=id", "score=points")[1]
    assert found["metrics"]["score"]["items"] == 2


def test_the_plain_answer_names_every_figure_and_ends_with_the_decision(write: Write) -> None:
    out = StringIO()
    files = ("--baseline", write("old.csv", scores(*[1, 0] * 60)))
    call_command(
        "compare", *files, "--candidate", write("new.csv", scores(*[1, 0, 1, 1] * 30)), stdout=out
    )
    for words in (
        "difference, candidate − baseline",
        "0, 30  p =",
        "Agresti–Min",
        "rank-biserial correlation",
        "win rate, ties by half",
        "smallest change that shows",
    ):
        assert words in out.getvalue()
    assert out.getvalue().rstrip().endswith("better: decided by score")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "new.csv: The file is empty"),
        ("item,score\n", "new.csv: The file has a header and no rows"),
        ("item,points\n1,2\n", "new.csv: The file has no column “score”"),
        ("id,score\n1,2\n", "new.csv: The file has no column “item”"),
        ("item,score\n000,good\n", "new.csv: 1 line cannot be read"),
        ("item,score\n000,good\n", "Line 2: the score “good” is not a number"),
        ("item,score\n000,nan\n", "the score “nan” is not a number"),
        ("item,score\n000,1_0\n", "the score “1_0” is not a number"),
        ("item,score\n000,1e300\n", "is beyond"),
        ("item,score\n,2\n", "Line 2: the item is empty"),
        ("item,score\n000,\n", "new.csv: No row holds a score"),
        ("item,score\n000,1\n001,1\n000,2\n", "Line 4: the item “000” has a score on score"),
        ("item,score\nx,1\n", "share no item on the metric score"),
        ("item,score,metric\n000,1,tone\n", "share no metric"),
        ("item,score,metric,cluster\n0,1,a,x\n0,1,b,y\n", "in the cluster “x” and in “y”"),
    ],
)
def test_bad_files_get_a_sentence_and_status_three(text: str, sentence: str, write: Write) -> None:
    said = refused("--baseline", write("old.csv", OLD), "--candidate", write("new.csv", text))
    assert sentence in said


def test_files_that_put_an_item_into_different_clusters_are_refused(write: Write) -> None:
    one, other = (f"item,score,cluster\n1,2,{name}\n2,2,b\n" for name in "ac")
    said = refused("--baseline", write("old.csv", one), "--candidate", write("new.csv", other))
    assert "new.csv against old.csv: the item “1” is in the cluster “a” and in “c”" in said


def test_a_file_that_is_not_text_is_refused(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe")
    assert "new.csv" in refused("--baseline", write("old.csv", OLD), "--candidate", str(path))


@pytest.mark.parametrize(
    "options", [("--margin", "-1"), ("--margin", "wide"), ("--margin", "inf"), ("--colour", "x")]
)
def test_bad_options_end_with_three_as_well(options: tuple[str, ...], write: Write) -> None:
    files = ("--baseline", write("old.csv", OLD), "--candidate", write("new.csv", OLD))
    assert options[0] in refused(*files, *options)


def test_the_shell_sees_every_status_and_no_database_is_asked(tmp_path: Path, write: Write) -> None:
    old = write("old.csv", OLD)
    worse = write("worse.csv", scores(*[2, 4, 2, 5] * 25))
    open_question = write("open.csv", scores(*[4, 3, 2, 5] * 25))
    done = [
        run(tmp_path, "compare", "--baseline", old, "--candidate", path)
        for path in (old, worse, open_question, "nowhere.csv")
    ]
    assert [one.status for one in done] == [0, 1, 2, 3]
    assert [one.complaint for one in done[:3]] == ["", "", ""]
    assert "nowhere.csv: No such file" in done[3].complaint
    assert "Traceback" not in done[3].complaint


def test_a_missing_option_is_no_open_question(tmp_path: Path, write: Write) -> None:
    done = run(tmp_path, "compare", "--baseline", write("old.csv", OLD))
    assert done.status == 3
    assert "--candidate" in done.complaint
