from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

Write = Callable[[str, str], str]
Answer = Callable[..., dict[str, Any]]
Refusal = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and answer its path."""

    def written(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


@pytest.fixture
def answer() -> Answer:
    """Run a command with --json in this process and read what it prints."""

    def answered(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        call_command(*arguments, "--json", stdout=out)
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    return answered


@pytest.fixture
def refusal() -> Refusal:
    """Run a command that must end with status 2, and answer its sentence."""

    def refused(*arguments: str) -> str:
        with pytest.raises(CommandError) as caught:
            call_command(*arguments, stdout=StringIO())
        assert caught.value.returncode == 2
        return str(caught.value)

    return refused
