from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F


def begin_terms(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Traffic that is there already has been kept since it came."""
    items = apps.get_model("annotation", "Item")
    dataset = apps.get_model("annotation", "Dataset")
    traffic = dataset.objects.filter(kind="traffic").values("pk")
    items.objects.filter(dataset__in=traffic).update(retained_since=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("annotation", "0013_retention")]

    operations = [migrations.RunPython(begin_terms, migrations.RunPython.noop)]
