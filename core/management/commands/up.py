"""Web and worker together, for one machine: `python manage.py up`."""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.supervisor import Program, Supervisor

WEB_PROCESSES = min(2, os.cpu_count() or 1)
"""As the image starts it; on one core a second one would only take memory."""
WEB_THREADS = 4
"""A process takes twice as many connections as it has threads: with more it would hoard those that
another one has the time for. More threads only wait for each other."""
WORKER_THREADS = 4
HIGHEST_PORT = 65535
# By default glibc keeps a store of memory for each thread and gives nothing back: after some runs
# of judges 8 MB more. Only one thread at a time runs Python anyway.
# Where in its line each instruction stands is known to tracebacks only, for 1 MB.
THRIFTY = {
    "PYTHONNODEBUGRANGES": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
# A container's only user may well be root; messages are JSON, so Celery's warning does not apply.
QUIET_ROOT = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}


class Command(BaseCommand):
    help = "Start web and worker (with the clock) and keep them running until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST_ADDRESS") or "127.0.0.1")
        parser.add_argument("--port", type=_port, default=os.environ.get("PORT") or "8000")

    def handle(self, *_args: Any, **options: Any) -> None:
        host, port = str(options["host"]), int(options["port"])
        _refuse_a_taken_port(host, port)
        _refuse_an_old_database()
        address = f"http://{_bracketed(host)}:{port}"

        def announce() -> bool:
            if not _answers(host, port):
                return False
            self._say(f"Plumbline is on {address} (Ctrl-C stops it)")
            return True

        os.environ["PORT"] = str(port)  # the children's settings read it
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        Supervisor(_programs(host, port), say=self._say).run(on_start=announce)
        self._say("Plumbline has stopped; the data is kept.")

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def _port(raw: str) -> int:
    if not raw.isdigit() or not 1 <= int(raw) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"PORT must be a number from 1 to 65535, not {raw!r}.")
    return int(raw)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _programs(host: str, port: int) -> list[Program]:
    """The web and the worker; then what the settings add, stopped after the two."""
    python = [sys.executable, "-m"]
    web = [
        *python, "gunicorn", "config.wsgi:application", "--bind", f"{_bracketed(host)}:{port}",
        "--worker-class", "gthread", "--workers", str(WEB_PROCESSES),
        "--threads", str(WEB_THREADS), "--worker-connections", str(2 * WEB_THREADS),
        "--keep-alive", "2", "--timeout", "120", "--graceful-timeout", "3",
        "--log-level", "warning", "--no-control-socket",
    ]  # fmt: skip
    worker = [
        *python, "celery", "--quiet", "--app", "config", "worker", "--pool", "threads",
        "--concurrency", str(WORKER_THREADS), "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
    more = [
        Program(name=str(name), command=[str(part) for part in command], stage=1)
        for name, command in dict(getattr(settings, "UP_EXTRA_PROCESSES", {})).items()
    ]
    return [
        *more,
        Program(name="web", command=web),
        Program(
            name="worker", command=worker, env={"PLUMBLINE_TICK": "1", **THRIFTY, **QUIET_ROOT}
        ),
    ]


def _refuse_a_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise CommandError(
                f"Port {port} on {host} cannot be used ({problem.strerror}). Another Plumbline may"
                " be running: stop it, or choose another port with PORT=8001."
            ) from None


def _refuse_an_old_database() -> None:
    try:
        call_command("migrate", check_unapplied=True, verbosity=0)
    except SystemExit:
        raise CommandError(
            "The database is older than the code. Run `make run`, or `python manage.py migrate`."
        ) from None


def _answers(host: str, port: int) -> bool:
    """Whether the web gives any HTTP answer; the port alone opens before Django is loaded."""
    line = http.client.HTTPConnection(host, port, timeout=2)
    try:
        line.request("GET", "/healthz")
        line.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
    return True
