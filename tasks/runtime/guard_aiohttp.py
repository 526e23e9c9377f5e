"""The check for downloads by aiohttp."""

from __future__ import annotations

import socket
from typing import Any

from .addresses import problem_of_connection
from .context import RunContext
from .guard import refuse


def guard(handler: Any, context: RunContext) -> None:
    def guarded_socket(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _name, address = info
        why = problem_of_connection(str(address[0]), int(address[1]), context.rules)
        if why:
            raise refuse(context, f"{address[0]}:{address[1]}", why)
        return socket.socket(family=family, type=kind, proto=protocol)

    # aiohttp calls this with each resolved address, right before it connects.
    handler._session.connector._socket_factory = guarded_socket
