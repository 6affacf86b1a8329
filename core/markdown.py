"""Prompts, responses and guidelines as safe HTML.

What people and models wrote is never trusted: raw HTML stays text, images become links (a picture
could tell its server who is rating), and the result is cleaned once more by an allow-list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

BLOCKS = (
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "blockquote",
    "table",
    "th",
    "td",
)
TAGS = {
    *BLOCKS,
    "thead",
    "tbody",
    "tr",
    "pre",
    "code",
    "span",
    "em",
    "strong",
    "s",
    "a",
    "br",
    "hr",
}
ATTRIBUTES = {
    **{tag: {"dir"} for tag in BLOCKS},
    "ol": {"dir", "start"},
    "th": {"dir", "align"},
    "td": {"dir", "align"},
    "a": {"href", "class", "target"},
    "pre": {"class", "tabindex", "dir"},
    "code": {"class"},
    "span": {"class"},
}
HEADINGS = ("h2", "h3", "h4")
OWN_ATTRIBUTES = {
    **ATTRIBUTES,
    **{tag: ATTRIBUTES[tag] | {"id"} for tag in HEADINGS},
    "table": {"dir", "tabindex"},
}
OURS = "ours"
LINK_REL = "noopener noreferrer nofollow"
OUTSIDE = ("http://", "https://", "mailto:")
HIGHLIGHT_LIMIT = 40_000
_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True)


def render(text: str) -> SafeString:
    """Markdown (CommonMark and tables) to HTML that may stand in any page.

    Code is highlighted by class names; every block finds its own direction, so that right-to-left
    scripts read as they should.
    """
    return mark_safe(_rendered(text))  # noqa: S308 - cleaned by the allow-list below


@lru_cache(maxsize=512)
def _rendered(text: str) -> str:
    return _clean(_parser().render(text), ATTRIBUTES)


def _clean(html: str, attributes: dict[str, set[str]]) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=attributes,
        url_schemes={"http", "https", "mailto"},
        link_rel=LINK_REL,
    )


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a document: its level (2-4), its words, and the anchor that links name."""

    level: int
    name: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Document:
    """One of our own documents: `html` without its title, and its headings in order."""

    html: SafeString
    sections: tuple[Section, ...]


def document(text: str) -> Document:
    """A document of ours, rendered and cleaned as all Markdown; its headings can be linked to."""
    parser, env = _parser(), {OURS: True}
    tokens = _without_title(parser.parse(text, env))
    sections = tuple(_anchored(tokens))
    html = _clean(parser.renderer.render(tokens, parser.options, env), OWN_ATTRIBUTES)
    return Document(mark_safe(html), sections)  # noqa: S308 - cleaned by the allow-list


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as code hosts make it: `Cohen's kappa` has `cohens-kappa`."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _without_title(tokens: list[Token]) -> list[Token]:
    is_titled = bool(tokens) and tokens[0].tag == "h1"
    return tokens[3:] if is_titled else tokens


def _anchored(tokens: list[Token]) -> Iterator[Section]:
    for token, words in pairwise(tokens):
        if token.type == "heading_open" and token.tag in HEADINGS:
            section = Section(int(token.tag[1]), words.content, anchor_of(words.content))
            token.attrSet("id", section.anchor)
            yield section
        elif token.type == "table_open":
            token.attrSet("tabindex", "0")  # a wide one is scrolled by keyboard


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("fence", _code_block)
    parser.add_render_rule("code_block", _code_block)
    parser.add_render_rule("image", _picture_as_link)
    parser.core.ruler.push("manners", _mind_manners)
    return parser


def _mind_manners(state: Any) -> None:
    """Give each block its own direction, open links elsewhere, and align cells without a style."""
    for token in state.tokens:
        if token.nesting == 1 and token.tag in BLOCKS:
            token.attrSet("dir", "auto")
            _align(token)
        for child in token.children or ():
            if child.type == "link_open":
                _lead_elsewhere(child, keeps_anchors=OURS in state.env)


def _lead_elsewhere(link: Token, *, keeps_anchors: bool) -> None:
    """Only whole addresses are followed: a relative one would lead into our own pages.

    In a document of ours, links to its own headings are kept.
    """
    address = str(link.attrs.get("href", ""))
    if address.lower().startswith(OUTSIDE):
        link.attrSet("target", "_blank")
    elif not (keeps_anchors and address.startswith("#")):
        link.attrs.pop("href", None)


def _align(token: Token) -> None:
    style = token.attrs.pop("style", "")
    if isinstance(style, str) and style.startswith("text-align:"):
        token.attrSet("align", style.removeprefix("text-align:"))


def _code_block(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
    shown = _highlighted(token.content, language)
    return f'<pre class="code" tabindex="0" dir="ltr"><code>{shown}</code></pre>\n'


def _highlighted(code: str, language: str) -> str:
    """Spans by class when Pygments knows the language; else, and for very long code, plain text."""
    if language and len(code) <= HIGHLIGHT_LIMIT:
        try:
            lexer = get_lexer_by_name(language, stripnl=False)
        except ClassNotFound:
            return escape(code)
        return str(highlight(code, lexer, _FORMATTER))
    return escape(code)


def _picture_as_link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    address = str(token.attrs.get("src", ""))
    words = escape(token.content or "picture")
    if not address.lower().startswith(OUTSIDE):
        return words
    return f'<a class="picture-link" target="_blank" href="{escape(address)}">{words}</a>'
