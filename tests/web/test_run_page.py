from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from tasks.execution.folder import run_folder
from tasks.models import Run, SpiderInfo
from tasks.secrets import MASK, seal
from tasks.services.tasks import create_task
from tasks.web.item_view import cell, heading

LOG = "2026-03-24 10:00:{second:02} [shop] {level}: {text}\n"


@pytest.fixture
def task(db):
    SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())
    return create_task(task_id="shoes", name="Shoes", spider="shop")


def make_run(task, status="succeeded", minutes=0, items=(), log=(), **fields):
    at = timezone.now() - timedelta(minutes=minutes)
    run = Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider="shop", status=status,
        trigger="schedule", at=at, started_at=at, items=len(items), pages=4,
        finished_at=None if status == "running" else at + timedelta(seconds=20), **fields,
    )  # fmt: skip
    folder = run_folder(run)
    folder.mkdir(parents=True)
    (folder / "items.jsonl").write_text("".join(json.dumps(each) + "\n" for each in items))
    lines = (
        LOG.format(second=i % 60, level=level, text=text) for i, (level, text) in enumerate(log)
    )
    (folder / "run.log").write_text("".join(lines))
    return run


@pytest.fixture
def look(client, viktor):
    client.force_login(viktor)

    def read(name, run, *args, **query):
        return client.get(reverse(f"admin:tasks_run_{name}", args=[run.pk, *args]), query)

    return read


GOODS = [
    {"name": "Mug", "price": 9.5, "url": "https://s.example/1", "new": True},
    {"name": "=cmd()", "price": 1000000, "url": "https://s.example/2", "tags": ["a", "b"]},
]


def test_items_are_a_table_with_links_and_plain_words(look, task):
    page = look("page", make_run(task, items=GOODS)).content.decode()
    assert "First 2 items" in page
    assert 'href="https://s.example/1" rel="noreferrer noopener nofollow"' in page
    assert ">1,000,000<" in page
    assert ">yes<" in page
    assert "a, b" in page


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_a_number_beyond_all_bounds_spoils_no_page(number):
    text = cell(number).text
    assert text == str(number)[: len(text) - 1] + "…"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), "nan"), (3.0, "3.0"), (2.25, "2.25"), ({"a": 1}, '{"a": 1}'),
     ("<b>", "<b>"), (10**20, str(10**20)), (float("-inf"), "-inf"), (2026, "2026")],
)  # fmt: skip
def test_a_cell_is_readable_whatever_it_holds(value, text):
    assert cell(value).text == text


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "jsonl"])
def test_items_are_taken_away_without_running_formulas(look, task, form):
    answer = look("items", make_run(task, items=GOODS), form)
    content = b"".join(answer.streaming_content)
    assert 'filename="shoes-' in answer["Content-Disposition"]
    if form == "xlsx":
        sheet = load_workbook(io.BytesIO(content)).active
        assert sheet["A3"].value == "'=cmd()"
    elif form == "csv":
        assert "'=cmd()" in content.decode()
    else:
        assert b'"Mug"' in content


def test_the_file_of_an_export_is_offered_and_given_by_both_doors(look, task, client):
    run = make_run(task, kind="export", arguments={"task": "shoes", "format": "csv"})
    assert "shoes.csv" not in look("page", run).content.decode()
    assert look("file", run).status_code == 404
    (run_folder(run) / "shoes.csv").write_text("name\nMug\n")
    assert f'href="{reverse("admin:tasks_run_file", args=[run.pk])}"' in (
        look("page", run).content.decode()
    )
    for address in (reverse("admin:tasks_run_file", args=[run.pk]), f"/api/v1/runs/{run.pk}/file"):
        answer = client.get(address)
        assert b"".join(answer.streaming_content) == b"name\nMug\n"
        assert answer["Content-Disposition"] == 'attachment; filename="shoes.csv"'


def test_a_link_in_place_of_an_exports_file_leads_nowhere(look, task, tmp_path):
    run = make_run(task, kind="export", arguments={"task": "shoes", "format": "csv"})
    (tmp_path / "secret").write_text("secret")
    (run_folder(run) / "shoes.csv").symlink_to(tmp_path / "secret")
    assert look("file", run).status_code == 404


def test_an_unknown_form_of_items_is_not_found(look, task):
    assert look("items", make_run(task), "exe").status_code == 404


