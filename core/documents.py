"""Documents of ours that pages show: read from docs/, rendered once for a state of the file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from core import markdown
from core.errors import NotHere
from core.markdown import Document


def read(name: str) -> Document:
    """A document of `docs/`. Raises NotHere where the installation left it out."""
    path = Path(settings.BASE_DIR) / "docs" / name
    try:
        changed_at = path.stat().st_mtime_ns
    except OSError as error:
        raise NotHere("This installation came without its documents.") from error
    return _rendered(path, changed_at)


@lru_cache(maxsize=8)
def _rendered(path: Path, changed_at: int) -> Document:
    return markdown.document(path.read_text(encoding="utf-8"))
