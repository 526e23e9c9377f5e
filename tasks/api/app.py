from __future__ import annotations

from ninja import NinjaAPI

from tasks.api import gateway_router, problems, runs_router, system_router, tasks_router
from tasks.api.auth import READ
from tasks.api.guard import guard
from tasks.api.parsing import StrictParser

api = NinjaAPI(
    title="Spider Scheduler",
    version="1.0.0",
    description="Schedule, run and watch spiders.",
    urls_namespace="api",
    auth=READ,
    parser=StrictParser(),
)
problems.install(api)
api.add_decorator(guard, mode="view")
for module in (tasks_router, runs_router, system_router, gateway_router):
    api.add_router("", module.router)
