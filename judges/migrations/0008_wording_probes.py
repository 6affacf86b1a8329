from __future__ import annotations

from django.db import migrations, models

KINDS = [
    ("order", "Order"),
    ("length", "Length"),
    ("format", "Format"),
    ("wording", "Wording"),
    ("repeat", "Repeat"),
    ("self_preference", "Self-preference"),
    ("injection", "Injection"),
]


class Migration(migrations.Migration):
    dependencies = [("judges", "0007_policies_and_standing")]

    operations = [
        migrations.RemoveConstraint(model_name="probe", name="probe_kind_known"),
        migrations.AlterField(
            model_name="probe",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=16),
        ),
        migrations.AddConstraint(
            model_name="probe",
            constraint=models.CheckConstraint(
                condition=models.Q(kind__in=[kind for kind, _ in KINDS]), name="probe_kind_known"
            ),
        ),
    ]
