from __future__ import annotations

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

VIEW = ["view_task", "view_schedule", "view_run", "view_spiderinfo", "view_hold", "view_blackout"]
OPERATE = ["operate_task"]
EDIT = [
    "add_task", "change_task", "delete_task",
    "add_schedule", "change_schedule", "delete_schedule",
    "view_auditentry", "view_datalink", "add_datalink", "change_datalink", "delete_datalink",
]  # fmt: skip


def make_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Permissions are made after all migrations; the groups need them now.
    config = apps.get_app_config("tasks")
    config.models_module = True 
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    group = apps.get_model("auth", "Group")
    permission = apps.get_model("auth", "Permission")
    ours = permission.objects.filter(content_type__app_label="tasks")
    rights = {
        "Viewer": ours.filter(codename__in=VIEW),
        "Operator": ours.filter(codename__in=VIEW + OPERATE),
        "Editor": ours.filter(codename__in=VIEW + OPERATE + EDIT),
        "Administrator": permission.objects.filter(content_type__app_label__in=["tasks"]),
    }
    for name, allowed in rights.items():
        group.objects.get_or_create(name=name)[0].permissions.add(*allowed)


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
