from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tasks.execution.performing import perform


class Command(BaseCommand):
    help = "Performs one claimed run. The dispatcher starts it; it is of no use by hand."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("token")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(perform(options["folder"], options["token"]))
