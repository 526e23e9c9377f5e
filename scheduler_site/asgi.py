from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from scheduler_site.bodies import WholeBodies
from scheduler_site.threads import FixedThreads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")

application = WholeBodies(FixedThreads(get_asgi_application()))
