"""What a service may raise: each error has a code for machines and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping


class DomainError(Exception):
    """A refusal with a reason; the middleware and the API turn it into an answer."""

    status = 422

    def __init__(
        self, code: str, sentence: str, fields: Mapping[str, list[str]] | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.fields: dict[str, list[str]] = dict(fields or {})


class Invalid(DomainError):
    """The input cannot be taken; the sentence says what, where and how to mend it."""

    status = 422


class TooLarge(Invalid):
    """There is more of it than is taken at once; the sentence says how much is, and another way."""

    status = 413


class NotHere(DomainError):
    """There is no such row for this person: outsiders cannot tell it from a missing one."""

    status = 404

    def __init__(self, sentence: str = "There is no such page.") -> None:
        super().__init__("not_found", sentence)


class NotAllowed(DomainError):
    """The person is known here, but this is not theirs to do."""

    status = 403

    def __init__(self, sentence: str, code: str = "not_allowed") -> None:
        super().__init__(code, sentence)


class Conflict(DomainError):
    """The row is no longer in the state that this act needs."""

    status = 409


class NotReady(Conflict):
    """Something has to happen first; the sentence names it."""


class OverBudget(Conflict):
    """The money set aside does not reach."""
