"""Purses and own prices; what was spent before is put into the purses that it belongs to."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q, Sum
from django.db.models.functions import TruncMonth

MONTH = TruncMonth("sent_at", output_field=models.DateField(), tzinfo=UTC)


def fill(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    """One purse for each judge and each month that has attempts."""
    attempts = apps.get_model("judges", "Attempt").objects
    purses = apps.get_model("judges", "Purse").objects
    booked = attempts.annotate(project=F("call__run__project"))
    sums = {"spent": Sum("cost"), "held": Sum("reserved", filter=Q(state="sent"))}
    by_judge = booked.annotate(judge=F("call__run__version__judge")).values("project", "judge")
    by_month = booked.annotate(month=MONTH).values("project", "month")
    for rows in (by_judge, by_month):
        for row in rows.annotate(**sums).order_by():
            spent, held = (row.pop(name) or Decimal(0) for name in ("spent", "held"))
            keys = {name if name == "month" else f"{name}_id": row[name] for name in row}
            if spent or held:
                purses.create(**keys, spent=spent, reserved=held)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("judges", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnPrice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("provider", models.CharField(max_length=40)),
                ("model", models.CharField(max_length=120)),
                ("input", models.DecimalField(decimal_places=6, max_digits=12)),
                ("output", models.DecimalField(decimal_places=6, max_digits=12)),
                (
                    "cache_read",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True),
                ),
                (
                    "cache_write_5m",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True),
                ),
                (
                    "cache_write_1h",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True),
                ),
                ("batch_factor", models.DecimalField(decimal_places=4, default=1, max_digits=5)),
                ("source", models.CharField(max_length=70)),
                ("as_of", models.DateField()),
                ("author_actor", models.CharField(max_length=64)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="own_prices",
                        to="accounts.project",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["project", "provider", "model"], name="own_price_of_a_model"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(input__gte=0, output__gte=0)
                        & (Q(cache_read__isnull=True) | Q(cache_read__gte=0))
                        & (Q(cache_write_5m__isnull=True) | Q(cache_write_5m__gte=0))
                        & (Q(cache_write_1h__isnull=True) | Q(cache_write_1h__gte=0))
                        & Q(batch_factor__gte=0, batch_factor__lte=1),
                        name="own_price_is_a_price",
                    ),
                    models.CheckConstraint(
                        condition=~Q(source="") & ~Q(author_actor=""),
                        name="own_price_has_a_source",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Purse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField(blank=True, null=True)),
                (
                    "limit",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=14, null=True),
                ),
                (
                    "set_to",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True),
                ),
                ("spent", models.DecimalField(decimal_places=6, default=0, max_digits=14)),
                ("reserved", models.DecimalField(decimal_places=6, default=0, max_digits=14)),
                (
                    "judge",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purse",
                        to="judges.judge",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purses",
                        to="accounts.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["project", "month"], name="purse_of_a_month_once"
                    ),
                    models.CheckConstraint(
                        condition=Q(judge__isnull=True, month__isnull=False)
                        | Q(judge__isnull=False, month__isnull=True),
                        name="purse_of_a_judge_or_a_month",
                    ),
                    models.CheckConstraint(
                        condition=Q(limit__isnull=True) | Q(limit__gte=F("spent") + F("reserved")),
                        name="purse_stays_within_limit",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["sent_at"], name="attempt_by_time"),
        ),
        # Last: no table may change once rows with open references were written.
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
