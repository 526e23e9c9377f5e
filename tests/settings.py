from __future__ import annotations

from tests.environment import prepare

DATA = prepare()

from scheduler_site.settings import *  # noqa: E402, F403
from scheduler_site.settings import DATABASES, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, so that the real processes which tests start see the same tables.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA / "test.sqlite3")}
