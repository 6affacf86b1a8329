"""The page that says what each figure means, and the ways to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.template import Context, Template
from django.test import Client

from core import documents
from core.errors import NotHere
from tests.cast import Cast, ClientFor

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

PAGE = "/help/statistics/"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ana", "lea", "olu"])
def test_anybody_with_an_account_reads_what_figures_mean(
    cast: Cast, client_for: ClientFor, name: str
) -> None:
    answer = client_for(getattr(cast, name)).get(PAGE)
    assert answer.status_code == 200
    assert "Which number should I look at?" in answer.content.decode()


def test_without_an_account_one_signs_in_first(client: Client) -> None:
    assert client.get(PAGE)["Location"] == f"/sign-in/?next={PAGE}"


@pytest.mark.django_db
def test_every_entry_of_the_contents_leads_to_a_heading_of_the_page(
    cast: Cast, client_for: ClientFor
) -> None:
    html = client_for(cast.ana).get(PAGE).content.decode()
    contents = html.partition('<nav class="contents"')[2].partition("</nav>")[0]
    named = re.findall(r'href="#([^"]+)"', contents)
    headings = re.findall(r'<h[23] dir="auto" id="([^"]+)"', html)
    assert len(headings) > 40
    assert sorted(named) == sorted(headings)


def test_a_figures_name_is_a_link_to_its_section() -> None:
    html = Template('{% explained name "recall" %}').render(Context({"name": "a & b"}))
    assert html == f'<a class="explained" href="{PAGE}#recall">a &amp; b</a>'


@pytest.mark.urls("core.urls")
def test_without_the_page_a_figures_name_stays_a_name() -> None:
    assert Template('{% explained name "recall" %}').render(Context({"name": "<b>"})) == "&lt;b&gt;"


def test_a_changed_document_is_read_anew(tmp_path: Path, settings: Settings) -> None:
    settings.BASE_DIR = tmp_path
    file = tmp_path / "docs" / "one.md"
    file.parent.mkdir()
    for words in ("first", "and second"):
        file.write_text(f"# Title\n\n{words}\n", encoding="utf-8")
        assert words in documents.read("one.md").html


def test_a_document_that_was_left_out_is_not_there() -> None:
    with pytest.raises(NotHere, match="without its documents"):
        documents.read("no-such.md")
