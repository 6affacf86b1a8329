"""What people and models wrote may stand in any page."""

from __future__ import annotations

import pytest

from core.markdown import HIGHLIGHT_LIMIT, document, render


def test_lists_tables_and_emphasis_are_rendered() -> None:
    html = render("1. one\n2. *two*\n\n| a | b |\n| - | -: |\n| 1 | 2 |\n")
    assert "<ol" in html
    assert "<em>two</em>" in html
    assert '<td dir="auto" align="right">2</td>' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick='x()'>b</b>",
        "```html\n<script>alert(1)</script>\n```",
        "`<script>`",
        "<!-- <script> -->",
        "<style>body{display:none}</style>",
    ],
)
def test_raw_html_stays_text(text: str) -> None:
    html = render(text)
    for tag in ("<script", "<img", "<b ", "<style", "<!--"):
        assert tag not in html
    assert "&lt;" in html


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x"]
)
def test_a_link_cannot_run_anything(address: str) -> None:
    assert "href" not in render(f"[press]({address})")
    assert "href" not in render(f"<{address}>")


@pytest.mark.parametrize("address", ["/people/", "//elsewhere.example", "#main", "page.html"])
def test_a_relative_link_leads_nowhere(address: str) -> None:
    html = render(f"[press]({address})")
    assert "href" not in html
    assert "press" in html


def test_a_link_opens_elsewhere_and_tells_nothing() -> None:
    html = render("[help](https://example.org/a?b=1&c=2)")
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_a_picture_becomes_a_link_so_that_nothing_is_fetched() -> None:
    html = render('![a "chart"](https://example.org/c.png)')
    assert "<img" not in html
    assert 'href="https://example.org/c.png"' in html
    assert 'a "chart"' in html


def test_a_picture_without_an_address_outside_is_its_words() -> None:
    assert "href" not in render("![chart](/own/c.png)")
    assert "chart" in render("![chart](data:image/png;base64,AAAA)")


def test_code_is_highlighted_by_class_names() -> None:
    html = render("```python\ndef f():\n    return 1\n```")
    assert '<span class="k">def</span>' in html
    assert "style=" not in html


def test_code_of_an_unknown_language_is_shown_plainly() -> None:
    html = render('```nonsense"onload=x\na < b\n```')
    assert "<code>a &lt; b\n</code>" in html


def test_very_long_code_is_not_highlighted() -> None:
    html = render("```python\n" + "x = 1\n" * (HIGHLIGHT_LIMIT // 6 + 1) + "```")
    assert "<span" not in html


def test_code_can_be_scrolled_from_the_keyboard_and_reads_left_to_right() -> None:
    assert '<pre class="code" tabindex="0" dir="ltr">' in render("    indented")


@pytest.mark.parametrize("text", ["שלום", "مرحبا", "你好", "नमस्ते", "plain"])
def test_any_script_finds_its_own_direction(text: str) -> None:
    assert render(text) == f'<p dir="auto">{text}</p>\n'


def test_line_breaks_of_a_plain_text_are_kept() -> None:
    assert "<br>" in render("first\nsecond")


def test_an_empty_text_renders_to_nothing() -> None:
    assert render("") == ""


@pytest.mark.parametrize("text", [">" * 3000, "[" * 3000, "*a " * 3000, "- " * 3000])
def test_deeply_nested_text_is_answered(text: str) -> None:
    assert isinstance(render(text), str)


def test_a_document_of_ours_has_anchors_and_links_within_itself() -> None:
    found = document("# Title\n\n## Cohen's kappa\n\n[see](#cohens-kappa) [out](/people/)\n")
    assert [(one.level, one.name, one.anchor) for one in found.sections] == [
        (2, "Cohen's kappa", "cohens-kappa")
    ]
    assert 'id="cohens-kappa"' in found.html
    assert 'href="#cohens-kappa"' in found.html
    assert "Title" not in found.html
    assert "/people/" not in found.html


def test_a_document_of_ours_is_cleaned_like_any_other() -> None:
    html = document("## A\n\n<script>x()</script> [press](javascript:x())\n").html
    assert "<script" not in html
    assert "href" not in html


def test_what_people_wrote_gets_no_anchor_to_aim_at() -> None:
    assert "id=" not in render("## Main\n\n[press](#main)\n")
