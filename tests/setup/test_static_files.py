from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finder
from django.core.management import call_command
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from scheduler_site.pages import CompressedPages
from scheduler_site.static_files import StaticFilesMiddleware
from tests.waiting import run_async


async def answer_async(request):
    return HttpResponse(b"page")


def answer(request):
    return HttpResponse(b"page")


@pytest.fixture
def sheet(settings, tmp_path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    file = settings.STATIC_ROOT / "look.css"
    file.parent.mkdir()
    file.write_text("body {}" * 20_000)
    return file


async def body(response) -> bytes:
    return b"".join([part async for part in response])


async def fetch(method="GET", **headers):
    request = AsyncRequestFactory().generic(method, "/static/look.css", **headers)
    response = await StaticFilesMiddleware(answer_async)(request)
    content = await body(response)
    response.close()
    return response, content


# Warnings are errors here, so reading a response is itself the check that Django raises none.
def test_a_file_is_streamed_without_a_warning(sheet):
    response, content = run_async(fetch())
    assert content == sheet.read_bytes()
    assert response["Content-Type"] == 'text/css; charset="utf-8"'
    assert response["Content-Length"] == str(len(content))


def test_the_open_file_is_closed_with_the_response(sheet):
    response, _ = run_async(fetch())
    assert response.closed


def test_a_part_of_a_file_is_sent(sheet):
    response, content = run_async(fetch(headers={"Range": "bytes=0-3"}))
    assert (response.status_code, content) == (206, b"body")


def test_only_the_headers_are_sent_for_head(sheet):
    response, content = run_async(fetch("HEAD"))
    assert (response.status_code, content) == (200, b"")


def test_a_known_file_is_not_sent_again(sheet):
    etag = run_async(fetch())[0]["ETag"]
    response, content = run_async(fetch(headers={"If-None-Match": etag}))
    assert (response.status_code, content) == (304, b"")


def test_a_file_cannot_be_posted_to(sheet):
    assert run_async(fetch("POST"))[0].status_code == 405


@pytest.mark.parametrize("path", ["/", "/static/none.css", "/static/../db.sqlite3"])
def test_other_paths_go_to_the_site(sheet, path):
    request = AsyncRequestFactory().get(path)
    response = run_async(StaticFilesMiddleware(answer_async)(request))
    assert response.content == b"page"


@pytest.mark.django_db  # the end of a response closes old connections
def test_with_debug_a_file_made_later_is_found(settings, sheet):
    settings.DEBUG = True
    later = sheet.with_name("later.css")
    middleware = StaticFilesMiddleware(answer_async)
    later.write_text("p {}")
    response = run_async(middleware(AsyncRequestFactory().get("/static/later.css")))
    assert run_async(body(response)) == b"p {}"
    response.close()


@pytest.mark.django_db  # the end of a response closes old connections
def test_it_serves_a_synchronous_site_too(sheet):
    response = StaticFilesMiddleware(answer)(RequestFactory().get("/static/look.css"))
    assert b"".join(response.streaming_content) == sheet.read_bytes()
    response.close()


def test_collected_styles_are_one_file(settings, tmp_path):
    source = tmp_path / "source" / "tasks"
    source.mkdir(parents=True)
    (source / "site.css").write_text('/* All */\n@import "a.css";\n@import "b.css";\n')
    for name in "ab":
        (source / f"{name}.css").write_text(f".{name} {{}}")
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATICFILES_DIRS = [source.parent]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    ours = {"BACKEND": "scheduler_site.static_files.CompressedStaticFiles"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": ours}
    get_finder.cache_clear()
    try:
        for _ in range(2):
            call_command("collectstatic", interactive=False, verbosity=0)
            (collected,) = (settings.STATIC_ROOT / "tasks").glob("site.*.css")
            assert collected.read_text() == "/* All */\n.a {}\n.b {}\n"
    finally:
        get_finder.cache_clear()


def compressed(response):
    request = RequestFactory(headers={"Accept-Encoding": "gzip"}).get("/")
    return "Content-Encoding" in CompressedPages(lambda _request: response)(request)


def test_pages_are_compressed_and_nothing_that_somebody_waits_for_line_by_line():
    page = b"<p>" + b"words " * 200
    assert compressed(HttpResponse(page))
    assert not compressed(HttpResponse(page, content_type="application/json"))
    assert not compressed(StreamingHttpResponse([page], content_type="text/event-stream"))
    assert not compressed(StreamingHttpResponse([page]))
