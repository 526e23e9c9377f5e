from __future__ import annotations

import logging
import socket
from typing import Any

import uvicorn
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from scheduler_site.warming import warm_up

# Open event streams are cut after this; a browser comes back by itself.
GRACE_SECONDS = 3


class Command(BaseCommand):
    help = "Serves the site (ASGI)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.BIND_ADDRESS)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        demand_static_files()
        warm_up()
        listener = listen(options["host"], options["port"])
        self.stdout.write(f"Serving {settings.SITE_URL}/")
        server = uvicorn.Server(configuration())
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        if not server.started:
            raise CommandError("The site could not start; the lines above say why.")


def demand_static_files() -> None:
    """Without them every page would answer 500."""
    manifest = getattr(staticfiles_storage, "manifest_name", None)
    if manifest and not staticfiles_storage.exists(manifest):
        raise CommandError(
            f"There are no static files in {settings.STATIC_ROOT}. "
            "Run manage.py setup_site (or collectstatic) first."
        )


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(
            f"Can't listen on {host}, port {port}: {reason}. Choose another with --port or PORT."
        ) from error


def configuration() -> uvicorn.Config:
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return uvicorn.Config(
        "scheduler_site.asgi:application",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=bool(settings.FORWARDED_ALLOW_IPS),
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
