from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0009_corrected_labels")]

    operations = [
        migrations.AddIndex(
            model_name="rounditem",
            index=models.Index(
                condition=models.Q(("is_full", False)),
                fields=["round", "-taken", "shuffle", "item"],
                name="round_item_next_one",
            ),
        ),
        migrations.RemoveIndex(model_name="rounditem", name="round_item_next"),
    ]
