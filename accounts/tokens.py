"""API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.models import ApiToken, Membership, Rater
from core.prepared import Prepared

PREFIX = "plb_"
USE_NOTED_EACH = timedelta(hours=1)


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Secrets have 256 random bits, so one plain hash is enough to keep them."""
    return hashlib.sha256(secret.encode()).hexdigest()


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer plb_…`; the user is None, the principal is the token."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        token: ApiToken | None = _known.one(digest=digest(secret.strip()))
        if token is None or token.revoked_at is not None:
            raise exceptions.AuthenticationFailed("This token is unknown or was revoked.")
        if token.expires_at is not None and token.expires_at <= timezone.now():
            raise exceptions.AuthenticationFailed("This token has expired; ask for a new one.")
        if token.rater is not None and not _may_rate(token.rater):
            raise exceptions.AuthenticationFailed(
                "The person that this token rates for no longer rates in this project."
            )
        _note_use(token, timezone.now())
        return None, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="plumbline"'


def _note_use(token: ApiToken, now: datetime) -> None:
    """When it was last used, to the hour: one write in an hour, whichever process sees it first."""
    if token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EACH:
        noted = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USE_NOTED_EACH)
        ApiToken.objects.filter(noted, pk=token.pk).update(last_used_at=now)


def _may_rate(rater: Rater) -> bool:
    """Whoever is shut out of the project is shut out with every key; raters of an import have no
    account that could be.
    """
    if rater.user_id is None:
        return True
    return Membership.objects.filter(
        project=rater.project_id, user=rater.user_id, user__is_active=True, is_rater=True
    ).exists()


@Prepared
def _known(*, digest: str) -> QuerySet[ApiToken]:
    return ApiToken.objects.select_related("project", "rater").filter(digest=digest)
