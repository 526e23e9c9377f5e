from __future__ import annotations

import asyncio
import socket

from .addresses import problem_of_connection
from .context import RunContext
from .guard import refuse


async def allowed_addresses(host: str, port: int, context: RunContext) -> list[str]:
    """Of a name the literal addresses that may be connected to; raises AddressRefused for none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    problems = {each: problem_of_connection(each, port, context.rules) for each in addresses}
    allowed = [each for each, problem in problems.items() if problem is None]
    if not allowed:
        raise refuse(context, f"{addresses[0]}:{port}", str(problems[addresses[0]]))
    return allowed
