from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
django.setup(set_prefix=False)

from scheduler_site.bodies import WholeBodies  # noqa: E402
from scheduler_site.threads import FixedThreads, InOneGo  # noqa: E402

application = WholeBodies(FixedThreads(InOneGo()))
