"""Data out: which tables there are, and each as a file."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation.forms.exports import ExportForm
from annotation.services import exporting
from core import registry
from core.errors import Invalid, NotHere
from core.exporting import CONTENT_TYPES, FORMATS, Format
from core.http import page


@door(Role.LEAD, Role.ADMIN)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """What can be taken out, all of it or narrowed to a dataset or a round."""
    form = ExportForm(request.GET, project=request.project)
    status = 200 if form.is_valid() else 422
    chosen = form.cleaned_data if form.is_valid() else {}
    narrowed = {name for name, value in chosen.items() if value}
    tables = [
        (table, bool(narrowed) and not narrowed <= table.narrowed_by)
        for table in registry.export_tables().values()
    ]
    context = {
        "current_step": "data",
        "form": form,
        "tables": tables,
        "formats": FORMATS,
        "query": request.GET.urlencode(),
    }
    return page(request, "annotation/exports.html", context, status=status)


@door(Role.LEAD, Role.ADMIN)
@require_safe
def download(request: MemberRequest, table: str, extension: str) -> HttpResponseBase:
    """One table as a file, streamed whatever its size."""
    if extension not in FORMATS:
        raise NotHere(f"There is no format {extension!r}: {', '.join(FORMATS)}.")
    chosen: Format = extension
    form = ExportForm(request.GET, project=request.project)
    if not form.is_valid():
        raise Invalid(
            "unknown_choice", "There is no such dataset, round, run, judge or day to export from."
        )
    pieces = exporting.export(
        table=exporting.table_of(table),
        form=chosen,
        scope=form.scope(user_id=request.user.pk),
        actor=request.user.actor,
    )
    day = timezone.localdate().isoformat()
    return StreamingHttpResponse(
        pieces,
        content_type=CONTENT_TYPES[chosen],
        headers={
            "Content-Disposition": (
                f'attachment; filename="{request.project.slug}-{table}-{day}.{chosen}"'
            )
        },
    )
