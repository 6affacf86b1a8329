"""Digests stay what they were: a changed one would make every item a new one."""

from __future__ import annotations

import hashlib

from annotation.rules.keys import digest


def test_a_digest_is_that_of_its_parts_as_compact_json() -> None:
    told = '["item/1","día \\"x\\"\\n",["a",1,null],{"a":1,"b":[]},2.5,true]'
    parts = ("item/1", 'día "x"\n', ["a", 1, None], {"b": [], "a": 1}, 2.5, True)
    assert digest(*parts) == hashlib.sha256(told.encode()).hexdigest()


def test_no_parts_and_an_empty_text_differ() -> None:
    assert digest() != digest("")
