"""The check for browsers of scrapy-playwright. A page makes requests of its own, follows redirects
and resolves names itself: all of it goes through a proxy of ours. Of a browser on another machine
only the addresses as they are written can be judged."""

from __future__ import annotations

import inspect
from typing import Any

from .addresses import problem_of_url
from .browser_proxy import BrowserProxy
from .context import RunContext
from .guard import refuse

INNER_SCHEMES = ("about:", "blob:", "data:")


def guard(handler: Any, context: RunContext) -> None:
    handler.abort_request = _abort(handler.abort_request, context)
    config = handler.config
    is_elsewhere = config.cdp_url or config.connect_url
    if not is_elsewhere and "proxy" not in config.launch_options:  # code may choose its own
        _use_proxy(handler, BrowserProxy(context))


def _abort(own: Any, context: RunContext) -> Any:
    async def abort(request: Any) -> bool:
        why = None
        if not request.url.startswith(INNER_SCHEMES):
            why = problem_of_url(request.url, context.rules)
        if why:
            refuse(context, request.url, why)
            return True
        wanted = own(request) if own else False
        return bool(await wanted if inspect.isawaitable(wanted) else wanted)

    return abort


def _use_proxy(handler: Any, proxy: BrowserProxy) -> None:
    launch, create, download, close = (
        handler._launch, handler._create_browser_context, handler._download_request, handler._close
    )  # fmt: skip

    async def guarded_launch() -> None:
        await proxy.start()
        handler.config.launch_options["proxy"] = {"server": proxy.url}
        await launch()

    async def guarded_create(name: str, context_kwargs: Any, spider: Any = None) -> Any:
        if (context_kwargs or {}).get("user_data_dir"):
            # It starts a browser of its own.
            context_kwargs = {"proxy": {"server": proxy.url}, **context_kwargs}
        return await create(name=name, context_kwargs=context_kwargs, spider=spider)

    async def guarded_download(*args: Any, **kwargs: Any) -> Any:
        response = await download(*args, **kwargs)
        response.ip_address = None  # the proxy's own, which says nothing of the website
        return response

    async def guarded_close() -> None:
        await close()
        await proxy.stop()

    handler._launch, handler._create_browser_context = guarded_launch, guarded_create
    handler._download_request, handler._close = guarded_download, guarded_close
