from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tasks.services.demo import load_demo


class Command(BaseCommand):
    help = "Adds the demo tasks, which crawl the demo shop, to an empty database."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo is off. Switch it on with DEMO=on.")
        added = load_demo(site_url=settings.SITE_URL)
        if options["verbosity"]:
            said = f"{added} demo tasks were added." if added else "Nothing added: there are tasks."
            self.stdout.write(said)
