#!/usr/bin/env python
# PYTHON_ARGCOMPLETE_OK
from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    if "_ARGCOMPLETE" in os.environ:
        answer_shell()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")


def answer_shell() -> None:
    import django

    django.setup()
    from tasks.management.verbs.completion import answer_shell

    answer_shell()


if __name__ == "__main__":
    main()
