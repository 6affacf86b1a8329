from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_people"),
        ("annotation", "0010_next_items"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="assignment",
            name="assignment_of_rater",
        ),
        migrations.AlterField(
            model_name="assignment",
            name="guideline_version",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotation.guidelineversion",
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="rater",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to="accounts.rater",
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="round",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to="annotation.round",
            ),
        ),
        migrations.AlterField(
            model_name="content",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.project",
            ),
        ),
        migrations.AlterField(
            model_name="draft",
            name="round",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="annotation.round",
            ),
        ),
        migrations.AlterField(
            model_name="rating",
            name="assignment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="ratings",
                to="annotation.assignment",
            ),
        ),
        migrations.AlterField(
            model_name="rounditem",
            name="round",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="round_items",
                to="annotation.round",
            ),
        ),
        migrations.AlterField(
            model_name="roundrater",
            name="round",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="round_raters",
                to="annotation.round",
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("rater__isnull", False)),
                fields=["rater", "state", "-submitted_at"],
                name="assignment_rated_by",
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("guideline_version__isnull", False)),
                fields=["guideline_version"],
                name="assignment_version",
            ),
        ),
    ]
