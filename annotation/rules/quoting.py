"""Whether something that is kept quotes a text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

LEAST_CHARS = 12
"""A shorter text stands somewhere by accident: of such a one only the whole of it is a quote."""


def texts_of(body: object) -> frozenset[str]:
    """Every text in the body of an item, its role names left out."""
    found = (_plain(text) for text in _texts(body))
    return frozenset(text for text in found if text)


def quotes(kept: object, texts: Collection[str]) -> bool:
    """Whether any text that is kept is one of these, or holds it."""
    return any(_is_quoted(text, _plain(one)) for one in _texts(kept) for text in texts)


def _is_quoted(text: str, kept: str) -> bool:
    return text == kept or (len(text) >= LEAST_CHARS and text in kept)


def _plain(text: str) -> str:
    """As it is whatever a browser or a form did to its spaces."""
    return " ".join(text.split())


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key != "role":
                yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