def test_the_log_is_shown_escaped_with_its_errors_marked(look, task):
    run = make_run(task, log=[("INFO", "Spider opened"), ("ERROR", "<script>boom</script>")])
    page = look("page", run).content.decode()
    assert "&lt;script&gt;boom" in page
    assert 'class="sp-log__error"' in page
    only = look("page", run, errors="1").content.decode()
    assert "boom" in only
    assert "Spider opened" not in only
    found = look("page", run, find="OPENED").content.decode()
    assert "Spider opened" in found
    assert "boom" not in found
    assert "No line matches." in look("page", run, find="nowhere").content.decode()


def test_a_huge_log_is_shown_from_its_end_and_read_backwards(look, task):
    run = make_run(task, log=[("INFO", f"line {i} " + "x" * 200) for i in range(3000)])
    answer = look("page", run)
    page = answer.content.decode()
    assert len(page) < 300 * 1024
    assert "line 2999 " in page
    assert "line 1 " not in page
    start = answer.context["log"].start
    older = look("page", run, before=start).content.decode()
    assert "line 2999 " not in older
    assert "Show older lines" in older
    assert "Show the newest lines" in older


def test_older_lines_of_a_running_run_stay_as_they_are(look, task):
    run = make_run(task, status="running", log=[("INFO", f"line {i}") for i in range(3000)])
    assert "data-live-log" in look("page", run).content.decode()
    assert "data-live-log" not in look("page", run, before=40_000).content.decode()


def test_the_whole_log_is_downloaded(look, task):
    run = make_run(task, log=[("INFO", "x" * 900) for _i in range(900)])
    content = b"".join(look("log_file", run).streaming_content)
    assert content == (run_folder(run) / "run.log").read_bytes()


def test_new_lines_come_by_their_offset(look, task):
    run = make_run(task, "running", log=[("INFO", "first")])
    part = look("log", run, after="0").json()
    assert [line["text"] for line in part["lines"]] == ["first"]
    assert not part["ended"]
    with (run_folder(run) / "run.log").open("a") as log:
        log.write(LOG.format(second=9, level="WARNING", text="second"))
    part = look("log", run, after=part["next"]).json()
    assert [(line["word"], line["text"]) for line in part["lines"]] == [("Note", "second")]
    Run.objects.update(status="succeeded", finished_at=timezone.now())
    assert look("log", run, after=part["next"]).json()["ended"]
    for wrong in ("-1", "x", "9" * 30):
        assert look("log", run, after=wrong).status_code == 404


def test_a_running_run_is_compared_with_a_usual_one(look, task):
    for minutes in (30, 20, 10):
        make_run(task, minutes=minutes, items=[{"name": str(i)} for i in range(8)])
    run = make_run(task, "running", items=[{"name": str(i)} for i in range(4)])
    page = look("live", run).content.decode()
    assert "50% of a usual run" in page
    assert "Running: 4 items so far" in page
    assert "about 8 is usual" in page


def test_what_changed_since_the_good_run_before_is_told(look, task):
    make_run(
        task,
        minutes=10,
        items=[{"url": "1", "name": "Mug", "price": 9}, {"url": "2", "name": "Jar", "price": 5}],
    )
    run = make_run(
        task,
        items=[{"url": "1", "name": "Mug", "price": 8}, {"url": "3", "name": "Pan", "price": 7}],
    )
    page = look("page", run).content.decode()
    for words in ("1 new item", "1 item gone", "1 item changed", "price: 9 → 8", "Pan", "Jar"):
        assert words in page


def test_the_same_items_are_told_as_such(look, task):
    make_run(task, minutes=10, items=[{"url": "1", "scraped_at": "a"}])
    run = make_run(task, items=[{"url": "1", "scraped_at": "b"}])
    assert "The same items as in the run before" in look("page", run).content.decode()


def test_nothing_found_is_no_percentage_and_an_empty_log_is_no_promise(look, task):
    for _ in range(3):
        make_run(task, items=GOODS)
    page = look("page", make_run(task, status="failed", reason="blocked")).content.decode()
    assert "about 2 is usual" in page
    assert "100%" not in page
    assert "This run has no log." in page
    assert "No lines yet." not in page


def test_times_without_a_scheduler_are_named_with_their_days(look, task):
    detail = {"since": "2026-03-20T18:40:00+00:00", "until": "2026-03-20T23:10:00+00:00"}
    run = make_run(task, status="missed", reason="scheduler_down", detail=detail)
    page = look("page", run).content.decode()
    assert "from Fri 20 Mar, 18:40 to Fri 20 Mar" not in page
    assert "it was off from 18:40 to 23:10" in page
    detail["until"] = "2026-03-21T04:00:00+00:00"
    page = look("page", make_run(task, status="missed", reason="scheduler_down", detail=detail))
    assert "it was off from Fri 20 Mar, 18:40 to Sat 21 Mar, 04:00" in page.content.decode()


