"""One scene for all guards, and what each of its people was answered, asked once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.cache import cache

from accounts.roles import Scope
from tests.guards.addresses import addresses, foreign_urls, own_urls
from tests.guards.scene import Scene
from tests.guards.walking import Answer, Asker, as_person, as_token

ANONYMOUS = "anonymous"
STAFF = ("lea", "noor", "ada")
MEMBERS = ("ana", "ray", *STAFF)
PEOPLE = (ANONYMOUS, "olu", *MEMBERS)
TOKENS = tuple(f"{scope.value} token" for scope in Scope)
EVERYBODY = PEOPLE + TOKENS
FRAGMENTS_TOO = frozenset({"ana", "lea"})


@dataclass
class World:
    """The scene, and the answers that were collected so far: every request is undone."""

    scene: Scene
    _walks: dict[str, list[Answer]] = field(default_factory=dict)
    _strays: dict[str, list[Answer]] = field(default_factory=dict)

    def asker(self, name: str) -> Asker:
        """`anonymous`, a person of the cast, or `read token`, `write token`, …"""
        if name in TOKENS:
            return as_token(self.scene.secrets[Scope(name.split()[0])], name=name)
        if name == "ray":
            return as_person(self.scene.ray)
        return as_person(None if name == ANONYMOUS else getattr(self.scene.cast, name))

    def walk(self, name: str) -> list[Answer]:
        """Every address with the project's own rows, read and posted to."""
        if name not in self._walks:
            self._walks[name] = self.walk_anew(name)
        return self._walks[name]

    def walk_anew(self, name: str) -> list[Answer]:
        """The same, asked again: figures that a page keeps for a while are forgotten first."""
        cache.clear()
        return list(_walk(self.asker(name), self.scene, fragments=name in FRAGMENTS_TOO))

    def first_answers(self, name: str) -> list[Answer]:
        """For each address and method the answer about its first rows."""
        found: dict[tuple[str, str], Answer] = {}
        for answer in self.walk(name):
            found.setdefault((answer.method, answer.address.name), answer)
        return list(found.values())

    def stray(self, name: str) -> list[Answer]:
        """Every address with one row of another project, read and posted to."""
        if name not in self._strays:
            asker, scene = self.asker(name), self.scene
            self._strays[name] = [
                asker.ask(address, method, url)
                for address in addresses()
                if address.is_api is asker.is_machine
                for url in foreign_urls(address, scene.own, scene.foreign)
                for method in ("GET", "POST")
            ]
        return self._strays[name]


def _walk(asker: Asker, scene: Scene, *, fragments: bool) -> Iterator[Answer]:
    # Filled first: a route that cannot be filled is told before anything is asked.
    filled = [(address, own_urls(address, scene.own)) for address in addresses()]
    for address, urls in filled:
        if asker.is_machine and not address.is_api:
            continue
        for url in urls:
            yield asker.ask(address, "GET", url)
            if fragments:
                yield asker.ask(address, "GET", url, fragment=True)
            yield asker.ask(address, "POST", url)
