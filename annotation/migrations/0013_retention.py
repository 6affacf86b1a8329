from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_people"),
        ("annotation", "0012_kept_slots"),
    ]

    operations = [
        migrations.AddField(
            model_name="item",
            name="retained_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("retained_since__isnull", False)),
                fields=["retained_since"],
                name="item_retained",
            ),
        ),
    ]
