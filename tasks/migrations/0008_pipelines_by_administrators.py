from __future__ import annotations

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def allow_administrators(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Permissions are made after all migrations; the group needs it now.
    config = apps.get_app_config("tasks")
    config.models_module = True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    permission = apps.get_model("auth", "Permission").objects.get(
        content_type__app_label="tasks", codename="use_pipelines"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name="Administrator"):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("tasks", "0007_jobs_of_the_store")]
    operations = [
        migrations.AlterModelOptions(
            name="task",
            options={
                "ordering": ["name", "task_id"],
                "permissions": [
                    ("operate_task", "Can run, stop and switch tasks on and off"),
                    ("use_pipelines", "Can say which classes of the project a task runs"),
                ],
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
            },
        ),
        migrations.RunPython(allow_administrators, migrations.RunPython.noop),
    ]
