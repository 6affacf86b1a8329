"""Is the process alive, is the house ready, how is it doing; and the API's description."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views import defaults
from django.views.decorators.http import require_safe

from core.errors import NotHere
from core.models import Job, WorkerBeat

WORKER_SILENCE = timedelta(seconds=15)
API = "/api/"


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Database reached, queue reached, worker seen within 15 seconds; 503 otherwise."""
    parts = {"database": _database_is_reached()}
    if parts["database"]:
        latest = WorkerBeat.objects.order_by("-at").values_list("at", flat=True).first()
        parts["worker"] = latest is not None and timezone.now() - latest < WORKER_SILENCE
        parts["queue"] = _queue_is_reached()
    is_ready = all(parts.values()) and len(parts) == 3
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", "parts": parts},
        status=200 if is_ready else 503,
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts for Prometheus, none of them of a single project."""
    lines = ["# HELP plumbline_jobs Background jobs by state.", "# TYPE plumbline_jobs gauge"]
    for state in ("waiting", "running", "failed"):
        count = Job.objects.filter(state=state).count()
        lines.append(f'plumbline_jobs{{state="{state}"}} {count}')
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


@require_safe
def favicon(request: HttpRequest) -> FileResponse:
    file = Path(settings.BASE_DIR) / "static" / "img" / "favicon.svg"
    return FileResponse(file.open("rb"), content_type="image/svg+xml")


def not_here(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such address: a page for people, the error shape of the API for machines."""
    if not request.path.startswith(API):
        return defaults.page_not_found(request, exception)
    error = NotHere("There is no such address in this API; /api/docs/ lists them.")
    shape = {"code": error.code, "message": error.sentence, "fields": error.fields}
    return JsonResponse(shape, status=error.status)


def broken(request: HttpRequest) -> HttpResponse:
    """A fault of ours, in the same two ways."""
    if not request.path.startswith(API):
        return defaults.server_error(request)
    sentence = (
        "Something broke on our side, and is in the log. What you sent may not have been done; "
        "send it again with the same Idempotency-Key."
    )
    return JsonResponse({"code": "broken", "message": sentence, "fields": {}}, status=500)


def _database_is_reached() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _queue_is_reached() -> bool:
    if not settings.BROKER_URL:
        return Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"]).is_dir()
    import redis

    try:
        with redis.Redis.from_url(settings.BROKER_URL, socket_timeout=2) as server:
            return bool(server.ping())
    except redis.RedisError:
        return False
