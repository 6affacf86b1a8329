"""Changed copies of items, and what they have in common."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.rules import changes, copies, markup
from judges.rules.changes import Change, Target
from judges.rules.spec import ItemView
from tests.unit.judges.builders import make_pair, make_single, make_version

RICH = "# Steps\n\n1. Open **Plan**.\n2. Press `Cancel`, then [this](https://a.example/b).\n"
PLAIN = "Steps\n\nOpen Plan.\nPress Cancel, then this."


@pytest.mark.parametrize(
    ("rich", "plain"),
    [
        (RICH, PLAIN),
        ("- a\n  - b\n* c", "a\nb\nc"),
        ("> said\n\n---\n\nso", "said\n\n\nso"),
        ("<p>Hi <b>you</b><br>there</p>", "Hi you\nthere"),
        ("```python\nx = 1\n```", "x = 1"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b\n1, 2"),
        ("***so*** and ~~no~~ and __yes__", "so and no and yes"),
    ],
)
def test_markup_is_taken_out_and_the_words_stay(rich: str, plain: str) -> None:
    assert markup.plain(rich) == plain


@pytest.mark.parametrize(
    "text",
    ["5 * 3 * 2 = 30", "2*3*4", "a snake_case_name", "if a < b and c > d", "No. 5 is it", ""],
)
def test_a_text_without_markup_stays_as_it_is(text: str) -> None:
    assert markup.plain(text) == text


@given(st.text(alphabet="ab 1.-*_`#>|[]()~<p/\n", max_size=60))
def test_stripping_twice_is_stripping_once(text: str) -> None:
    once = markup.plain(text)
    assert markup.plain(once) == once


@given(st.text(max_size=80), st.sampled_from([1.5, 2.0, 3.0]))
def test_a_padded_copy_is_long_enough_and_has_the_same_core(text: str, factor: float) -> None:
    copy = copies.padded(text, factor)
    assert len(copy) >= len(text) * factor or not text.strip()
    assert copies.core(copy) == copies.core(text)


@pytest.mark.parametrize("pick", range(len(copies.INJECTIONS)))
def test_an_injected_copy_carries_its_instruction_behind_the_same_core(pick: int) -> None:
    copy = copies.injected(RICH, pick)
    assert copy.endswith(copies.INJECTIONS[pick])
    assert copies.carries_injection(copy)
    assert not copies.carries_injection(RICH)
    assert copies.core(copy) == copies.core(RICH) == PLAIN


def test_there_are_a_dozen_instructions_and_none_names_a_side() -> None:
    assert len(set(copies.INJECTIONS)) == 12
    assert not any("response A" in one or "response B" in one for one in copies.INJECTIONS)


def test_only_the_named_side_of_a_pair_is_changed() -> None:
    pair = make_pair(response_a="One.", response_b="Two.")
    shown = Change("padded", factor=2.0, targets={7: Target("B")}).shown(7, pair)
    assert shown.response_a == "One."
    assert shown.response_b.startswith("Two.\n\n")
    assert dataclasses.replace(shown, response_b="Two.") == pair


def test_markup_goes_from_both_sides() -> None:
    pair = make_pair(response_a="**One**", response_b="- Two")
    shown = Change("stripped").shown(7, pair)
    assert (shown.response_a, shown.response_b) == ("One", "Two")
    assert changes.changes_anything(pair)
    assert not changes.changes_anything(shown)


def test_the_only_response_is_changed_and_of_a_conversation_the_last_turn_of_the_system() -> None:
    change = Change("injected", targets={1: Target("", 3)})
    assert change.shown(1, make_single(response="So.")).response.endswith(copies.INJECTIONS[3])
    turns = (("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"))
    shown = change.shown(1, ItemView("c", "conversation", messages=turns))
    assert [role for role, _ in shown.messages] == ["user", "assistant", "user"]
    assert shown.messages[1][1].endswith(copies.INJECTIONS[3])
    assert shown.messages[0] == turns[0]
    assert shown.messages[2] == turns[2]


def test_a_plain_run_shows_the_item_as_it_is() -> None:
    pair = make_pair()
    assert changes.AS_IT_IS.shown(1, pair) is pair
    assert changes.AS_IT_IS.asked(make_version()) == make_version()


def test_samples_and_both_orders_go_before_what_the_version_says() -> None:
    version = make_version(both_orders=False)
    asked = Change(samples=3, both_orders=True).asked(version)
    assert (asked.samples, asked.both_orders) == (3, True)
    assert not Change(both_orders=True).asked(make_version("single", both_orders=False)).both_orders


def test_a_change_is_read_back_as_it_was_kept() -> None:
    change = Change("padded", factor=1.5, samples=2, is_fresh=True, targets={3: Target("A", 4)})
    assert changes.from_json(change.as_json(), change.targets) == change


def test_targets_hang_on_seed_and_item_alone_and_take_a_side_that_is_given() -> None:
    drawn = [changes.target(5, str(item), is_pair=True) for item in range(400)]
    assert drawn == [changes.target(5, str(item), is_pair=True) for item in range(400)]
    assert 150 < sum(one.side == "A" for one in drawn) < 250
    assert {one.pick for one in drawn} == set(range(12))
    assert changes.target(5, "1", is_pair=True, side="B").side == "B"
    assert changes.target(5, "1", is_pair=False).side == ""


def test_an_example_shows_the_response_that_differs_and_what_was_put_behind_it() -> None:
    pair = make_pair(response_a="One.", response_b="Two.")
    shown = Change("injected", targets={7: Target("B", 0)}).shown(7, pair)
    (part,) = changes.compared(pair, shown)
    assert (part.name, part.before, part.added) == ("Response B", "Two.", copies.INJECTIONS[0])
    stripped = make_pair(response_a="**One**", response_b="Two")
    (part,) = changes.compared(stripped, Change("stripped").shown(7, stripped))
    assert (part.before, part.after, part.added) == ("**One**", "One", "")
    assert [part.name for part in changes.compared(pair, pair)] == ["Response A", "Response B"]
    turns = ItemView("c", "conversation", messages=(("user", "Hi"), ("assistant", "Hello")))
    assert [part.before for part in changes.compared(turns, turns)] == ["Hello"]
