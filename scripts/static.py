"""What `make static` does: every check that needs no test run, all of them, then the verdict."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MANAGE = [sys.executable, "manage.py"]
SCHEMA = ROOT / "openapi.yaml"
ROOMS = ("core", "accounts", "annotation", "judges", "calibration")
# The first migration makes new tables: its NOT NULL columns meet no rows.
# SQLite copies a table for every change, which looks to the linter as if each of its columns were
# new: tests/guards/test_migrations.py asks for the default instead.
NEW_UNIQUE = (
    "0002_audit_chain", "0002_money", "0002_people", "0003_keys", "0003_sessions", "0004_probes",
    "0004_withdrawals_and_corrections", "0005_editor", "0005_gold_and_qualification",
    "0006_batches", "0007_policies_and_standing",
    "0008_adjudication", "0004_reference_figures", "0005_reviews", "0008_wording_probes",
    "0011_lean_indexes", "0012_kept_slots",
)  # fmt: skip
"""Migrations whose unique constraints are on tables that they make themselves, on columns that are
new and empty, on rows that no version before wrote (runs of the playground), or were there before
(SQLite copies the table for a CHECK, or to drop the index of a foreign key)."""
# A column may still be dropped as long as no version is out that would run beside the change.
LINT = (
    "--exclude-migration-tests", "NOT_NULL",
    "--project-root-path", ".", "--no-cache", "--ignore-initial-migrations",
    "--ignore-name", "0007_pending_imports", *NEW_UNIQUE,
    "--quiet", "ok", "ignore", "--include-apps", *ROOMS,
)  # fmt: skip
PRODUCTION = {
    "DATABASE_URL": "postgresql://plumbline@127.0.0.1:5432/plumbline",
    "BROKER_URL": "redis://127.0.0.1:6379/0",
    "PLUMBLINE_HTTPS": "1",
    "PLUMBLINE_HOSTS": "plumbline.example",
    "PLUMBLINE_ORIGINS": "https://plumbline.example",
    "PLUMBLINE_SECRET_KEY": "k3Jq-only-to-check-the-deployment-settings-9fZ2xW7vLr",
}


def steps(folder: Path) -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, command line and extra environment of each check; `folder` is for scratch files."""
    ruff = [sys.executable, "-m", "ruff"]
    embedded = {"PLUMBLINE_DATA": str(folder)}
    schema = ["spectacular", "--validate", "--fail-on-warn", "--file", str(folder / "openapi.yaml")]
    linting = embedded | {
        "DJANGO_SETTINGS_MODULE": "tests.settings_lint",
        "PLUMBLINE_TEST_FOLDER": str(folder),
        "PLUMBLINE_LOG_LEVEL": "WARNING",
    }
    return [
        ("style", [*ruff, "check", "."], {}),
        ("format", [*ruff, "format", "--check", "."], {}),
        ("types", [sys.executable, "-m", "mypy", "."], embedded),
        ("import contracts", [str(Path(sys.executable).parent / "lint-imports")], embedded),
        ("models and migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"], embedded),
        ("migrations are safe", [*MANAGE, "lintmigrations", *LINT], linting),
        ("API schema", [*MANAGE, *schema], embedded),
        (
            "deployment settings",
            [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
            embedded | PRODUCTION,
        ),
    ]


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory(prefix="plumbline-static-") as name:
        folder = Path(name)
        for title, command, extra in steps(folder):
            print(f"--- {title}", flush=True)
            done = subprocess.run(command, cwd=ROOT, env={**_clean(), **extra}, check=False)
            if done.returncode != 0:
                failed.append(title)
        if "API schema" not in failed and not _schema_is_kept(folder / "openapi.yaml"):
            failed.append("API schema")
    print(f"--- {'all checks hold' if not failed else 'FAILED: ' + ', '.join(failed)}", flush=True)
    return 1 if failed else 0


def _clean() -> dict[str, str]:
    """The environment without a server that someone happens to use."""
    return {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "BROKER_URL"}}


def _schema_is_kept(fresh: Path) -> bool:
    """Whether the committed description of the API, if any, is the one that the code gives."""
    if not SCHEMA.exists():
        print("There is no openapi.yaml to compare with: `make schema` writes it.")
        return True
    if SCHEMA.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"):
        return True
    print("openapi.yaml is not what the code says: run `make schema` and look at the difference.")
    return False


if __name__ == "__main__":
    raise SystemExit(main())
