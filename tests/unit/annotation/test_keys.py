"""Digests stay what they were: a changed one would make every item a new one."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from annotation.rules.keys import digest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


def test_a_digest_is_that_of_its_parts_as_compact_json() -> None:
    told = '["item/1","día \\"x\\"\\n",["a",1,null],{"a":1,"b":[]},2.5,true]'
    parts = ("item/1", 'día "x"\n', ["a", 1, None], {"b": [], "a": 1}, 2.5, True)
    assert digest(*parts) == hashlib.sha256(told.encode()).hexdigest()


def test_no_parts_and_an_empty_text_differ() -> None:
    assert digest() != digest("")


@given(st.lists(VALUES, max_size=4))
def test_a_digest_is_the_same_for_parts_of_any_shape(parts: list[object]) -> None:
    told = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert digest(*parts) == hashlib.sha256(told.encode()).hexdigest()
