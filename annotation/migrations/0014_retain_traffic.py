from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import F


def begin_terms(apps: Any, schema_editor: Any) -> None:
    """Traffic that is there already has been kept since it came."""
    items = apps.get_model("annotation", "Item").objects
    datasets = apps.get_model("annotation", "Dataset").objects
    traffic = datasets.filter(kind="traffic").values("pk")
    items.filter(dataset__in=traffic).update(retained_since=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("annotation", "0013_retention")]

    operations = [migrations.RunPython(begin_terms, migrations.RunPython.noop)]
