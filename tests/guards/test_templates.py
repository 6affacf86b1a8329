"""Templates keep to the strict Content-Security-Policy and to their names."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
FILES = sorted(FOLDER.rglob("*.html"))
NAMES = [str(file.relative_to(FOLDER)) for file in FILES]

WHOLE_WITHOUT_BASE = {
    "base.html": "the base itself",
    "500.html": "stands when nothing else does",
    "drf_spectacular/swagger_ui.html": "drawn by Swagger UI, which brings its own page",
}

FORBIDDEN = {
    "a script in the page": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "a style sheet in the page": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "an hx-on attribute": re.compile(r"\bhx-on\b", re.IGNORECASE),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript address": re.compile(r"javascript:", re.IGNORECASE),
    "an htmx value that is a script": re.compile(
        r"hx-(?:vals|vars|headers)=[\"']js:", re.IGNORECASE
    ),
    "a condition that htmx would evaluate": re.compile(r"hx-trigger=\"[^\"]*\[", re.IGNORECASE),
    "something from another server": re.compile(r"(?:src|href)=\"(?:https?:)?//", re.IGNORECASE),
}
PLANTED = {
    "a script in the page": "<script>alert(1)</script>",
    "a style sheet in the page": "<style>b{}</style>",
    "a style attribute": '<p class="a" style="color: red">',
    "an hx-on attribute": '<b hx-on:click="x()">',
    "an event attribute": '<b onclick="x()">',
    "a javascript address": '<a href="javascript:x()">',
    "an htmx value that is a script": "<b hx-vals='js:{a: b()}'>",
    "a condition that htmx would evaluate": '<b hx-trigger="click[x]">',
    "something from another server": '<img src="https://elsewhere.example/a.png">',
}


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_template_holds_nothing_that_the_policy_refuses(name: str) -> None:
    found = [what for what, pattern in FORBIDDEN.items() if pattern.search(text_of(name))]
    assert not found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_guard_sees_what_it_guards_against(what: str) -> None:
    assert FORBIDDEN[what].search(PLANTED[what])


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("components/")])
def test_pages_extend_the_base_and_fragments_begin_with_an_underscore(name: str) -> None:
    is_whole = "{% extends" in text_of(name) or name in WHOLE_WITHOUT_BASE
    assert is_whole != Path(name).name.startswith("_")


SOURCES = [
    file
    for room in ("config", "core", "accounts", "annotation", "judges", "calibration")
    for file in sorted((ROOT / room).rglob("*.py"))
]


def fragments_that_views_answer_with() -> list[str]:
    found = re.compile(r"fragment=\s*\"([\w/]+\.html)\"")
    return sorted({name for file in SOURCES for name in found.findall(file.read_text("utf-8"))})


@pytest.mark.parametrize("name", fragments_that_views_answer_with())
def test_a_fragment_has_a_root_with_an_id(name: str) -> None:
    markup = re.sub(r"{#.*?#}|{%.*?%}", "", text_of(name), flags=re.DOTALL).lstrip()
    root = re.match(r"<\w+[^>]*>", markup)
    assert root is not None
    assert re.search(r"\sid=\"", root.group(0))


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles(name: str) -> None:
    get_template(name)  # raises when it does not


# What libraries ask for by a name of their own.
BY_LIBRARIES = {
    *("400.html", "403.html", "403_csrf.html", "404.html", "500.html"),
    *("registration/login.html", "drf_spectacular/swagger_ui.html"),
}


@pytest.mark.parametrize("name", sorted({*NAMES} - BY_LIBRARIES))
def test_a_template_is_named_by_a_view_or_another_template(name: str) -> None:
    written = [text_of(other) for other in NAMES if other != name]
    written += [file.read_text("utf-8") for file in SOURCES]
    assert any(f'"{name}"' in text for text in written)


# What people write: the last names of an expression.
WRITTEN = re.compile(
    r"(?:^|\.)(?:(?:project|dataset|guideline|round|dimension|spec|rater|judge|upload)\.name"
    r"|title|external_id|what_changed|question|anchor|why|(?<!agreement\.)reason|rationale|shown_name|actor_name"
    r"|plan\.file|row\.file|system|skip_reason)$"
)
OURS = {
    "components/": "the words of the page that includes them",
    "annotation/exports.html": "tables are named in the code",
    "annotation/_import_fields.html": "groups of fields are named in the code",
    "calibration/policy.html": "constants are named in the code",
    "annotation/_slot.html": "what is said between two items stands in the code",
    "annotation/_pass_by.html": "the reasons to choose from stand in the code",
}
NEVER_CLOSED = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta"})
PLAIN_TEXT = frozenset({"title", "option", "textarea", "template"})


class Undirected(HTMLParser):
    """Collects what people wrote that no element around it gives a direction of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in NEVER_CLOSED:
            is_safe = tag == "bdi" or tag in PLAIN_TEXT or ("dir", "auto") in attrs
            self.open.append((tag, is_safe))

    def handle_endtag(self, tag: str) -> None:
        places = [place for place, (name, _) in enumerate(self.open) if name == tag]
        if places:
            del self.open[places[-1] :]

    def handle_data(self, data: str) -> None:
        if not any(is_safe for _, is_safe in self.open):
            for said in re.findall(r"{{\s*([\w.]+)(\|[^}]*)?\s*}}", data):
                if WRITTEN.search(said[0]) and "markdown" not in said[1]:
                    self.found.append(said[0])


def undirected(markup: str) -> list[str]:
    parser = Undirected()
    titles = r"{%\s*block title\s*%}.*?{%\s*endblock\s*%}"
    parser.feed(re.sub(titles + r"|{#.*?#}|{%.*?%}", "", markup, flags=re.DOTALL))
    return parser.found


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(tuple(OURS))])
def test_what_people_wrote_finds_its_own_direction(name: str) -> None:
    assert undirected(text_of(name)) == [], 'put it in <bdi>, or in an element with dir="auto"'


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<p>Open {{ round.name }} now</p>", ["round.name"]),
        ("<p>Open <bdi>{{ round.name }}</bdi> now</p>", []),
        ('<h3 dir="auto">{{ example.title|truncatechars:9 }}</h3>', []),
        ("<li>{{ example.title|truncatechars:9 }}</li>", ["example.title"]),
        ('<a title="{{ example.title }}">x</a>{% block title %}{{ x.name }}{% endblock %}', []),
    ],
)
def test_the_guard_sees_text_without_a_direction(markup: str, found: list[str]) -> None:
    assert undirected(markup) == found
