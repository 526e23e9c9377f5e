from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from tasks.models import SpiderInfo, Task
from tasks.web.schedule_words import read_words

SCHEMA = {
    "type": "object",
    "required": ["start_urls"],
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}},
        "depth": {"type": "integer", "maximum": 5},
    },
}
ROWS = [
    ["Name", "spider", "schedule", "tags", "start_urls", "depth"],
    ["Shoes", "shop", "0 6 * * 1-5", "prices, weekly", "https://a.example/ ", "2"],
    ["Boots", "shop", "", "", "https://b.example/", ""],
]


@pytest.fixture
def page(client, maja):
    SpiderInfo.objects.create(name="shop", schema=SCHEMA, seen_at=timezone.now())
    client.force_login(maja)
    return reverse("admin:tasks_task_spreadsheet")


def as_csv(rows, delimiter=","):
    lines = (delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    return SimpleUploadedFile("tasks.csv", "\n".join(lines).encode("utf-8-sig"))


def as_xlsx(rows):
    book, target = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(target)
    return SimpleUploadedFile("tasks.xlsx", target.getvalue())


@pytest.mark.parametrize("file", [as_csv(ROWS), as_csv(ROWS, ";"), as_xlsx(ROWS)])
def test_rows_are_shown_first_and_made_when_confirmed(client, page, file):
    file.seek(0)
    shown = client.post(page, {"file": file})
    assert shown.content.decode().count("ready") == 2
    assert not Task.objects.exists()
    client.post(page, {"rows": shown.context["rows"], "_confirmed": "1"})
    shoes = Task.objects.get(name="Shoes")
    assert shoes.arguments == {"start_urls": ["https://a.example/"], "depth": 2}
    assert shoes.schedules.get().cron == "0 6 * * 1-5"
    assert sorted(tag.name for tag in shoes.tags.all()) == ["prices", "weekly"]
    assert not shoes.enabled
    assert Task.objects.get(name="Boots").schedules.count() == 0


def test_starts_of_many_new_tasks_are_spread_over_an_hour_where_that_is_wished(client, page):
    shown = client.post(page, {"file": as_csv(ROWS)})
    assert "Spread their starts over an hour" in shown.content.decode()
    client.post(page, {"rows": shown.context["rows"], "_confirmed": "1", "spread": "1"})
    schedule = Task.objects.get(name="Shoes").schedules.get()
    assert (schedule.cron, schedule.jitter) == ("0 6 * * 1-5", 3600)


def test_one_wrong_row_keeps_all_from_being_made(client, page):
    rows = [*ROWS, ["Hats", "shop", "99 * * * *", "", "https://c.example/", "9"]]
    shown = client.post(page, {"file": as_csv(rows)})
    text = shown.content.decode()
    assert "Mend the marked rows first." in text
    assert "depth: Enter 5 or less." in text
    assert "arguments." not in text
    client.post(page, {"rows": shown.context["rows"], "_confirmed": "1"})
    assert not Task.objects.exists()


def test_every_mistake_of_a_row_is_said_at_once(client, page):
    SpiderInfo.objects.update(title="Shop products")
    rows = [*ROWS, ["", "Shop products", "99 * * * *", "x" * 51, "https://c.example/", "9"]]
    text = client.post(page, {"file": as_csv(rows)}).content.decode()
    assert text.count("Shop products</td>") == 3
    for words in ("name: This is needed.", "depth: Enter 5 or less.", "schedule: Minute must be",
                  "tags: A tag has at most 50 characters."):  # fmt: skip
        assert words in text


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ("Weekdays at 06:30", {"kind": "cron", "cron": "30 6 * * 1-5"}),
        ("every day at 9:00", {"kind": "cron", "cron": "0 9 * * *"}),
        ("Daily 09:05", {"kind": "cron", "cron": "5 9 * * *"}),
        ("Mondays, Wednesdays and Fri at 10:00", {"kind": "cron", "cron": "0 10 * * 1,3,5"}),
        ("at weekends at 8.15", {"kind": "cron", "cron": "15 8 * * 0,6"}),
        ("every 30 minutes", {"kind": "interval", "minutes": 30}),
        ("every hour", {"kind": "interval", "hours": 1}),
        ("Werktags um 06:30 Uhr", {"kind": "cron", "cron": "30 6 * * 1-5"}),
        ("montags und donnerstags um 10:00", {"kind": "cron", "cron": "0 10 * * 1,4"}),
        ("alle 2 Stunden", {"kind": "interval", "hours": 2}),
        ("0 6 * * 1-5", None),
        ("every day at 25:00", None),
        ("some day at 09:00", None),
        ("at 09:00", None),
        ("x" * 100_000, None),
    ],
)
def test_a_schedule_may_be_written_in_words(said, fields):
    assert read_words(said) == fields


