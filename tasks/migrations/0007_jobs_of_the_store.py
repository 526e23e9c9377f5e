from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0006_spider_arguments_in_order")]

    operations = [
        migrations.AddField(
            model_name="schedulerprocess",
            name="jobs",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
