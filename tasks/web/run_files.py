"""What a run left behind: its log, its items, and a bundle of both for a developer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from tasks.downloads import download
from tasks.execution.exports import exported_file
from tasks.execution.folder import run_folder
from tasks.execution.items import CONTENT_TYPES, Format, export_items
from tasks.execution.logfile import LogFile
from tasks.models import Run
from tasks.web import bundle, failing, log_view
from tasks.web.numbers import whole_number
from tasks.web.run_view import find_run
from tasks.web.zones import zone_of


def _name(run: Run, ending: str) -> str:
    return f"{run.task_key}-{run.at:%Y%m%d-%H%M%S}.{ending}"


@require_GET
def log_lines(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """The lines since an offset: what the page asks for while the run goes on."""
    run = find_run(request, run_id)
    offset = whole_number(request.GET.get("after", "0"))
    if offset is None:
        raise Http404
    part = log_view.after(run, offset, zone_of(request.user))
    lines = [line.as_json() for line in part.lines]
    ended = run.is_ended and part.next >= part.size
    return JsonResponse({"lines": lines, "next": part.next, "ended": ended})


@require_GET
def log_file(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    run = find_run(request, run_id)
    return download(
        _log_parts(run), name=_name(run, "log"), content_type="text/plain; charset=utf-8"
    )


@require_GET
def failing_page(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    """Somebody else's page: to be kept as a text, never to be shown as a page of ours."""
    run = find_run(request, run_id)
    if failing.failing_page(run) is None:
        raise Http404
    name = _name(run, "page.txt")
    parts = failing.parts_of(run)
    return download(parts, name=name, content_type="text/plain; charset=utf-8")


def _log_parts(run: Run) -> Iterator[bytes]:
    log = LogFile(run_folder(run))
    chunk = log.read(0)
    while chunk.data:
        yield chunk.data
        chunk = log.read(chunk.end)


@require_GET
def items_file(request: HttpRequest, run_id: UUID, form: str) -> StreamingHttpResponse:
    run = find_run(request, run_id)
    if form not in CONTENT_TYPES:
        raise Http404
    return download(
        export_items(run_folder(run), cast("Format", form)),
        name=_name(run, form),
        content_type=CONTENT_TYPES[form],
    )


@require_GET
def exported(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    file = exported_file(find_run(request, run_id))
    if file is None:
        raise Http404
    return download(file.parts, name=file.name, content_type=file.content_type)


@require_GET
def bundle_file(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = find_run(request, run_id)
    response = HttpResponse(bundle.build(run), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{_name(run, "zip")}"'
    return response
