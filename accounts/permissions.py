"""The API's doors. Kept apart from the pages' doors: DRF loads this file while it loads itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.roles import Scope
from core.errors import NotAllowed, NotHere

if TYPE_CHECKING:
    from rest_framework.views import APIView


def token_of(request: Request) -> ApiToken:
    """The token that a request came with, behind `TokenDoor`."""
    token = request.auth
    assert isinstance(token, ApiToken), "TokenDoor lets nobody in without one"
    return token


class ClosedDoor(BasePermission):
    """The default of the API: an operation without its own door lets nobody in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return False


class TokenDoor(BasePermission):
    """The token belongs to the project of the URL and has the scope that the view names.

    A view that reads and writes names the scope of its writing apart, as `writing_scope`.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return False
        scope: Scope = view.scope  # type: ignore[attr-defined]
        if request.method not in SAFE_METHODS:
            scope = getattr(view, "writing_scope", scope)
        slug = view.kwargs.get("slug")
        if slug is not None and token.project.slug != slug:
            raise NotHere("There is no such project, or this token does not belong to it.")
        if scope.value not in token.scopes:
            raise NotAllowed(
                f"This token lacks the scope {scope.value!r}; ask an admin for one that has it.",
                code="scope_missing",
            )
        return True