def test_a_long_word_does_not_push_its_neighbours_away():
    assert cell("https://s.example/a-very-long-address").is_long
    assert not cell("a sentence of many words, none of them long").is_long


def test_a_failed_run_says_what_happened_why_and_what_next(look, task):
    run = make_run(task, "failed", reason="blocked", detail={"code": 403})
    page = look("page", run).content.decode()
    for words in ("What happened", "Likely cause", "What to do next", "(answer 403)",
                  "Failed after 20\N{NO-BREAK SPACE}s: no items collected"):  # fmt: skip
        assert words in page


def test_many_missed_slots_are_one_page(look, task):
    run = make_run(task, "missed", reason="scheduler_down", slots=40)
    Run.objects.update(started_at=None)
    assert "Missed: 40 runs did not happen" in look("page", run).content.decode()


def keep_page(run, why="status", url="https://s.example/a?token=••••••", text="<script>x</script>"):
    facts = {"why": why, "url": url, "status": 403}
    (run_folder(run) / "failing-page.json").write_text(json.dumps(facts))
    (run_folder(run) / "failing-page.txt").write_text(text)


def test_the_page_it_happened_at_is_a_text_to_download(look, task):
    run = make_run(task, "failed", reason="blocked", detail={"code": 403})
    assert look("failing_page", run).status_code == 404
    assert "The page it happened at" not in look("page", run).content.decode()
    keep_page(run)
    page = look("page", run).content.decode()
    assert "The website answered this page with an error (answer 403)." in page
    assert 'href="https://s.example/a?token=' in page
    answer = look("failing_page", run)
    assert b"".join(answer.streaming_content) == b"<script>x</script>"
    assert answer["Content-Type"].startswith("text/plain")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")


def test_an_address_that_is_none_of_the_web_is_no_link(look, task):
    run = make_run(task, "failed", reason="spider_error")
    keep_page(run, why="callback", url="javascript:alert(1)")
    assert "href=" + chr(34) + "javascript" not in look("page", run).content.decode()


def test_a_link_in_place_of_the_kept_page_is_not_followed(look, task, tmp_path):
    run = make_run(task, "failed", reason="spider_error")
    keep_page(run)
    secret = tmp_path / "secret"
    secret.write_text("not for them")
    (run_folder(run) / "failing-page.txt").unlink()
    (run_folder(run) / "failing-page.txt").symlink_to(secret)
    assert look("failing_page", run).status_code == 404
    archive = zipfile.ZipFile(io.BytesIO(look("bundle", run).content))
    assert "not for them" not in "".join(archive.read(n).decode() for n in archive.namelist())


def test_the_bundle_for_a_developer_holds_no_secrets(look, task):
    run = make_run(
        task, "failed", reason="spider_error", items=GOODS, secrets={"api_key": seal("hush-hush")},
        arguments={"login": {"password": "my abc123"}, "proxy": "socks5://maja:pw@p.example:1"},
        log=[
            ("ERROR", "GET https://maja:pw@s.example/?token=abc123 by maja@x.example hush-hush"),
            ("ERROR", "Cookie: lang=en; sid=abc123"),
        ],
    )  # fmt: skip
    keep_page(run, text="<p>hush-hush</p>")
    archive = zipfile.ZipFile(io.BytesIO(look("bundle", run).content))
    texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert {"report.json", "log-end.txt", "log-errors.txt", "failing-page.txt"} <= set(texts)
    for text in texts.values():
        for secret in ("hush-hush", "abc123", "maja:pw", "maja@x.example"):
            assert secret not in text
    report = json.loads(texts["report.json"])
    assert report["reason"] == "spider_error"
    assert report["arguments"]["login"] == {"password": MASK}


def test_a_run_that_is_not_there_is_not_found(look, task):
    run = make_run(task)
    Run.objects.all().delete()
    for name in ("page", "live", "log", "log_file", "bundle"):
        assert look(name, run).status_code == 404


@pytest.mark.parametrize(
    ("name", "shown"),
    [("in_stock", "In stock"), ("product_url", "Product URL"), ("sku", "SKU"), ("", "")],
)
def test_columns_are_named_as_people_write(name, shown):
    assert heading(name) == shown
