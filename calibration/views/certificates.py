"""The certificate of a decision: a page to print, and the signed file."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from calibration import access
from calibration.queries import certificates as queries
from calibration.services import certificates as services
from core.http import page


@door(*STAFF)
@require_safe
def show(request: MemberRequest, decision_id: int) -> HttpResponse:
    """What was decided, on what evidence, and the key that vouches for it."""
    decision = access.decision_of(request.project, decision_id)
    issued = services.issue(decision)
    context = {
        "decision": decision,
        "version": decision.version,
        "issued": issued,
        "certificate": issued.document["certificate"],
        "shown": queries.shown(issued.document["certificate"]),
    }
    return page(request, "calibration/certificate.html", context)


@door(*STAFF)
@require_safe
def download(request: MemberRequest, decision_id: int) -> HttpResponse:
    """The certificate as `verify_certificate` takes it."""
    decision = access.decision_of(request.project, decision_id)
    name = f"{request.project.slug}-certificate-{decision.pk}.json"
    return HttpResponse(
        services.issue(decision).file,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
