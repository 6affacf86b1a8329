"""Passwords: changed by their owner, set anew by a link that works once.

The link holds everything: a keyed hash over the account as it is (Django's own generator). It is
void as soon as the password, the address, the sessions' epoch or the set of projects is another
one: an admin's link opens no project that the person came into later.
"""

from __future__ import annotations

import smtplib
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.http import base36_to_int, int_to_base36

from accounts import mail
from accounts.models import Membership, User
from accounts.queries.leaving import projects_of
from accounts.services.leaving import governed
from core import audit, jobs
from core.errors import Conflict
from core.models import Job

MAIL_JOB = "accounts.reset_mail"
DASH = "-"


class ResetTokens(PasswordResetTokenGenerator):
    """Django's token, which also names the projects and the epoch of the sessions."""

    key_salt = "accounts.ResetTokens"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        rows = Membership.objects.filter(user=user).order_by("project")
        projects = DASH.join(str(pk) for pk in rows.values_list("project_id", flat=True))
        # The base's value counts the last sign-in too: a link is void after one.
        base = super()._make_hash_value(user, timestamp)
        return f"{base}/{projects}/{user.session_epoch}/{user.is_active}"


_tokens = ResetTokens()


def link_for(user: User) -> str:
    """The path of a page on which the password is set anew, once, within a day."""
    key = f"{int_to_base36(user.pk)}.{_tokens.make_token(user)}"
    return f"{reverse('password_set')}?key={key}"


def holder_of(key: str) -> User | None:
    """The account that a link is for, while it is good; None otherwise, whatever the reason."""
    number, _, token = key.partition(".")
    try:
        user = User.objects.filter(pk=base36_to_int(number), is_active=True).first()
    except (ValueError, OverflowError):
        return None
    return user if user is not None and _tokens.check_token(user, token) else None


@transaction.atomic(durable=True)
def make_link(*, user_id: int, by: User) -> tuple[User, str]:
    """An admin's link, to be handed over; shown this once. Raises `NotAllowed` without a say over
    every project of the person, `Conflict` for a closed account."""
    user = governed(user_id=user_id, by=by)
    if not user.is_active:
        raise Conflict("account_closed", "This account is closed; open it first.")
    for project in projects_of(user):
        audit.record(
            actor=by.actor,
            verb="account.reset_link_made",
            object_type="user",
            object_id=user.pk,
            project_id=project.pk,
        )
    return user, link_for(user)


@transaction.atomic(durable=True)
def set_by_link(*, key: str, password: str) -> User:
    """The new password; every session of before ends. Of two who use one link at once, one wins."""
    user = holder_of(key)
    if user is None:
        raise Conflict("link_over", OVER)
    replaced = User.objects.filter(pk=user.pk, password=user.password, is_active=True).update(
        password=make_password(password), session_epoch=F("session_epoch") + 1
    )
    if replaced != 1:
        raise Conflict("link_over", OVER)
    _record("account.password_reset", user)
    return user


@transaction.atomic(durable=True)
def change(*, user: User, password: str) -> User:
    """By the owner, whose old password the form has asked for; other sessions end."""
    User.objects.filter(pk=user.pk).update(
        password=make_password(password), session_epoch=F("session_epoch") + 1
    )
    _record("account.password_changed", user)
    return User.objects.get(pk=user.pk)


def ask_for_link(*, name: str) -> None:
    """A message to whoever signs in as `name` or has this address, if anybody does.

    The same work is done for a name that nobody has: neither the answer nor its time tells.
    """
    found = User.objects.filter(is_active=True).exclude(email="")
    by_name = found.filter(username=name).first()
    by_mail = found.filter(email__iexact=name).order_by("pk").first()
    user = by_name or by_mail
    with transaction.atomic(durable=True):
        jobs.enqueue(kind=MAIL_JOB, actor="system", plan={"user": user.pk if user else 0})


def mail_job(job_id: int) -> None:
    """The handler of `accounts.reset_mail`. The link is made here, so that no row holds it."""
    job = Job.objects.get(pk=job_id)
    user = User.objects.filter(pk=job.plan["user"], is_active=True).exclude(email="").first()
    if user is None:
        jobs.finish(job_id, result={"sent": 0}, now=timezone.now())
        return
    try:
        mail.send(
            to=user.email,
            subject="Plumbline: set your password anew",
            text=MESSAGE.format(name=user.username, address=mail.absolute(link_for(user))),
        )
    except (OSError, smtplib.SMTPException) as problem:
        if job.tries < mail.MOST_TRIES:
            raise mail.LATER from problem
        raise Conflict("mail_failed", "The mail server did not take the message.") from problem
    jobs.finish(job_id, result={"sent": 1}, now=timezone.now())


OVER = (
    "This link is not good any more: it works once and for a day, and a newer one or a sign-in "
    "ends it. Ask for another one."
)
MESSAGE = """Somebody asked to set the password of {name} anew.

{address}

The link works once, within a day. If it was not you, there is nothing to do: the password stays.
"""


def _record(verb: str, user: User) -> None:
    audit.record(actor=user.actor, verb=verb, object_type="user", object_id=user.pk)
