from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from tasks.api.auth import Caller
from tasks.api.problems import problem
from tasks.api.streams.frames import HEARTBEAT, OPENING, end_frame, progress_frame
from tasks.api.streams.places import Place, take_place
from tasks.api.streams.snapshots import Snapshot, snapshot_of
from tasks.api.streams.watcher import watcher
from tasks.execution.folder import run_folder
from tasks.execution.logfile import LogFile
from tasks.models import Run
from tasks.services.errors import InvalidInput

HEARTBEAT_EVERY = 15.0
_OFFSET = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Following:
    run_id: UUID
    folder: Path
    now: Snapshot
    offset: int
    place: Place


def follow_response(
    request: HttpRequest, run: Run, caller: Caller, *, after: int = 0
) -> HttpResponseBase:
    """The stream; 204 for who has seen all of it; 429 for who holds too many."""
    offset = last_event_id(request)
    folder = run_folder(run)
    if offset is not None and run.is_ended and offset >= LogFile(folder).size():
        return HttpResponse(status=204)
    place = take_place(caller.user.pk, most=settings.MAX_STREAMS_PER_PERSON)
    if place is None:
        return problem(
            429, _("Too many open streams. Close one first."), headers={"Retry-After": "5"}
        )
    begin = after if offset is None else offset
    following = Following(run.pk, folder, snapshot_of(run), begin, place)
    return StreamingHttpResponse(
        stream(following),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def last_event_id(request: HttpRequest) -> int | None:
    given = request.headers.get("Last-Event-ID", "").strip()
    if not given:
        return None
    if not _OFFSET.fullmatch(given):
        raise InvalidInput({"Last-Event-ID": [_("Send the id of the last event as it came.")]})
    return int(given)


async def stream(following: Following) -> AsyncIterator[bytes]:
    """1. Catch up from the offset. 2. Wait for news of log or row. 3. End with the run."""
    source = watcher()
    tail = source.follow(following.run_id, following.folder, following.now)
    offset, shown = following.offset, None
    try:
        yield OPENING
        while True:
            # Taken before reading: what comes after is not missed.
            changed, now = tail.changed, tail.now
            if now != shown:
                yield progress_frame(now)
                shown = now
            part = await tail.part(offset, ended=now.ended)
            if part.end > offset:
                offset = part.end
                yield part.frames
            elif now.ended:
                yield end_frame(now, offset)
                return
            elif not await happens(changed, HEARTBEAT_EVERY):
                yield HEARTBEAT
    finally:
        source.leave(tail)
        following.place.give_back()


async def happens(changed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
