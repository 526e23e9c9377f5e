from __future__ import annotations

import logging
import signal
import socket
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from tasks.checks import TAG as CHECKS
from tasks.execution.postman import Postman
from tasks.execution.worker import Worker
from tasks.models import Run
from tasks.scheduling import daemon
from tasks.scheduling.clocks import steady
from tasks.scheduling.host import Clock
from tasks.scheduling.lease import TTL
from tasks.services.delivering import deliver_due
from tasks.services.firing import Fired

logger = logging.getLogger("tasks.scheduler")

GOOD = (Run.Status.SUCCEEDED, Run.Status.SUSPICIOUS)


class Command(BaseCommand):
    help = "Fires schedules when they are due, and runs spiders on this host."
    # Those of the URLs would load every page of the site, for a process that serves none.
    requires_system_checks = (Tags.models, Tags.database, Tags.caches, CHECKS)

    def add_arguments(self, parser: ArgumentParser) -> None:
        once = parser.add_mutually_exclusive_group()
        once.add_argument(
            "--once", action="store_true", help="fire what is due, wait for those runs, and exit"
        )
        once.add_argument("--daemon", action="store_true", help="run in the background")
        once.add_argument("--stop", action="store_true", help="end the one in the background")
        parser.add_argument(
            "--stop-runs", action="store_true", help="end running spiders too when stopping"
        )
        parser.add_argument("--config", metavar="FILE", help="import this task file first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except daemon.DaemonError as error:
            raise CommandError(str(error)) from None

    def _handle(self, options: dict[str, Any]) -> None:
        if options["stop"]:
            pid = daemon.stop(stop_runs=options["stop_runs"])
            self.stdout.write(f"The scheduler ({pid}) has ended.")
            return
        if settings.SCHEDULER_MODE == "legacy":
            self._run_pipelines()
            return
        for path in filter(None, (settings.PIPELINES_CONFIG, options["config"])):
            self._import(path)
        if options["daemon"]:
            daemon.detach()
        session = _Session(stop_runs=options["stop_runs"])
        if options["once"]:
            raise SystemExit(session.run_once())
        session.run()

    def _import(self, path: str) -> None:
        call_command("tasks", "import", path, stdout=self.stdout)

    def _run_pipelines(self) -> None:
        if not settings.PIPELINES_CONFIG:
            raise CommandError("SCHEDULER_MODE=legacy needs PIPELINES_CONFIG, a pipelines.yml.")
        call_command("run_pipelines", settings.PIPELINES_CONFIG, stdout=self.stdout)


class _Session:
    """One life of a scheduler: the clock in this thread, the worker in its own."""

    def __init__(self, *, stop_runs: bool) -> None:
        self.stop_runs = stop_runs
        self.started: list[UUID] = []
        self.worker = Worker(socket.gethostname(), settings.SCHEDULER_MAX_WORKERS)
        self.clock = Clock(
            on_fired=lambda fired: self.worker.wake(), condition=lambda: self.worker.condition
        )
        self.postman = Postman(leads=lambda: self.clock.keeper.lease.is_held)
        self.ending = False

    @property
    def name(self) -> str:
        return self.clock.keeper.presence.name

    def run(self) -> None:
        self._listen()
        self.worker.start()
        self.postman.start()
        logger.info("scheduler %s started", self.name)
        try:
            self.clock.start()
        finally:
            self.worker.stop(stop_runs=self.stop_runs)
            self.postman.stop()
            logger.info("scheduler %s stopped", self.name)

    def run_once(self) -> int:
        """0 if all the runs that this fired succeeded, else 1."""
        self._listen()
        keeper = self.clock.keeper
        keeper.on_fired = self._remember
        self._lead()
        try:
            self.clock.start_without_loop()
            keeper.tick()
        finally:
            keeper.lease.release()
        self.worker.start()
        try:
            while not self.ending and self._unfinished():
                keeper.presence.beat(is_leader=False)
                self.clock.pause_for(0.2)
        finally:
            self.worker.stop(stop_runs=self.stop_runs)
            keeper.stop()
        deliver_due(may_go_on=lambda: not self.ending)
        good = Run.objects.filter(pk__in=self.started, status__in=GOOD).count()
        return 0 if good == len(self.started) else 1

    def _lead(self) -> None:
        deadline = steady() + TTL.total_seconds() + 1
        while not self.clock.keeper.lease.keep():
            if self.ending or steady() > deadline:
                raise CommandError("Another scheduler is running; it fires what is due.")
            self.clock.pause_for(0.5)

    def _unfinished(self) -> bool:
        return Run.objects.active().filter(pk__in=self.started).exists()

    def _remember(self, fired: Fired) -> None:
        self.started += [run.id for run in fired.runs if run.status == Run.Status.QUEUED]

    def _listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        signal.signal(signal.SIGUSR1, lambda *_: self._end(stop_runs=True))

    def _end(self, *, stop_runs: bool = False) -> None:
        self.stop_runs = self.stop_runs or stop_runs
        self.ending = True
        self.clock.ask_to_stop()