def test_spiders_by_their_titles_and_schedules_in_words_make_tasks(client, page):
    SpiderInfo.objects.update(title="Competitor prices")
    rows = [ROWS[0], ["A", "competitor prices", "every 30 minutes", "", "https://a.example/", ""]]
    shown = client.post(page, {"file": as_csv(rows)})
    assert "Every 30 minutes" in shown.content.decode()
    client.post(page, {"rows": shown.context["rows"], "_confirmed": "1"})
    made = Task.objects.get()
    assert (made.spider, made.schedules.get().minutes) == ("shop", 30)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (as_csv([["name"], ["a"]]), "This column is missing: spider."),
        (as_csv([["name", "spider"]]), "The first row names the columns"),
        (SimpleUploadedFile("a.csv", b"\xff\xfe\x00"), "no CSV file"),
        (SimpleUploadedFile("a.xlsx", b"PK nothing"), "no Excel file"),
        (SimpleUploadedFile("a.csv", b"name,spider\n" + b"a,shop\n" * 501), "At most 500"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(client, page, file, words):
    file.seek(0)
    assert words in client.post(page, {"file": file}).content.decode()


def test_invented_rows_are_checked_like_any_other(client, page):
    for rows in ("", "[1]", '[{"x": "y"}]', "{}", '"text"'):
        client.post(page, {"rows": rows, "_confirmed": "1"})
    assert not Task.objects.exists()


def test_only_editors_make_tasks_from_a_spreadsheet(client, page, olof):
    client.force_login(olof)
    assert client.post(page, {"file": as_csv(ROWS)}).status_code == 403


def test_the_example_for_a_spider_can_be_sent_as_it_is(client, page):
    answer = client.get(page, {"example": "shop"})
    assert answer["Content-Disposition"] == 'attachment; filename="tasks-shop.csv"'
    assert "name,spider,schedule,timezone,tags,alerts,start_urls,depth" in answer.content.decode()
    shown = client.post(page, {"file": SimpleUploadedFile("tasks.csv", answer.content)})
    assert "ready" in shown.content.decode()
    assert "Weekdays at 06:00" in shown.content.decode()
    assert client.get(page, {"example": "nobody"}).status_code == 404
    assert 'value="shop"' in client.get(page).content.decode()


def test_a_column_says_who_gets_alerts(client, page):
    head, shoes, boots = (["alerts", *row] for row in ROWS)
    shoes[0], boots[0] = "maja@company.example, buyers@company.example", "nobody"
    shown = client.post(page, {"file": as_csv([head, shoes, boots])}).content.decode()
    assert "alerts: “nobody” is no e-mail address." in shown
    boots[0] = ""
    rows = client.post(page, {"file": as_csv([head, shoes, boots])}).context["rows"]
    client.post(page, {"rows": rows, "_confirmed": "1"})
    told = dict(Task.objects.values_list("name", "alert_to"))
    assert told == {"Shoes": ["maja@company.example", "buyers@company.example"], "Boots": []}
    assert Task.objects.get(name="Shoes").alert_on == ["failed", "suspicious"]
