"""Every variable that is read is on the settings page, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("config", "core", "accounts", "annotation", "judges", "calibration", "scripts", "tests")
DIRECT = re.compile(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"(?!\] =)")
# Other people's, and what the tests tell their own processes.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER", "PLUMBLINE_TEST_FOLDER"}
READERS = {"text", "flag", "number", "listed", "key"}


def read_by_settings() -> set[str]:
    """The names in every `env.reader("NAME", …)` of config/settings.py."""
    tree = ast.parse((ROOT / "config" / "settings.py").read_text(encoding="utf-8"))
    return {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.func.attr in READERS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def read_directly() -> set[str]:
    """The names that other files of ours take from the environment, and the scripts' PYTHON."""
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    found = {name for file in files for name in DIRECT.findall(file.read_text(encoding="utf-8"))}
    shell = (ROOT / "scripts" / "setup").read_text(encoding="utf-8")
    return (found | set(re.findall(r"\$\{([A-Z_]+):-", shell))) - NOT_OURS


def on_the_page() -> set[str]:
    """The names in the first column of the page's tables."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))


def test_the_settings_page_names_what_is_read_and_nothing_else() -> None:
    assert read_by_settings()
    assert on_the_page() == read_by_settings() | read_directly()


def test_names_outside_the_settings_are_found() -> None:
    assert {"HOST_ADDRESS", "PLUMBLINE_TICK", "PLUMBLINE_CHROMIUM", "PYTHON"} <= read_directly()
