from __future__ import annotations

from tasks.api import (
    data_router,
    files_router,
    gateway_router,
    problems,
    runs_router,
    standing_router,
    system_router,
    tasks_router,
)
from tasks.api.auth import READ
from tasks.api.guard import guard
from tasks.api.limits import PerCaller
from tasks.api.openapi import Api
from tasks.api.parsing import StrictParser
from tasks.api.reference.page import Reference

api = Api(
    title="Spider Scheduler",
    version="1.0.0",
    description="Schedule, run and watch spiders. Sign in, or send an API token as bearer token.",
    urls_namespace="api",
    auth=READ,
    throttle=PerCaller(),
    parser=StrictParser(),
    docs=Reference(),
)
problems.install(api)
api.add_decorator(guard, mode="view")
for module in (
    tasks_router,
    files_router,
    runs_router,
    data_router,
    standing_router,
    system_router,
    gateway_router,
):
    api.add_router("", module.router)
