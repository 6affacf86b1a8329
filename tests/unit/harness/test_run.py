from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.run import Outcome, _counts

REPORT = (
    '<testsuites><testsuite tests="10" failures="2" errors="1" skipped="3">'
    "</testsuite></testsuites>"
)


def test_errors_count_as_failed_and_skipped_tests_as_neither(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    assert _counts(report) == (4, 3, 3)


def test_a_phase_that_could_not_run_holds_at_home_and_fails_under_ci(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = Outcome("browser", absent="There is no browser.")
    monkeypatch.delenv("CI", raising=False)
    assert absent.holds
    monkeypatch.setenv("CI", "true")
    assert not absent.holds
