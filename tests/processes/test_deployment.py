"""The command lines of the deployment, run as they stand in the files, on PostgreSQL and Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.harness.house import ROOT, House, house, web_command

pytestmark = [
    pytest.mark.processes,
    pytest.mark.redis,
    pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="needs DATABASE_URL"),
]


def other_command(service: str) -> list[str]:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return [str(part) for part in compose["services"][service]["command"]]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Web, worker and beat as three processes of their own, without a supervisor."""
    with ExitStack() as stack:
        one = stack.enter_context(house(tmp_path_factory.mktemp("deployed"), demo=False))
        programs = Path(sys.executable).parent
        for command in (web_command(), other_command("worker"), other_command("beat")):
            line = [str(programs / command[0]), *command[1:]]
            line = [part.replace("0.0.0.0:8000", f"127.0.0.1:{one.port}") for part in line]
            process = subprocess.Popen(
                line,
                cwd=ROOT,
                env=one.environment,
                stdin=subprocess.DEVNULL,
                stdout=stack.enter_context(one.log.open("ab")),
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            stack.callback(process.wait, timeout=30)
            stack.callback(process.terminate)
        yield one


def check_health(deployed: House, *arguments: str) -> int:
    command = [sys.executable, "scripts/healthy.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=deployed.environment, check=False).returncode


def test_the_three_processes_find_each_other(deployed: House) -> None:
    deployed.wait_until(lambda: check_health(deployed, "/readyz", "127.0.0.1") == 0, 120)


def test_the_health_check_of_the_web_passes(deployed: House) -> None:
    deployed.wait_until(lambda: check_health(deployed, "/healthz") == 0, 120)


def test_a_health_check_of_nobody_fails(deployed: House) -> None:
    nobody = {**deployed.environment, "PORT": "1"}
    command = [sys.executable, "scripts/healthy.py", "/healthz"]
    assert subprocess.run(command, cwd=ROOT, env=nobody, check=False).returncode == 1
