"""A person's notices, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page
from django.db.models import QuerySet

from accounts.models import Notice
from core import registry
from core.filters import paged

LISTED = 30
MOST_COUNTED = 99


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice and what it says."""

    notice: Notice
    sentence: str


def of_member(user_id: int) -> QuerySet[Notice]:
    """The person's notices from projects that they are in: others are not there for them."""
    return Notice.objects.filter(user=user_id, project__memberships__user=user_id)


def unread(user_id: int) -> int:
    """How many are unread, counted to 100: the head of every page asks."""
    return of_member(user_id).filter(read_at__isnull=True).order_by()[: MOST_COUNTED + 1].count()


def page_of(user_id: int, number: object) -> Page[Notice]:
    """One page of `NoticeRow`s."""
    page = paged(of_member(user_id).select_related("project").order_by("-pk"), number, size=LISTED)
    page.object_list = [
        NoticeRow(one, registry.notice_sentence(one.kind, one.subject)) for one in page.object_list
    ]
    return page
