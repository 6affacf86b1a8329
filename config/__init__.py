"""Wiring: what knows every room and is known by none."""

from __future__ import annotations

# Without this import the web process has no Celery app and a wake-up would look for AMQP.
from config.celery import app as celery_app

__all__ = ["celery_app"]
