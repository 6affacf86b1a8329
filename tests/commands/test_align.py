from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from calibration.rules import plaintext
from tests.commands.conftest import Answer, Refusal, Write
from tests.commands.filecommands import run

PEOPLE = """item,rater,label
1,ana,A
1,ben,A
1,cem,B
2,ana,B
2,ben,B
2,cem,B
3,ana,tie
3,ben,tie
3,cem,A
4,ana,A
"""
JUDGE = """item,label
1,A
2,tie
3,tie
"""
SHAPE = (
    "--people-wide", "annotator1", "annotator2", "annotator3",
    "--people-values", "0=tie", "1=A", "2=B",
    "--people-map", "item=idx", "cluster=instruction",
    "--judge-map", "item=idx", "label=gpt_result",
    "--judge-values", "1=A", "2=B", "Tie=tie", "garbage=!invalid",
)  # fmt: skip


def aligned(answer: Answer, people: str, judge: str, *options: str) -> dict[str, Any]:
    found = answer("align", "--people", people, "--judge", judge, *options)
    dimension: dict[str, Any] = found["dimensions"]["overall"]
    return dimension


def test_two_files_are_answered_in_the_documented_form(write: Write, answer: Answer) -> None:
    found = aligned(answer, write("people.csv", PEOPLE), write("judge.csv", JUDGE))
    assert (found["items"], found["decided"], found["contested"]) == (3, 3, 0)
    assert (found["agreement"]["value"], found["agreement"]["n"]) == (0.5, 2)
    assert found["all_labels"]["value"] == pytest.approx(2 / 3)
    assert found["gate"]["decision"] == "insufficient"
    assert found["gate"]["because"].startswith("Dry run")


def test_items_with_fewer_than_three_labels_are_counted(write: Write, answer: Answer) -> None:
    people = write("people.csv", PEOPLE + "4,ben,A\n")
    found = aligned(answer, people, write("judge.csv", JUDGE))
    assert (found["items"], found["fewer_than_three"]) == (4, 1)
    assert found["outcomes"] == {"ok": 3, "missing": 1}


def test_both_orders_of_the_judge_are_combined(write: Write, answer: Answer) -> None:
    judge = "item,label,order\n1,A,AB\n1,B,BA\n2,B,AB\n2,B,BA\n"
    found = aligned(answer, write("people.csv", PEOPLE), write("judge.csv", judge))
    assert found["order"]["pairs"] == 2
    assert found["order"]["consistent"]["value"] == 0.5
    assert found["agreement"]["value"] == 0.5


def test_samples_show_how_often_the_verdict_flips(write: Write, answer: Answer) -> None:
    judge = "item,label,sample\n1,A,0\n1,A,1\n2,B,0\n2,A,1\n3,tie,0\n3,tie,1\n"
    found = aligned(answer, write("people.csv", PEOPLE), write("judge.csv", judge))
    assert found["repeats"]["flip_rate"]["value"] == pytest.approx(1 / 3)
    assert found["repeats"]["samples"] == 2


def test_outcomes_are_counted_by_human_label(write: Write, answer: Answer) -> None:
    judge = "item,label,outcome\n1,,refused\n2,B,ok\n3,tie,\n"
    found = aligned(answer, write("people.csv", PEOPLE), write("judge.csv", judge))
    missing = found["missingness"]
    assert (missing["outcomes"], missing["labels"]) == (["ok", "refused"], ["A", "tie", "B"])
    assert missing["counts"] == [[0, 1, 1], [1, 0, 0]]
    assert missing["without_verdict"]["A"]["value"] == 1
    assert missing["p"]["undefined_because"].startswith("fewer than 5")


def test_outcomes_of_the_judge_are_misses(write: Write, answer: Answer) -> None:
    judge = "item,label,outcome\n1,,refused\n2,B,ok\n3,tie,\n"
    found = aligned(answer, write("people.csv", PEOPLE), write("judge.csv", judge))
    assert found["outcomes"] == {"refused": 1, "ok": 2}
    assert found["agreement"]["value"] == 0.5


