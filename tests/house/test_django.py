from __future__ import annotations

import pytest
from django.core.management import call_command

from .tools import passes, python


@pytest.mark.django_db
def test_the_models_have_no_change_without_a_migration():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_a_site_on_https_passes_djangos_deployment_check(data_dir):
    site = {"SITE_URL": "https://spiders.example.org", "DATA_DIR": str(data_dir)}
    assert passes(python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **site))


def test_the_default_site_passes_djangos_check(data_dir):
    assert passes(python("manage.py", "check", "--fail-level", "WARNING", DATA_DIR=str(data_dir)))
