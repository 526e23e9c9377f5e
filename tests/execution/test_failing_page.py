"""The page that a run went wrong at, kept by real spiders on a real website."""

from __future__ import annotations

import pytest

from tasks.execution.folder import run_folder, size_of
from tasks.runtime.files import PAGE_FACTS, PAGE_TEXT, read_json
from tasks.secrets import seal

# spider, path, why, what is kept
ROWS = [
    ("raises_in_callback", "/ok", "callback", "<title>Fine</title>"),
    ("pages", "/403", "status", "answer 403"),
    ("pages", "/500", "status", "answer 500"),
    ("yields_nothing", "/login", "wall", "type='password'"),
    ("yields_nothing", "/captcha", "wall", "g-recaptcha"),
    ("pages", "/guarded", "wall", "h-captcha"),
    ("yields_nothing", "/ok", "empty", "<title>Fine</title>"),
]


def kept(run):
    folder = run_folder(run)
    return read_json(folder / PAGE_FACTS) or {}, (folder / PAGE_TEXT).read_text("utf-8")


@pytest.mark.parametrize(("spider", "path", "why", "text"), ROWS)
def test_the_page_that_explains_most_is_kept(bench, site, spider, path, why, text):
    run = bench.until_ended(bench.queue(spider, arguments={"start_urls": site.url + path}))
    facts, page = kept(run)
    assert (facts["why"], facts["url"]) == (why, site.url + path)
    assert text in page
    assert size_of(run_folder(run)) >= len(page)


def test_a_good_run_keeps_none(bench, site):
    run = bench.until_ended(bench.queue("pages", arguments={"start_urls": f"{site.url}/ok"}))
    assert run.status == "succeeded"
    assert not (run_folder(run) / PAGE_TEXT).exists()


def test_a_long_page_is_cut_and_secrets_are_taken_out(bench, site):
    run = bench.queue("yields_nothing", arguments={"start_urls": f"{site.url}/echo?key=hush-hush"})
    run.secrets = {"api_key": seal("hush-hush")}
    run.save()
    facts, page = kept(bench.until_ended(run))
    assert facts["is_cut"]
    assert 100 * 1024 < (run_folder(run) / PAGE_TEXT).stat().st_size <= 512 * 1024
    assert "hush-hush" not in page + facts["url"]
    assert "password=••••••" in page
