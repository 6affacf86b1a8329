"""How the forms of this room answer."""

from __future__ import annotations

from typing import Any

from core.errors import DomainError

PAGE = ("GET", "HEAD", "POST")


def status_of(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


def add_errors(form: Any, refusal: DomainError) -> None:
    """Put a service's refusal where it can be mended."""
    known = {name: texts for name, texts in refusal.fields.items() if name in form.fields}
    if not known:
        form.add_error(None, refusal.sentence)
    for name, texts in known.items():
        form.add_error(name, texts)
