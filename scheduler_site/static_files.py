from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.files.base import ContentFile
from django.http import HttpRequest, HttpResponseBase
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

CHUNK = 65_536
BUNDLES = ("tasks/site.css",)
IMPORT = re.compile(rb'^@import "([\w.-]+)";$', re.MULTILINE)
Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise for ASGI: Django reads a file response whole, and warns, unless it is async."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Answer:
        if not self.is_async:
            return super().__call__(request)  # type: ignore[no-any-return]
        return self.answer(request)

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        find = self.find_file if self.autorefresh else self.files.get
        file: StaticFile | None = find(request.path_info)
        if file is None:
            return await self.get_response(request)  # type: ignore[no-any-return]
        return self.serve_async(file, request)

    @staticmethod
    def serve_async(static_file: StaticFile, request: HttpRequest) -> HttpResponseBase:
        found = static_file.get_response(request.method, request.META)
        response = WhiteNoiseFileResponse(found.file or (), status=int(found.status))
        response.streaming_content = chunks(found.file)
        del response["content-type"]
        for name, value in found.headers:
            response[name] = value
        return response  # type: ignore[no-any-return]


async def chunks(file: BinaryIO | None) -> AsyncIterator[bytes]:
    while file and (chunk := await asyncio.to_thread(file.read, CHUNK)):
        yield chunk


class CompressedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Bundled, hashed and gzipped. Brotli would be a sixth smaller and makes the first start 15 s
    longer."""

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool | Exception]]:
        if not dry_run:
            for name in BUNDLES:
                paths = self.bundled(name, paths)
        yield from super().post_process(paths, dry_run, **options)

    def bundled(self, name: str, paths: dict[str, Any]) -> dict[str, Any]:
        """With the files that a style sheet imports in its place: a browser fetches one instead of
        eight before it shows anything."""
        if name not in paths:
            return paths

        def content(of: str) -> bytes:
            storage, path = paths[of]
            with storage.open(path) as file:
                return bytes(file.read())

        folder = PurePosixPath(name).parent
        whole = IMPORT.sub(lambda found: content(str(folder / found[1].decode())), content(name))
        self.delete(name)
        self.save(name, ContentFile(whole))
        return {**paths, name: (self, name)}

    def create_compressor(self, **options: Any) -> Compressor:
        return Compressor(use_brotli=False, **options)
