"""Runs a pipeline: a chain of the project's own classes, each given what the one before returned.

{"chain": [{"class": "shop.steps.Load", "kwargs": {"url": "..."}}, {"class": ...}]}
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .context import RunContext
from .jobs import JobRun, log_to_the_run
from .own_code import is_file_of_project, is_of_product
from .project import enter_project, project_path

logger = logging.getLogger(__name__)

METHODS = ("run", "execute", "process")


class BadStep(Exception):
    def __init__(self, message: str, code: str, **values: str) -> None:
        super().__init__(message)
        self.said = {"code": code, **values}


def run_chain(context: RunContext) -> int:
    path = project_path()
    enter_project(path)
    log_to_the_run()
    limits, chain = context.order.limits, context.order.arguments.get("chain") or []
    with JobRun(context.folder, items_bytes=limits.items_bytes) as job:
        try:
            for item in items_of(run_steps(chain, Path(path))):
                job.emit(item)
        except BadStep as error:
            job.fail("BadStep", str(error), error.said)
    return int(job.error is not None)


def run_steps(chain: Iterable[Mapping[str, Any]], project: Path) -> Any:
    # All are loaded first: a misspelt last step shows before the first has done anything.
    steps = [(load_class(step["class"], project), step.get("kwargs") or {}) for step in chain]
    result: Any = None
    for number, (cls, kwargs) in enumerate(steps, 1):
        logger.info("Step %s of %s: %s", number, len(steps), cls.__name__)
        result = _perform(cls(**kwargs), result)
    return result


def load_class(path: str, project: Path) -> type:
    """Only what the project itself defines: a class of a library could do anything at all."""
    module_name, _, name = path.rpartition(".")
    if not _is_of_project(module_name, project):
        raise BadStep(f"{path} is not a class of this project.", "step_foreign", path=path)
    found = getattr(import_module(module_name), name, None)
    if not inspect.isclass(found) or found.__module__ != module_name:
        message = f"{module_name} has no class {name} of its own."
        raise BadStep(message, "step_missing", module=module_name, name=name)
    if not any(callable(getattr(found, method, None)) for method in METHODS):
        methods = ", ".join(METHODS)
        message = f"{path} has none of the methods {methods}."
        raise BadStep(message, "step_idle", path=path, methods=methods)
    return found


def _is_of_project(module: str, project: Path) -> bool:
    if not module or is_of_product(module, project):
        return False
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    return bool(spec and spec.origin and is_file_of_project(Path(spec.origin), project))


def _perform(step: Any, previous: Any) -> Any:
    method = next(getattr(step, name) for name in METHODS if hasattr(step, name))
    result = method(previous) if _takes_argument(method) else method()
    return asyncio.run(_awaited(result)) if _is_async(result) else result


def _takes_argument(method: Any) -> bool:
    parameters = inspect.signature(method).parameters.values()
    positional = {
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    }
    return any(parameter.kind in positional for parameter in parameters)


def _is_async(result: Any) -> bool:
    return inspect.isawaitable(result) or isinstance(result, AsyncIterable)


async def _awaited(result: Any) -> Any:
    if inspect.isawaitable(result):
        result = await result
    return [each async for each in result] if isinstance(result, AsyncIterable) else result


def items_of(result: Any) -> Iterator[dict[str, Any]]:
    """What the last step returned, as items: one, many, or plain values."""
    if result is None:
        return
    is_many = isinstance(result, Iterable) and not isinstance(result, (str, bytes, Mapping))
    for each in result if is_many else [result]:
        yield dict(each) if isinstance(each, Mapping) else {"value": each}
