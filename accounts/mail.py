"""Messages by mail, where a server for it is set up. Never called inside a transaction."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import OperationalError

MOST_TRIES = 3
LATER = OperationalError("The mail server is away; the job is started again.")
"""What a job raises to be started again: its lease runs out, and another worker takes it."""


def is_set_up() -> bool:
    return bool(settings.MAIL_FROM)


def absolute(path: str) -> str:
    """The whole address of a page of this house."""
    return f"{settings.PUBLIC_ADDRESS}{path}"


def send(*, to: str, subject: str, text: str) -> None:
    """One message to one person. Raises `OSError` or `SMTPException` when it is not taken."""
    one_line = " ".join(subject.split())
    EmailMessage(subject=one_line, body=text, from_email=settings.MAIL_FROM, to=[to]).send()
