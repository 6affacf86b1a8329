"""A response without its markup: the same words, no Markdown and no HTML."""

from __future__ import annotations

import re

_MOST_ROUNDS = 40
"""Nested deeper than that it is no markup that anybody wrote."""
_MAY_HOLD = re.compile(r"[*_`~#<>\[\]|]|^\s{0,8}(?:[-+]|\d{1,3}[.)])\s", re.MULTILINE)
_TAGS = (
    "a|b|blockquote|br|code|del|div|em|h[1-6]|hr|i|img|li|ol|p|pre|s|span|strong|sub|sup|table|"
    "tbody|td|th|thead|tr|u|ul"
)
_LINES = (
    # Fences, rules and the line below a table's head go as a whole.
    (re.compile(r"^[ \t]*(?:```|~~~)[^\n`]*$\n?", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(?:[-*_][ \t]*){3,}$\n?", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*\|?(?:[ \t]*:?-{2,}:?[ \t]*\|)+[ \t]*(?::?-{2,}:?)?[ \t]*$\n?",
                re.MULTILINE), ""),
    (re.compile(r"^[ \t]*#{1,6}[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^(?:[ \t]*>)+[ \t]?", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+", re.MULTILINE), ""),
)  # fmt: skip
_ROW = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
_SPANS = (
    (re.compile(r"<br\s*/?>", re.IGNORECASE), "\n"),
    (re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE), ""),
    (re.compile(r"!?\[([^\[\]\n]+)\]\([^()\s]*\)"), r"\1"),
    (re.compile(r"(?<!`)`++([^`\n]++)`++"), r"\1"),
    (re.compile(r"~~(?=\S)([^~\n]+?)(?<=\S)~~"), r"\1"),
    (re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*\n]+?)(?<=[^\s*])\1(?![\w*])"), r"\2"),
    (re.compile(r"(?<![\w_])(_{1,3})(?=[^\s_])([^\n]{1,300}?)(?<=[^\s_])\1(?![\w_])"), r"\2"),
)


def plain(text: str) -> str:
    """The text without headings, lists, quotes, tables, emphasis, code marks, links and tags.

    A text without any stays as it is, and what comes out has none left: a second pass changes
    nothing. White space at both ends goes with the markup.
    """
    for _ in range(_MOST_ROUNDS):
        if not _MAY_HOLD.search(text):
            return text
        found = _once(text)
        if found == text:
            return text
        text = found.strip()
    return text


def _once(text: str) -> str:
    for pattern, instead in _LINES:
        text = pattern.sub(instead, text)
    text = _ROW.sub(_cells, text)
    for pattern, instead in _SPANS:
        text = pattern.sub(instead, text)
    return text


def _cells(row: re.Match[str]) -> str:
    return ", ".join(cell.strip() for cell in row[1].split("|"))
