"""The deployment as files: what docker-compose.yml and the Dockerfile promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("postgres", "redis", "web", "worker", "beat")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")
FROM_ENVIRONMENT = re.compile(r"\$\{[A-Z_]+(:\?[^}]*|:-)\}")
URL_WITH_PASSWORD = re.compile(r"://[^/@:]+:([^@]+)@")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("name", SERVICES)
def test_every_lasting_service_has_a_health_check_and_comes_back(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["restart"] == "unless-stopped"


def test_the_three_processes_share_one_image_and_wait_for_the_migration(
    compose: dict[str, Any],
) -> None:
    processes = [compose["services"][name] for name in ("web", "worker", "beat")]
    assert len({service["image"] for service in processes}) == 1
    for service in processes:
        assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert service["depends_on"]["redis"]["condition"] == "service_healthy"


def test_no_secret_is_written_in_the_compose_file(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if SECRET_NAME.search(key):
                assert FROM_ENVIRONMENT.fullmatch(str(value)), f"{name}: {key}"
            for password in URL_WITH_PASSWORD.findall(str(value)):
                assert FROM_ENVIRONMENT.fullmatch(password), f"{name}: {key}"


def test_a_missing_secret_stops_compose_with_a_sentence(compose: dict[str, Any]) -> None:
    environment = compose["services"]["web"]["environment"]
    assert ":?" in environment["PLUMBLINE_SECRET_KEY"]
    assert ":?" in environment["DATABASE_URL"]


def test_the_image_holds_the_document_that_a_page_shows() -> None:
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "!docs/statistics.md" in kept
    assert (ROOT / "docs" / "statistics.md").is_file()


def test_volumes_that_services_use_are_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose["volumes"]


def test_databases_are_reachable_inside_only_and_the_web_on_this_machine_only(
    compose: dict[str, Any],
) -> None:
    with_ports = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}
    assert list(with_ports) == ["web"]
    assert all(str(port).startswith("127.0.0.1:") for port in with_ports["web"])


def test_the_image_runs_as_an_ordinary_user_and_checks_its_health() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in {"root", "0"}
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert sum(line.startswith("FROM ") for line in lines) == 2


def test_the_image_takes_only_what_is_named() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert not kept & {".env", "data", ".git", "tests"}


def test_locks_carry_hashes_and_no_address() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z0-9][^\s;]*==[^\s;]+", text, re.MULTILINE)
        assert pins
        assert text.count("==") - text.count(" ; ") <= text.count("--hash=sha256:")
        assert "://" not in text
        assert "--index-url" not in text
        assert "--find-links" not in text
