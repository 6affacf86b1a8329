"""JSON written many times over is what the encoder of the standard library makes of it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from core.bulk import json_text

TEXTS = st.text(max_size=12)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS, inner, max_size=4)
        | st.dictionaries(st.integers(), inner, max_size=2)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_json_is_written_as_the_encoder_writes_it(value: object) -> None:
    assert json_text(value) == json.dumps(value)
