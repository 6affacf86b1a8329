"""Real labels through the import: pages, command line and the statistics reference say the same."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from io import StringIO
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.urls import reverse

from accounts.models import Project
from annotation.models import Dataset, ReferenceLabel, Round
from annotation.states import Method
from calibration.queries import agreement
from calibration.services import reports
from core.figures import decimal
from tests import llmrubric, pandalm
from tests.builders import NOON
from tests.cast import Cast, client_for

pytestmark = [pytest.mark.django_db, pytest.mark.reference_data]

SPACE = "\N{NO-BREAK SPACE}"
SEVERAL_ROUNDS = ("repeats", "retest", "labels", "notes")
"""A second label by one person lies in a round of its own here, and in one file there."""
TEXTS_ALONE = ("length", "baselines", "self_preference")
"""What needs the items' texts: a file of labels has none."""
PANDALM_OPTIONS = (
    "--people-wide", *pandalm.RATERS, "--people-values", *pandalm.CODES,
    "--people-map", "item=idx", "cluster=instruction",
    "--judge-map", "item=idx", "label=gpt_result", "--judge-values", *pandalm.JUDGE_CODES,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


def said(*arguments: str) -> dict[str, Any]:
    """What a command prints."""
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    dimensions: dict[str, Any] = json.loads(out.getvalue())["dimensions"]
    return dimensions


def read(cast: Cast, path: str) -> str:
    answer = client_for(cast.lea).get(path)
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def without(found: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


def on_page(estimate: Mapping[str, Any], *, percent: bool = False, digits: int = 3) -> str:
    """A figure as the pages write it, with its interval."""
    factor, places, unit = (100, 1, f"{SPACE}%") if percent else (1, digits, "")
    value, (low, high) = estimate["value"], estimate["interval"]
    bounds = f"[{decimal(low * factor, places)}, {decimal(high * factor, places)}]"
    return f'{decimal(value * factor, places)}{unit} <span class="interval">{bounds}</span>'


def test_llm_rubrics_agreement_page_says_what_the_command_says(
    project: Project, cast: Cast, shared_data: Path, tmp_path: Path
) -> None:
    people, _ = llmrubric.write_tables(shared_data, tmp_path)
    llmrubric.import_people(project, people)
    by_command = said("agreement", str(people), "--scale", "1-4")
    round_ = Round.objects.order_by("pk")[0]
    on_pages = agreement.of_round(round_).as_dict()["dimensions"]
    counted = counted_pairs(people)
    for question in llmrubric.QUESTIONS:
        expected = by_command[question]
        found = json.loads(json.dumps(on_pages[question.lower()]))
        assert without(found, SEVERAL_ROUNDS) == without(expected, SEVERAL_ROUNDS)
        pairs = expected["percent_agreement"]
        same, _, n = counted[question]
        assert (pairs["value"], pairs["n"]) == (pytest.approx(same), n)
        path = reverse("round_agreement", args=["support", round_.pk])
        text = read(cast, f"{path}?dimension={question.lower()}")
        assert on_page(expected["alpha"]) in text
        assert on_page(expected["ac1"]) in text
        assert on_page(expected["percent_agreement"], percent=True) in text
        # Statistics reference, section 11.2.
        assert 0.35 <= round(pairs["value"], 2) <= 0.63
    # Section 3.1: on Q1 they are within one point on 83 %, and agree no better than chance.
    assert counted["Q1"][1] == pytest.approx(0.83, abs=0.005)
    assert by_command["Q1"]["alpha"]["value"] == pytest.approx(-0.02, abs=0.005)


def votes_of(people: Path) -> dict[tuple[str, str], dict[str, int]]:
    """By question and item what each person said first, in plain Python."""
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    with people.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            given = found[row["dimension"], row["item"]]
            given.setdefault(row["rater"], int(row["label"]))
    return found


def counted_pairs(people: Path) -> dict[str, tuple[float, float, int]]:
    """By question the share of pairs that agree, of those within one point, and their number."""
    apart: dict[str, list[int]] = defaultdict(list)
    for (question, _), given in votes_of(people).items():
        apart[question] += [abs(one - other) for one, other in combinations(given.values(), 2)]
    return {
        question: (
            fmean(step == 0 for step in steps),
            fmean(step <= 1 for step in steps),
            len(steps),
        )
        for question, steps in apart.items()
    }


def counted_at_the_cut(people: Path) -> dict[str, dict[str, list[bool]]]:
    """By question and rater whether they say, at the cut, what the strict majority of the others
    says."""
    same: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for (question, _), given in votes_of(people).items():
        fine = {rater: label >= int(llmrubric.CUT) for rater, label in given.items()}
        for rater, said in fine.items():
            others = [one for other, one in fine.items() if other != rater]
            lead = 2 * sum(others) - len(others)
            if lead:
                same[question][rater].append(said == (lead > 0))
    return same


def test_llm_rubrics_report_says_what_the_command_says(
    project: Project, cast: Cast, shared_data: Path, tmp_path: Path
) -> None:
    people, judge = llmrubric.write_tables(shared_data, tmp_path)
    run = llmrubric.import_judge(llmrubric.import_people(project, people), judge)
    content = reports.make(run_id=run.pk, now=NOON).content["dimensions"]
    by_command = said(
        "align", "--people", str(people), "--judge", str(judge), "--scale", "1-4", "--cut", "3"
    )
    text = read(cast, reverse("run_report", args=["support", run.pk]))
    counted = counted_at_the_cut(people)
    for question in llmrubric.QUESTIONS:
        expected = by_command[question]
        found = json.loads(json.dumps(content[question.lower()]))
        assert {name: found[name] for name in expected} == expected
        ceiling = expected["ceiling"]["people"]
        by_rater = counted[question].values()
        assert ceiling["value"] == pytest.approx(fmean(fmean(hits) for hits in by_rater))
        assert ceiling["n"] == sum(map(len, by_rater))
        # Section 11.2 has .73 to .89, of the votes on conversations that have a verdict; this is
        # the mean over raters (section 4.3), of all conversations.
        assert 0.73 <= round(ceiling["value"], 2) <= 0.90
        assert expected["outcomes"]["missing"] > 0
        for share in ("contested_as_misses", "all_labels", "per_vote"):
            assert on_page(expected[share], percent=True) in text
        assert on_page(expected["points"]["within_one"], percent=True) in text
        assert on_page(expected["points"]["limit_low"]) in text
        assert on_page(expected["bias"]) in text
        assert on_page(expected["alpha"]) in text


def test_pandalms_report_and_slices_say_what_the_files_say(
    project: Project, cast: Cast, shared_data: Path, tmp_path: Path
) -> None:
    dataset = import_with_properties(project, shared_data, tmp_path)
    run = pandalm.import_judge(dataset, shared_data)
    (found,) = reports.make(run_id=run.pk, now=NOON).content["dimensions"].values()
    found = json.loads(json.dumps(found))
    folder = shared_data / "pandalm"
    files = [str(folder / name) for name in ("testset-v1.json", "gpt-3.5-turbo-testset-v1.json")]
    (expected,) = said(
        "align", "--people", files[0], "--judge", files[1], *PANDALM_OPTIONS
    ).values()
    shared = without(expected, TEXTS_ALONE)
    assert {name: found[name] for name in shared} == shared
    counted = _hits(folder)
    slices = found["slices"]["source"] | found["slices"]["case"]
    assert slices.keys() == {name.replace("_", " ") for name in counted}
    for name, (right, n) in counted.items():
        one = slices[name.replace("_", " ")]
        assert (one["value"], one["n"]) == (pytest.approx(right / n), n)
        assert one["holm"] >= one["p_below"]
    text = read(cast, reverse("run_report", args=["support", run.pk]))
    for one in slices.values():
        assert on_page(one) in text
    for name in ("alpha", "kappa"):
        assert on_page(found[name]) in text
    for baseline in found["baselines"].values():
        assert on_page(baseline["agreement"], percent=True) in text
        assert on_page(baseline["difference"], percent=True) in text


def properties_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Two properties that the file itself tells apart: whether there is an input, and a system."""
    return {
        "source": "production_log" if row["input"] else "manual",
        "case": "edge_case" if "llama-7b" in row["cmp_key"] else "representative",
    }


def records(folder: Path, name: str = "testset-v1.json") -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((folder / name).read_text("utf-8"))
    return loaded


def import_with_properties(project: Project, shared_data: Path, folder: Path) -> Dataset:
    """The test set with two properties beside each record."""
    file = folder / "testset.json"
    rows = [row | properties_of(row) for row in records(shared_data / "pandalm")]
    file.write_text(json.dumps(rows), encoding="utf-8")
    return pandalm.import_people(project, shared_data, "source=source", "case=case", file=file)


def _hits(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each value of both properties the items on which people prefer one, and GPT-3.5's hits."""
    judge = {
        row["idx"]: row["gpt_result"] for row in records(folder, "gpt-3.5-turbo-testset-v1.json")
    }
    right: Counter[str] = Counter()
    n: Counter[str] = Counter()
    for row in records(folder):
        (label, votes), *others = Counter(row[one] for one in pandalm.RATERS).most_common()
        if label == 0 or (others and others[0][1] == votes):
            continue
        for value in properties_of(row).values():
            n[value] += 1
            right[value] += judge[row["idx"]] == str(label)
    assert n["production_log"] + n["manual"] == 894
    assert right["production_log"] + right["manual"] == 692
    return {value: (right[value], n[value]) for value in n}


def test_pandalms_pairs_of_votes_by_slice_are_those_of_the_file(
    project: Project, cast: Cast, shared_data: Path, tmp_path: Path
) -> None:
    import_with_properties(project, shared_data, tmp_path)
    agreeing: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for record in records(shared_data / "pandalm"):
        one, two, three = (record[name] for name in pandalm.RATERS)
        for value in properties_of(record).values():
            agreeing[value] += (one == two) + (one == three) + (two == three)
            pairs[value] += 3
    assert sum(agreeing.values()) == 2 * 2757
    text = read(cast, reverse("round_parts", args=["support", Round.objects.get().pk]))
    for name, n in pairs.items():
        row = text.partition(f'<th scope="row">{name.replace("_", " ")}</th>')[2]
        row = row.partition("</tr>")[0]
        assert f">{agreeing[name] / n:.2f} <" in row
        assert f">{n:,}<" in row


def test_pandalms_reference_labels_are_the_published_majorities(
    project: Project, cast: Cast, shared_data: Path
) -> None:
    """The authors count 105 ties, 422 for the first response and 472 for the second."""
    pandalm.import_people(project, shared_data)
    labels = ReferenceLabel.objects.filter(method=Method.PLURALITY).values_list("label", flat=True)
    assert Counter(labels) == {"tie": 105, "A": 422, "B": 472}
    text = read(cast, reverse("reference_labels", args=["support"]))
    # The statistics reference, section 7: Dawid and Skene's model moves none of them.
    assert text.count("999 decided, 0 contested") >= 2
    moved = text.partition("It decides")[2].partition("of the items otherwise")[0]
    assert f"0.0{SPACE}%" in moved