def points(*, judge_adds: int) -> tuple[str, str]:
    people, judge = ["item,rater,label"], ["item,label"]
    for item in range(40):
        point = 1 + item % 5
        people += [f"{item},{rater},{point}" for rater in ("ana", "ben", "cem")]
        judge.append(f"{item},{min(5, point + judge_adds)}")
    return "\n".join(people), "\n".join(judge)


def test_a_cut_tests_ratings_on_pass_and_fail(write: Write, answer: Answer) -> None:
    people, judge = points(judge_adds=1)
    files = write("people.csv", people), write("judge.csv", judge)
    found = aligned(answer, *files, "--scale", "1-5", "--cut", "4")
    # Only the 3s cross the cut; 5s stay as they are.
    assert found["agreement"]["value"] == pytest.approx(0.8)
    assert found["all_labels"]["value"] == pytest.approx(0.2)
    assert found["bias"]["value"] == pytest.approx(0.8)
    # All in order, though 4 and 5 tie for the judge: 640 of the pairs apart, 576 for the judge.
    assert found["ranks"]["tau_b"]["value"] == pytest.approx(576 / (640 * 576) ** 0.5)
    assert found["confusion"]["labels"] == ["fail", "pass"]


def test_ratings_without_a_cut_are_told_to_declare_one(write: Write, answer: Answer) -> None:
    people, judge = points(judge_adds=0)
    files = write("people.csv", people), write("judge.csv", judge)
    found = aligned(answer, *files, "--scale", "1-5")
    assert "declare a cut" in found["gate"]["because"]


def test_the_attempt_and_the_target_move_the_gate(write: Write, answer: Answer) -> None:
    files = write("people.csv", PEOPLE), write("judge.csv", JUDGE)
    levels = [
        aligned(answer, *files, *options)["level"]
        for options in ((), ("--look", "3"), ("--one-shot",))
    ]
    assert levels == [0.025, 0.00625, 0.05]
    found = aligned(answer, *files, "--target", "0.9", "--epsilon", "0.1")
    limits = {check["name"]: check["limit"] for check in found["gate"]["checks"]}
    assert limits["lower bound"] == 0.9
    assert found["alt_test"]["epsilon"] == 0.1


def test_a_dimension_of_one_file_only_is_named_and_left_out(write: Write, answer: Answer) -> None:
    header = "item,rater,label,dimension\n"
    rows = [line + ",tone" for line in PEOPLE.splitlines()[1:]]
    people = write("people.csv", header + "\n".join(rows) + "\n1,ana,yes,safe\n")
    judge = write("judge.csv", "item,label,dimension\n1,A,tone\n")
    found = answer("align", "--people", people, "--judge", judge)
    assert (set(found["dimensions"]), found["left_out"]) == ({"tone"}, ["safe"])


def test_the_plain_answer_ends_with_the_gate_and_where_figures_are_explained(write: Write) -> None:
    out = StringIO()
    files = ("--people", write("people.csv", PEOPLE), "--judge", write("judge.csv", JUDGE))
    call_command("align", *files, stdout=out)
    for words in ("S2, without ties", "people, leave one out", "gate at level 0.025: insufficient"):
        assert words in out.getvalue()
    assert "alternative annotator test         undefined" in out.getvalue()
    assert out.getvalue().splitlines()[-1] == plaintext.WHERE_EXPLAINED


def test_the_plain_answer_shows_orders_tests_and_what_was_left_out(write: Write) -> None:
    people = ["item,rater,label,dimension", "0,ana,yes,safe"]
    judge = ["item,label,order,dimension"]
    for item in range(40):
        people += [f"{item},{rater},{'AB'[item % 2]},overall" for rater in ("ana", "ben", "cem")]
        judge += [f"{item},{'AB'[item % 2]},{order},overall" for order in ("AB", "BA")]
    out = StringIO()
    files = ("--people", write("people.csv", "\n".join(people)))
    call_command("align", *files, "--judge", write("judge.csv", "\n".join(judge)), stdout=out)
    for words in (
        "same winner in both orders",
        "p of no lean",
        "ω 1.000, ρ 1.000",
        "hence left out: safe",
    ):
        assert words in out.getvalue()


