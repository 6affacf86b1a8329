"""Fill the counters of raters in rounds that were begun before there were any."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce


def count(apps: Any, schema_editor: Any) -> None:
    assignments = apps.get_model("annotation", "Assignment").objects
    members = apps.get_model("annotation", "RoundRater").objects
    mine = assignments.filter(round=OuterRef("round"), rater=OuterRef("rater")).order_by()

    def counted(**which: Any) -> Coalesce:
        of_each = mine.filter(**which).values("rater").annotate(n=Count("pk")).values("n")
        return Coalesce(Subquery(of_each, output_field=IntegerField()), 0)

    members.update(answered=counted(submitted_at__isnull=False), skipped=counted(state="skipped"))


class Migration(migrations.Migration):
    dependencies = [("annotation", "0005_gold_and_qualification")]

    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
