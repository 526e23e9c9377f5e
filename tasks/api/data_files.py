from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tasks.downloads import download
from tasks.execution.folder import run_folder
from tasks.execution.items import CONTENT_TYPES, Format, export_items
from tasks.services.data_links import FORMATS, latest_good_run
from tasks.services.errors import NotFound


@require_safe
def latest_good_data(request: HttpRequest, name: str) -> HttpResponseBase:
    """The address is the key: it needs no login, so that a spreadsheet can refresh from it."""
    secret, _dot, form = name.rpartition(".")
    try:
        run = latest_good_run(secret=secret) if form in FORMATS else None
    except NotFound:
        run = None
    if run is None:
        message = _("There is no such data, or no good run yet.")
        return HttpResponse(message, status=404, content_type="text/plain; charset=utf-8")
    parts = export_items(run_folder(run), cast("Format", form))
    file = f"{run.task_key}.{form}"
    response = download(parts, name=file, content_type=CONTENT_TYPES[form])
    if run.finished_at is not None:
        response["Last-Modified"] = run.finished_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    # A secret address must not travel on, nor stay in shared caches or search engines.
    response["Cache-Control"] = "private, no-cache"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
