"""What every figure answers, how it is made, and where it misleads: docs/statistics.md."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.doors import PersonRequest, signed_in
from core import documents
from core.http import page
from core.markdown import Document, Section


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the document and the figures in it, for the table of contents."""

    head: Section
    figures: list[Section] = field(default_factory=list)


@signed_in
@require_safe
def statistics(request: PersonRequest) -> HttpResponse:
    """The document with its table of contents."""
    document = documents.read("statistics.md")
    context = {"document": document, "parts": _parts(document)}
    return page(request, "calibration/statistics.html", context)


def _parts(document: Document) -> list[Part]:
    parts: list[Part] = []
    for section in document.sections:
        if section.level == 2:
            parts.append(Part(section))
        elif section.level == 3 and parts:
            parts[-1].figures.append(section)
    return parts
