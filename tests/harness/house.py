"""The product as a person starts it: real processes on data of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import LiteralString

from core.supervisor import tied_to
from tests.harness.clerk import Clerk
from tests.harness.redis import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240.0
STOP_SECONDS = 90.0
COMMAND_SECONDS = 600.0
OTHER_PEOPLES = (
    "DATABASE_URL",
    "BROKER_URL",
    "DJANGO_SETTINGS_MODULE",
    "PORT",
    "PYTHONDEVMODE",
    "PYTEST_CURRENT_TEST",
    "PYTEST_XDIST_WORKER",
)


class House:
    """Web, worker and (for a demo) simulator under one supervisor, below one data folder."""

    def __init__(self, folder: Path, *, demo: bool, servers: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.demo = demo
        self.port = free_port()
        self.log = folder / "up.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._clerk: Clerk | None = None
        mine = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PLUMBLINE_DATA": str(folder),
            "PLUMBLINE_DEMO": "1" if demo else "0",
            "PLUMBLINE_SECRET_KEY": "only-for-tests-and-never-for-anything-else-012345678",
            "PORT": str(self.port),
        }
        kept = {key: value for key, value in os.environ.items() if key not in OTHER_PEOPLES}
        self.environment = kept | mine | (servers or {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(
        self, *arguments: str, seconds: float = COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; the caller looks at the exit code."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def ask(self, script: str, *, seconds: float = COMMAND_SECONDS) -> object:
        """What a script in the house's environment prints last, read as JSON."""
        if self._clerk is None or not self._clerk.serves(self.environment):
            self._dismiss_the_clerk()
            self._clerk = Clerk(self.environment, log=self.log)
        return self._clerk.ask(script, seconds=seconds)

    def _dismiss_the_clerk(self) -> None:
        if self._clerk is not None:
            self._clerk.dismiss()
            self._clerk = None

    def prepare(self) -> None:
        """What `make run` does before it starts the processes."""
        steps = [["migrate", "--noinput", "--verbosity", "0"]]
        if "DATABASE_URL" in self.environment:
            steps.append(["collectstatic", "--noinput", "--verbosity", "0"])
        if self.demo:
            steps.append(["seed_demo"])
        for step in steps:
            done = self.manage(*step)
            assert done.returncode == 0, f"{step[0]} failed:\n{done.stdout}{done.stderr}"

    def start(self) -> None:
        """Start everything and return when web and worker answer."""
        self._run([sys.executable, "manage.py", "up"])

    def start_web(self) -> None:
        """Start the web alone, as the image does it, and return when it answers."""
        line = [part.replace("0.0.0.0:8000", f"127.0.0.1:{self.port}") for part in web_command()]
        self._run([str(Path(sys.executable).parent / line[0]), *line[1:]])

    def _run(self, command: list[str]) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=tied_to(os.getpid()),
            )
        self.wait_until(lambda: self.get("/healthz") == 200, START_SECONDS)

    def stop(self, how: int = signal.SIGTERM, *, whole_group: bool = False) -> int:
        """Ask it to stop as a person or a shell would; return the supervisor's exit code."""
        assert self.process is not None
        if whole_group:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        return self.process.wait(timeout=STOP_SECONDS)

    def get(self, path: str) -> int:
        """The HTTP status of a page, 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code
        except OSError:
            return 0

    def members(self, word: str = "") -> list[int]:
        """Every living process of this house (of those with `word` in the command line)."""
        mark = f"PLUMBLINE_DATA={self.folder}\0".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    is_ours = mark in (entry / "environ").read_bytes() + b"\0"
                    if is_ours and word.encode() in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
        return found

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Return as soon as it holds; fail with the log when it never does."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"Not within {seconds:g} s. The log:\n{self.tail()}")
            time.sleep(0.1)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else "(no log)"

    def clear(self) -> None:
        """Leave nothing behind, whatever the test did."""
        self._dismiss_the_clerk()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def web_command() -> list[str]:
    """The web's command line as it stands in the image."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    [command] = re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)
    return [str(part) for part in json.loads(command)]


@contextmanager
def house(folder: Path, *, demo: bool, database: str = "") -> Iterator[House]:
    """A prepared house that is not started yet, on the servers this test run was given, if any,
    or on a database server of its own."""
    with ExitStack() as stack:
        servers: dict[str, str] = {}
        database = database or os.environ.get("DATABASE_URL", "")
        if database:
            servers["DATABASE_URL"] = stack.enter_context(fresh_database(database))
        if os.environ.get("BROKER_URL"):
            servers["BROKER_URL"] = _own_queue(os.environ["BROKER_URL"])
        one = House(folder, demo=demo, servers=servers)
        stack.callback(one.clear)
        one.prepare()
        yield one


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """An empty database on the server of a DATABASE_URL, dropped afterwards."""
    name = f"plumbline_house_{token_hex(4)}"
    _tell(server, "CREATE DATABASE {}", name)
    try:
        head, _, _ = server.rpartition("/")
        yield f"{head}/{name}"
    finally:
        # Over a line of its own: the server may have been away meanwhile.
        _tell(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _tell(server: str, statement: LiteralString, name: str) -> None:
    import dj_database_url
    import psycopg
    from psycopg import sql

    given = dj_database_url.parse(server)
    with psycopg.connect(
        host=given["HOST"],
        port=given["PORT"] or 5432,
        user=given["USER"],
        password=given["PASSWORD"],
        dbname=given["NAME"],
        autocommit=True,
    ) as line:
        line.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _own_queue(broker: str) -> str:
    """A database of its own for each process that tests: two houses on one queue would take each
    other's hints."""
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    address, _, database = broker.rpartition("/")
    return f"{address}/{int(database) + 1 + int(number)}" if database.isdigit() else broker
