"""Telling people that something waits for them: on the page, and by mail where mail is set up.

A room calls `notify` inside the transaction of the act; a message leaves after the commit, from a
worker. The row is the queue, as everywhere: a lost hint costs two seconds.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import mail
from accounts.models import MailState, Notice, Project, User
from accounts.queries.notices import of_member
from core import jobs, registry

log = logging.getLogger(__name__)

SEND_TASK = "accounts.mail_notices"
SENT_AT_ONCE = 50
SUBJECT = 200
AGAIN_AFTER = (timedelta(minutes=1), timedelta(minutes=15))
"""How long after the first and the second failure; a sender that died is waited for as long."""


def notify(
    *,
    users: Iterable[int],
    project: Project,
    kind: str,
    key: str,
    address: str,
    subject: str = "",
) -> None:
    """Tell these members of the project, each once for the same `key`.

    `kind` is one that a room registered (`core.registry.register_notice`), `subject` the name of
    what it is about, `address` the path where there is something to do. Nothing in a notice may be
    a label, a verdict or a figure: it is read before anything is rated. Raises `ValueError` for an
    unknown kind or an address that is no path of this house.
    """
    if not registry.knows_notice(kind):
        raise ValueError(f"No room registered notices of the kind {kind!r}.")
    if not address.startswith("/") or address.startswith("//"):
        raise ValueError(f"{address!r} is no path of this house.")
    told = User.objects.filter(pk__in=set(users), is_active=True, memberships__project=project)
    now = timezone.now()
    rows = [
        Notice(
            user_id=pk,
            project=project,
            kind=kind,
            key=key,
            subject=subject[:SUBJECT],
            address=address,
            mail=MailState.WAITING if email and mail.is_set_up() else MailState.NONE,
            mail_due_at=now if email and mail.is_set_up() else None,
        )
        for pk, email in told.values_list("pk", "email")
    ]
    Notice.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    if any(row.mail == MailState.WAITING for row in rows):
        jobs.hint(SEND_TASK)


def read(*, user: User, notice_id: int | None, now: datetime) -> Notice | None:
    """One of the person's notices is read, or all of them; returns the one."""
    mine = of_member(user.pk)
    one = None if notice_id is None else mine.filter(pk=notice_id).first()
    if notice_id is not None and one is None:
        return None
    rows = Notice.objects.filter(user=user, read_at__isnull=True)
    (rows if one is None else rows.filter(pk=one.pk)).update(read_at=now)
    return one


def wake(now: datetime) -> int:
    """Offer messages that wait; runs as a reconciler."""
    is_waiting = _due(now).exists()
    if is_waiting:
        jobs.send_hint(SEND_TASK)
    return int(is_waiting)


def send_due(now: datetime) -> int:
    """Send what waits, and return how many were sent. Two workers never send the same one: whoever
    moves its due time by the conditional UPDATE does."""
    sent = 0
    rows = _due(now).select_related("user", "project").order_by("mail_due_at")
    for notice in rows[:SENT_AT_ONCE]:
        if _claimed(notice, now):
            sent += _send(notice)
    return sent


def _due(now: datetime) -> QuerySet[Notice]:
    return Notice.objects.filter(mail=MailState.WAITING, mail_due_at__lte=now)


def _claimed(notice: Notice, now: datetime) -> bool:
    again = AGAIN_AFTER[min(notice.mail_tries, len(AGAIN_AFTER) - 1)]
    return (
        _due(now)
        .filter(pk=notice.pk, mail_tries=notice.mail_tries)
        .update(mail_tries=F("mail_tries") + 1, mail_due_at=now + again)
        == 1
    )


def _send(notice: Notice) -> int:
    """1 when the message left. Whoever was shut out meanwhile is told nothing."""
    state: MailState | None
    if not of_member(notice.user_id).filter(pk=notice.pk, user__is_active=True).exists():
        state = MailState.NONE
    else:
        state = _delivered(notice)
    if state is not None:
        Notice.objects.filter(pk=notice.pk, mail=MailState.WAITING).update(
            mail=state, mail_due_at=None
        )
    return int(state is MailState.SENT)


def _delivered(notice: Notice) -> MailState | None:
    """Where the message is now; None while it is to be tried again."""
    sentence = registry.notice_sentence(notice.kind, notice.subject)
    try:
        mail.send(
            to=notice.user.email,
            subject=f"{notice.project.name}: {sentence}",
            text=f"{sentence}\n\n{mail.absolute(notice.address)}\n",
        )
    except (OSError, smtplib.SMTPException) as problem:
        log.warning("The mail of notice %s was not taken: %s", notice.pk, problem)
        return MailState.FAILED if notice.mail_tries + 1 >= mail.MOST_TRIES else None
    return MailState.SENT
