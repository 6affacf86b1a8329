"""How often something may be tried in a while: counted in the database, for all processes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F
from django.utils.crypto import salted_hmac

from accounts.models import Tries
from core.errors import DomainError

SWEPT_AT_ONCE = 500
KEPT_FOR = timedelta(hours=2)


class TooMany(DomainError):
    """Tried too often in a while; the sentence says when it is listened to again."""

    status = 429


def count(*, kind: str, name: str, most: int, within: timedelta, now: datetime) -> None:
    """Count one try of `name`; raises `TooMany` for each one beyond `most` since the first.

    Many at once are all counted before any is let through: nobody gains by being fast.
    """
    key = _key(kind, name)
    if _next(key, within=within, now=now) > most:
        minutes = int(within.total_seconds() // 60)
        raise TooMany(
            "too_many_tries",
            f"That was tried too often. Wait {minutes} minutes, then try again.",
        )


def forget(*, kind: str, name: str) -> None:
    """It worked: what was tried before counts no more."""
    Tries.objects.filter(key=_key(kind, name)).delete()


def take_back(*, kind: str, name: str) -> None:
    """It worked: this try counts no more, those of others do."""
    Tries.objects.filter(key=_key(kind, name), count__gt=0).update(count=F("count") - 1)


def sweep(now: datetime) -> int:
    """Drop what is long over; runs as a reconciler."""
    old = Tries.objects.filter(since__lt=now - KEPT_FOR).order_by("since")
    keys = list(old.values_list("key", flat=True)[:SWEPT_AT_ONCE])
    if keys:
        Tries.objects.filter(key__in=keys, since__lt=now - KEPT_FOR).delete()
    return len(keys)


def _next(key: str, *, within: timedelta, now: datetime) -> int:
    """The number of this try. Each UPDATE adds one for itself, so no two tries share a number."""
    Tries.objects.bulk_create([Tries(key=key, count=0, since=now)], ignore_conflicts=True)
    over = Tries.objects.filter(key=key, since__lte=now - within)
    if over.update(count=1, since=now):
        return 1
    Tries.objects.filter(key=key).update(count=F("count") + 1)
    return Tries.objects.values_list("count", flat=True).filter(key=key).first() or 1


def _key(kind: str, name: str) -> str:
    """No name and no address stands in the table."""
    return salted_hmac(
        "accounts.tries", f"{kind}\n{name.casefold()}", algorithm="sha256"
    ).hexdigest()
