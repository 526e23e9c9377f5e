from __future__ import annotations

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PEOPLE = ["view_user", "add_user", "change_user", "delete_user", "view_group"]


def allow_people(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Permissions are made after all migrations; the group needs them now.
    config = apps.get_app_config("auth")
    config.models_module = True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="auth", codename__in=PEOPLE
    )
    apps.get_model("auth", "Group").objects.get(name="Administrator").permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_groups")]
    operations = [migrations.RunPython(allow_people, migrations.RunPython.noop)]
