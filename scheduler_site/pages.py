from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.deprecation import MiddlewareMixin


class PlainQueries(MiddlewareMixin):
    """No page has a use for a NUL in its address, and PostgreSQL takes none. The API has words of
    its own for it."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path.startswith("/admin/") and "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest


class CompressedPages(GZipMiddleware):
    """Compresses pages, and nothing else: an event stream would be held back until a block of it is
    full, and files are compressed already or read in parts."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_page = response.get("Content-Type", "").startswith("text/html")
        if response.streaming or not is_page:
            return response
        return super().process_response(request, response)
