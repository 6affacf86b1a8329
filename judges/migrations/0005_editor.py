from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("judges", "0004_probes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="judgeversion",
            name="number",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=Q(("purpose", "playground"), ("state", "running")),
                fields=("actor",),
                name="run_playground_one_at_a_time",
            ),
        ),
    ]
