"""Two texts side by side: which line stands beside which, and which words are marked."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from annotation.rules import linediff
from annotation.rules.linediff import Side

TEXTS = st.text(alphabet="ab c.\n", max_size=60)


def words(side: Side | None) -> str | None:
    """A side in one string, marked stretches in brackets."""
    if side is None:
        return None
    return "".join(f"[{piece.text}]" if piece.is_marked else piece.text for piece in side.pieces)


def shown(before: str, after: str) -> list[tuple[str | None, str | None]]:
    return [(words(row.before), words(row.after)) for row in linediff.rows(before, after)]


def plain(side: Side) -> str:
    return "".join(piece.text for piece in side.pieces)


def test_texts_that_are_the_same_have_no_rows() -> None:
    assert linediff.rows("a\nb", "a\nb") == ()
    assert linediff.rows("", "") == ()


def test_a_changed_word_is_marked_on_both_sides() -> None:
    assert shown("Rate the response.", "Rate the answer.") == [
        ("Rate the [response].", "Rate the [answer].")
    ]


def test_neighbouring_marks_are_one_with_the_space_between_them() -> None:
    assert shown("a b c d e f", "a x y d e f") == [("a [b c] d e f", "a [x y] d e f")]


def test_an_added_line_stands_alone() -> None:
    assert shown("one\ntwo", "one\nnew\ntwo") == [("one", "one"), (None, "[new]"), ("two", "two")]


def test_a_removed_line_stands_alone() -> None:
    assert shown("one\nold\ntwo", "one\ntwo") == [("one", "one"), ("[old]", None), ("two", "two")]


def test_a_changed_line_stands_beside_what_it_became() -> None:
    before = "Read to the end.\nRate each dimension apart."
    after = "Greet nobody.\nRead slowly to the end.\nRate each dimension apart."
    assert shown(before, after) == [
        (None, "[Greet nobody.]"),
        ("Read to the end.", "Read [slowly ]to the end."),
        ("Rate each dimension apart.", "Rate each dimension apart."),
    ]


def test_lines_without_a_word_in_common_are_not_each_others_change() -> None:
    assert shown("alpha\nsame", "gamma\nsame") == [
        ("[alpha]", None),
        (None, "[gamma]"),
        ("same", "same"),
    ]


def test_one_line_stands_beside_one_line_however_little_they_share() -> None:
    assert shown("alpha and beta", "gamma and delta") == [("[alpha and beta]", "[gamma and delta]")]


def test_lines_are_numbered_from_one_on_each_side() -> None:
    last = linediff.rows("a\nb", "x\na\nb")[-1]
    assert last.before is not None
    assert last.after is not None
    assert (last.before.number, last.after.number) == (2, 3)


def test_what_is_far_from_a_change_is_counted_and_left_out() -> None:
    before = "\n".join(map(str, range(30)))
    found = linediff.rows(before, before.replace("15", "changed"))

    assert [row.left_out for row in found if row.left_out] == [12, 11]
    assert len(found) == 2 + 3 + 2 + 3  # two folds, the lines around, 15 gone and “changed” new


def test_scripts_that_run_from_right_to_left_are_told_apart_by_words() -> None:
    assert shown("سلام دنیا", "سلام جهان") == [("سلام [دنیا]", "سلام [جهان]")]


@given(TEXTS, TEXTS)
def test_no_line_is_lost_or_doubled(before: str, after: str) -> None:
    found = linediff.rows(before, after)
    if not found:
        assert before.rstrip("\n") == after.rstrip("\n")
        return
    old = sum((row.left_out or row.before is not None) for row in found)
    new = sum((row.left_out or row.after is not None) for row in found)
    assert old == len(before.rstrip("\n").split("\n") if before else [])
    assert new == len(after.rstrip("\n").split("\n") if after else [])


@given(TEXTS, TEXTS)
def test_each_side_reads_as_its_text_does(before: str, after: str) -> None:
    old, new = before.rstrip("\n").split("\n"), after.rstrip("\n").split("\n")
    for row in linediff.rows(before, after):
        assert row.before is None or plain(row.before) == old[row.before.number - 1]
        assert row.after is None or plain(row.after) == new[row.after.number - 1]


@given(TEXTS, TEXTS)
def test_one_way_is_the_other_way_round(before: str, after: str) -> None:
    assert bool(linediff.rows(before, after)) == bool(linediff.rows(after, before))


def test_the_longest_texts_cost_little() -> None:
    """The longest text that the editor takes, alike in nothing and full of repeats."""
    before, after = "a\n\nb\n" * 10_000, "b\na\n\n\n" * 10_000
    started = time.process_time()
    linediff.rows(before, after)
    linediff.rows("x " * 25_000, "y " * 25_000)
    assert time.process_time() - started < 3
