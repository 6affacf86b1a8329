"""The screen's small parts."""

from __future__ import annotations

from django import template

register = template.Library()
