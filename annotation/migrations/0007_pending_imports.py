"""Items of an import that is not over are told by its row, no longer by a mark on each of them."""

from __future__ import annotations

from datetime import timedelta

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone


def keep_hidden_what_is_hidden(apps, schema_editor) -> None:
    """An import that broke off before the update stays unseen, and is dropped as any other."""
    item = apps.get_model('annotation', 'Item')
    pending = apps.get_model('annotation', 'PendingImport')
    hidden = item.objects.filter(is_visible=False, import_job_id__isnull=False)
    tags = hidden.order_by().values_list('dataset_id', 'import_job_id').distinct()
    for dataset_id, tag in list(tags):
        pending.objects.create(
            tag=tag,
            dataset_id=dataset_id,
            owner='',
            touched_at=timezone.now() - timedelta(days=1),
        )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('annotation', '0006_count_what_raters_did'),
    ]

    operations = [
        migrations.CreateModel(
            name='PendingImport',
            fields=[
                ('tag', models.BigIntegerField(primary_key=True, serialize=False)),
                ('owner', models.CharField(max_length=32)),
                ('after_item', models.BigIntegerField(default=0)),
                ('touched_at', models.DateTimeField()),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.dataset')),
            ],
        ),
        migrations.RunPython(keep_hidden_what_is_hidden, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='item',
            name='item_hash_once',
        ),
        migrations.RemoveIndex(
            model_name='item',
            name='item_in_dataset',
        ),
        migrations.RemoveField(
            model_name='item',
            name='is_visible',
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(fields=['dataset', 'id'], name='item_of_dataset'),
        ),
        migrations.AlterField(
            model_name='item',
            name='dataset',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='annotation.dataset'),
        ),
        migrations.AlterField(
            model_name='item',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='accounts.project'),
        ),
        migrations.AlterField(
            model_name='response',
            name='item',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='responses', to='annotation.item'),
        ),
    ]
