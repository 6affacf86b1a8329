"""What the import contracts cannot see: rows reached from views, hidden writes, heavy starts."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("accounts", "annotation", "judges", "calibration")
HEAVY = ("anthropic", "numpy", "sklearn", "scipy", "krippendorff", "genai_prices", "pyarrow")
OF_THE_WEB = (
    "config.urls",
    "rest_framework.fields",
    "drf_spectacular.plumbing",
    "core.charts",
    "judges.simulator.server",
)
WORKER = (
    "from config.celery import app\nimport django\ndjango.setup()\n"
    "app.loader.import_default_modules()"
)


def sources(*rooms: str) -> list[Path]:
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]
    return [file for file in files if "migrations" not in file.parts]


def named(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


VIEWS = [
    file
    for file in sources(*ROOMS)
    if file.name == "views.py" or {"views", "api"} & set(file.relative_to(ROOT).parts)
]
MODELS = [
    file
    for file in sources("core", *ROOMS)
    if file.name == "models.py" or "models" in file.relative_to(ROOT).parts
]


@pytest.mark.parametrize("file", VIEWS, ids=named(VIEWS))
def test_a_view_reaches_rows_through_access_and_queries_only(file: Path) -> None:
    assert not re.search(r"\.objects\b|get_object_or_404", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", MODELS, ids=named(MODELS))
def test_a_model_hides_no_write(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    hidden = {"save", "delete", "asave", "adelete", "full_clean"}
    found = [
        f"{owner.name}.{part.name}"
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for part in owner.body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name in hidden
    ]
    assert not found


@pytest.mark.parametrize("file", sources("core", *ROOMS), ids=named(sources("core", *ROOMS)))
def test_nothing_happens_by_signal(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"models\.signals|dispatch import receiver|@receiver", text)


def started(code: str, folder: Path, *, looked_for: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of some libraries a fresh process has loaded after `code`."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("COV")},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PLUMBLINE_DATA": str(folder),
        "PLUMBLINE_SECRET_KEY": "only-for-tests-and-never-for-anything-else-0123456789",
    }
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(done.stdout.split()) & set(looked_for)


def test_the_house_starts_without_the_heavy_libraries(tmp_path: Path) -> None:
    assert started("import django\ndjango.setup()\nimport config.urls", tmp_path) == set()


def test_a_worker_starts_without_what_only_pages_and_the_api_need(tmp_path: Path) -> None:
    unwanted = (*HEAVY, *OF_THE_WEB, "psycopg")
    assert started(WORKER, tmp_path, looked_for=unwanted) == set()


def test_a_worker_on_postgresql_starts_without_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert started(WORKER, tmp_path, looked_for=("psycopg", "_sqlite3")) == {"psycopg"}


def test_the_guard_would_see_what_only_pages_need(tmp_path: Path) -> None:
    pages = f"{WORKER}\nimport config.urls"
    assert started(pages, tmp_path, looked_for=OF_THE_WEB) == set(OF_THE_WEB)


def test_the_guard_would_see_a_heavy_library(tmp_path: Path) -> None:
    assert "scipy" in started("import scipy", tmp_path)
