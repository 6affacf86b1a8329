"""Every figure that a page or a command shows is explained in docs/statistics.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from calibration.rules import gatewords
from core import markdown

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAINTERS = [
    *sorted((ROOT / "calibration" / "queries").rglob("*.py")),
    ROOT / "calibration" / "rules" / "biaswords.py",
    ROOT / "judges" / "rules" / "probes.py",
]
PLAINTEXT = "".join(
    (ROOT / "calibration" / "rules" / name).read_text(encoding="utf-8")
    for name in ("plaintext.py", "comparisontext.py")
)
SECTIONS = markdown.document(TEXT).sections
ANCHORS = [section.anchor for section in SECTIONS]
FIGURES = [section for section in SECTIONS if section.level == 3]
IN_COMMANDS = "- **In commands**: "
"""A line of a section that names the figure as the commands write it."""


def linked_from_templates() -> set[str]:
    """The sections that the tag names outright."""
    tag = re.compile(r"{% explained (?:\"[^\"]+\"|[\w.]+) \"([^\"]+)\"")
    return {name for file in TEMPLATES for name in tag.findall(file.read_text("utf-8"))}


def linked_from_lines() -> set[str]:
    """The sections of a report's lines: a figure's third argument, a check's third entry."""
    written = {word for file in PAINTERS for word in _words(file.read_text("utf-8"))}
    checks = {fixed[2] for fixed in gatewords._FIXED.values()}
    return (written & set(ANCHORS)) | checks | {pattern[2] for pattern in gatewords._PATTERNS}


def _words(source: str) -> list[str]:
    return re.findall(r"\"([a-z0-9-]+)\"", source)


def written_by_commands() -> set[str]:
    """The names of the lines that the commands print, up to what is filled in."""
    lines = re.findall(r"_line\(\s*f?\"\s*([^\"{]+?)\s*(?:{[^\"]*)?\"", PLAINTEXT)
    return {name.strip() for name in lines}


def named_for_commands() -> set[str]:
    lines = [line for line in TEXT.splitlines() if line.startswith(IN_COMMANDS)]
    return {name for line in lines for name in re.findall(r"`([^`]+)`", line)}


def test_no_two_headings_have_one_anchor() -> None:
    assert not [anchor for anchor, times in Counter(ANCHORS).items() if times > 1]


def test_every_link_of_a_page_leads_to_a_section() -> None:
    linked = linked_from_templates() | linked_from_lines()
    assert len(linked) > 30
    assert linked <= set(ANCHORS)


def test_every_name_that_the_tag_shows_is_given_a_section() -> None:
    tag = re.compile(r"{% explained [^%]*%}")
    tags = [found for file in TEMPLATES for found in tag.findall(file.read_text("utf-8"))]
    known = re.compile(r"{% explained (?:\"[^\"]+\"|[\w.]+) (?:\"[a-z0-9-]+\"|line\.section)")
    assert tags
    assert not [found for found in tags if not known.match(found)]


def test_every_link_inside_the_document_leads_to_a_heading() -> None:
    named = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert named
    assert named <= set(ANCHORS)


def test_every_section_about_a_figure_is_linked_from_a_page_or_named_as_commands_write_it() -> None:
    linked = linked_from_templates() | linked_from_lines()
    by_name = dict(zip(_names(TEXT), _bodies(TEXT), strict=True))
    alone = [
        figure.name
        for figure in FIGURES
        if figure.anchor not in linked and IN_COMMANDS not in by_name[figure.name]
    ]
    assert not alone


def test_every_line_of_the_commands_has_a_section() -> None:
    lines = written_by_commands()
    assert {"pairwise agreement", "recall of", "S2, without ties"} <= lines
    assert not sorted(lines - named_for_commands())


def test_what_the_document_calls_a_line_of_a_command_is_one() -> None:
    checks = set(gatewords._FIXED) | {"reference items"}
    unknown = [
        name for name in named_for_commands() if name not in checks and name not in PLAINTEXT
    ]
    assert not unknown


def test_every_section_about_a_figure_says_more_than_its_name() -> None:
    assert not [
        name for name, body in zip(_names(TEXT), _bodies(TEXT), strict=True) if len(body) < 150
    ]


def _names(text: str) -> list[str]:
    return re.findall(r"^### (.+)$", text, re.MULTILINE)


def _bodies(text: str) -> list[str]:
    """What stands below each third-level heading, up to the next heading of any level."""
    parts = re.split(r"^(#{1,4}) (.+)$", text, flags=re.MULTILINE)
    return [body for level, body in zip(parts[1::3], parts[3::3], strict=True) if level == "###"]
