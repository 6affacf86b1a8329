"""Asking every address as one person or token, and searching the answers."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from tests.cast import client_for
from tests.guards.addresses import BODIES, Address

FRAGMENT = {"HX-Request": "true"}
SAME_ID = {"X-Request-Id": "walk"}
WRITES = ("INSERT", "UPDATE", "DELETE")
# New in every answer, and nothing that anybody said: marks of forms, and links shown once.
RANDOM = re.compile(
    r"""(?:csrfmiddlewaretoken['"]\s+value=['"]|X-CSRFToken["']:\s*["'])([A-Za-z0-9]+)"""
    r"""|data-secret>[^<]+"""
)
# What adding the same numbers in another order changes.
LAST_DIGITS = re.compile(r"(\.\d{12})\d+")
# Headers that are made for one answer; the others say how to keep it.
TELLING = frozenset({"Location", "HX-Redirect", "HX-Trigger", "Content-Disposition", "Link"})
SESSION_TABLES = ("django_session",)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `text` is body and headers, `wrote` the tables that were written to."""

    address: Address
    method: str
    url: str
    status: int
    text: str
    wrote: frozenset[str]
    error: str = ""

    @property
    def what(self) -> str:
        return f"{self.method} {self.url} ({self.status})"


@dataclass(frozen=True, slots=True)
class Asker:
    """One browser or one machine; each request leaves the database as it was."""

    name: str
    client: Client
    headers: dict[str, str]

    @property
    def is_machine(self) -> bool:
        return bool(self.headers)

    def ask(
        self,
        address: Address,
        method: str,
        url: str,
        *,
        fragment: bool = False,
        body: object = None,
    ) -> Answer:
        """The answer; what is posted is the address's usual body unless another is given."""
        headers = self.headers | SAME_ID | (FRAGMENT if fragment else {})
        cookies = copy.copy(self.client.cookies)
        more: dict[str, Any] = {"content_type": "application/json"} if self.is_machine else {}
        wrote: set[str] = set()
        with _undone(), connection.execute_wrapper(partial(_note_writes, wrote)):
            if method == "POST":
                sent: Any = BODIES.get(address.name, {}) if body is None else body
                response = self.client.post(url, sent, headers=headers, **more)
            else:
                response = self.client.get(url, headers=headers)
            text = _body(response)
        self.client.cookies = cookies
        head = "\n".join(f"{name}: {value}" for name, value in response.items() if name in TELLING)
        info = getattr(response, "exc_info", None)
        return Answer(
            address=address,
            method=method,
            url=url,
            status=response.status_code,
            text=RANDOM.sub("", f"{head}\n{text}"),
            wrote=frozenset(wrote),
            error=f"{info[0].__name__}: {info[1]}" if info else "",
        )


def as_person(person: User | None) -> Asker:
    client = client_for(person)
    client.raise_request_exception = False
    return Asker(person.username if person else "anonymous", client, {})


def as_token(secret: str, *, name: str) -> Asker:
    client = Client(raise_request_exception=False)
    return Asker(name, client, {"Authorization": f"Bearer {secret}"})


def leaks(answers: Iterable[Answer], hidden: Collection[str]) -> list[str]:
    """A sentence for each answer that holds a word which it must not hold."""
    found = []
    for answer in answers:
        words = sorted(word for word in hidden if word and word in answer.text)
        if words:
            found.append(f"{answer.what} holds {', '.join(words)}")
    return found


def crashes(answers: Iterable[Answer]) -> list[str]:
    return [f"{answer.what}: {answer.error}" for answer in answers if answer.status == 500]


def differences(before: Iterable[Answer], after: Iterable[Answer]) -> list[str]:
    """A sentence for each address that answered differently, with the first place where."""
    found = []
    for one, other in zip(before, after, strict=True):
        was, now = (LAST_DIGITS.sub(r"\1", answer.text) for answer in (one, other))
        if (one.status, was) == (other.status, now):
            continue
        pairs = enumerate(zip(was, now, strict=False))
        place = next((n for n, (a, b) in pairs if a != b), min(len(was), len(now)))
        near = slice(max(0, place - 80), place + 60)
        found.append(f"{one.what}:\n  {was[near]!r}\n  {now[near]!r}")
    return found


@contextmanager
def _undone() -> Iterator[None]:
    """Undo what is done inside. No atomic block: services ask for the outermost one."""
    savepoint = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(savepoint)


def _body(response: Any) -> str:
    content = response.getvalue() if response.streaming else response.content
    return bytes(content).decode(errors="replace")


def _note_writes(
    wrote: set[str], execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
) -> Any:
    """Note the table of each statement that changed a row; most acts ask by conditional UPDATE."""
    result = execute(sql, params, many, context)
    if sql.startswith(WRITES) and context["cursor"].rowcount > 0:
        table = re.findall(r'"(\w+)"', sql)[0]
        if table not in SESSION_TABLES:
            wrote.add(table)
    return result