@pytest.mark.parametrize(
    ("judge", "options", "sentence"),
    [
        ("item,label\n1,C\n", ("--scale", "A,B,tie"), "judge.csv, row 2: The label C"),
        ("item,label\n9,A\n", (), "share no item"),
        ("item,label,dimension\n1,A,tone\n", (), "share no dimension"),
        (JUDGE, ("--cut", "A"), "needs labels in order"),
        (JUDGE, ("--judge-map", "label=verdict"), "judge.csv: The file has no column “verdict”"),
        (JUDGE, ("--judge-values", "A=!nonsense"), "unknown outcome"),
        (JUDGE, ("--people-values", "A=!invalid"), "only a judge's rows have one"),
        ("", (), "judge.csv: The file is empty"),
    ],
)
def test_bad_files_and_options_get_a_sentence_and_status_two(
    judge: str, options: tuple[str, ...], sentence: str, write: Write, refusal: Refusal
) -> None:
    files = ("--people", write("people.csv", PEOPLE), "--judge", write("judge.csv", judge))
    assert sentence in refusal("align", *files, *options)


def test_a_cut_that_the_scale_does_not_have_is_refused(write: Write, refusal: Refusal) -> None:
    people, judge = points(judge_adds=0)
    files = ("--people", write("people.csv", people), "--judge", write("judge.csv", judge))
    assert "The cut 9 is not on the scale" in refusal(
        "align", *files, "--scale", "1-5", "--cut", "9"
    )


@pytest.mark.parametrize(
    "options",
    [
        ("--look", "4"),
        ("--look", "1", "--one-shot"),
        ("--target", "80"),
        ("--target", "most"),
        ("--seed", "x"),
        ("--seed", "-1"),
    ],
)
def test_impossible_options_are_refused(options: tuple[str, ...], write: Write) -> None:
    files = ("--people", write("people.csv", PEOPLE), "--judge", write("judge.csv", JUDGE))
    with pytest.raises(CommandError, match=options[0]):
        call_command("align", *files, *options)


def test_a_bad_file_ends_with_status_two_for_the_shell(tmp_path: Path, write: Write) -> None:
    bad = run(tmp_path, "align", "--people", write("people.csv", PEOPLE), "--judge", "nowhere.csv")
    assert bad.status == 2
    assert "nowhere.csv" in bad.complaint
    assert "Traceback" not in bad.complaint


@pytest.mark.reference_data
def test_pandalm_through_the_command_line(tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "pandalm"
    files = (
        "--people", str(folder / "testset-v1.json"),
        "--judge", str(folder / "gpt-3.5-turbo-testset-v1.json"),
    )  # fmt: skip
    done = run(tmp_path, "align", *files, *SHAPE, "--json")
    assert (done.status, done.complaint) == (0, "")
    found = json.loads(done.printed)["dimensions"]["overall"]
    assert found["all_labels"]["value"] == pytest.approx(697 / 999)
    assert (found["s1"]["n"], found["s2"]["n"]) == (2922, 2539)
    assert found["s1"]["value"] == pytest.approx(2064 / 2922)
    assert found["s2"]["value"] == pytest.approx(2047 / 2539)
    assert found["agreement"]["value"] == pytest.approx(692 / 894)
    assert found["n_eff"] == pytest.approx(433.391279, abs=1e-6)
    assert found["lower_bound"] == pytest.approx(0.731720986, abs=1e-9)
    assert found["outcomes"] == {"ok": 974, "invalid": 25}
    assert found["gate"]["decision"] == "fail"


@pytest.mark.reference_data
def test_pandalms_raters_through_the_command_line(tmp_path: Path, shared_data: Path) -> None:
    done = run(
        tmp_path, "agreement", str(shared_data / "pandalm" / "testset-v1.json"),
        "--wide", "annotator1", "annotator2", "annotator3",
        "--values", "0=tie", "1=A", "2=B", "--map", "item=idx", "cluster=instruction", "--json",
    )  # fmt: skip
    assert (done.status, done.complaint) == (0, "")
    found = json.loads(done.printed)["dimensions"]["overall"]
    assert found["alpha"]["value"] == pytest.approx(0.8642206852, abs=1e-10)
    assert found["percent_agreement"]["value"] == pytest.approx(2757 / 2997)
    kappas = [pair["value"] for pair in found["kappa"]]
    assert kappas == pytest.approx([0.8520226785, 0.8789438113, 0.8616614541], abs=1e-10)
