from __future__ import annotations

import gettext
import io
import re

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from tasks.describe import describe
from tasks.management.translations import compile_all, read, to_mo
from tasks.models import SchedulerProcess, SpiderInfo
from tasks.services.runs import new_run
from tasks.services.tasks import create_task
from tasks.timing import Timing
from tasks.web.item_view import table
from tests.environment import ROOT

PO = ROOT / "locale" / "de" / "LC_MESSAGES" / "django.po"
LITERAL = re.compile(r'{% translate "([^"]+)"(?: context "([^"]+)")?(?: as \w+)? %}')


def test_every_literal_of_the_templates_has_a_german_text():
    catalogue = read(PO.read_text(encoding="utf-8"))
    missing = set()
    for template in (ROOT / "templates").rglob("*.html"):
        if "demo" in template.parts:
            continue
        for text, context in LITERAL.findall(template.read_text(encoding="utf-8")):
            plain = text.replace("%", "%%")
            key = f"{context}\x04{plain}" if context else plain
            if not any(known.split("\0")[0] == key for known in catalogue):
                missing.add(text)
    assert missing == set()


def test_no_german_text_loses_or_invents_a_value():
    names = re.compile(r"%\(\w+\)[sd]|%[sd]")
    for key, text in read(PO.read_text(encoding="utf-8")).items():
        known = set(names.findall(key.replace("%%", "")))
        for part in text.split("\0"):
            assert set(names.findall(part.replace("%%", ""))) <= known, key


def test_what_is_compiled_is_what_gettext_reads():
    catalogue = read(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        'msgid "Save"\nmsgstr "Speichern"\n\n'
        'msgctxt "a date"\nmsgid "On"\nmsgstr "Am"\n\n'
        'msgid "%(n)s run"\nmsgid_plural "%(n)s runs"\n'
        'msgstr[0] "%(n)s Lauf"\nmsgstr[1] "%(n)s Läufe"\n\n'
        '#, fuzzy\nmsgid "Old"\nmsgstr "Alt"\n\nmsgid "New"\nmsgstr ""\n'
    )
    texts = gettext.GNUTranslations(io.BytesIO(to_mo(catalogue)))
    assert texts.gettext("Save") == "Speichern"
    assert texts.pgettext("a date", "On") == "Am"
    assert texts.ngettext("%(n)s run", "%(n)s runs", 3) == "%(n)s Läufe"
    assert (texts.gettext("Old"), texts.gettext("New")) == ("Old", "New")


def test_only_what_changed_is_compiled_again(tmp_path):
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text('msgid "a"\nmsgstr "b"\n')
    assert compile_all(tmp_path) == [folder / "django.mo"]
    assert compile_all(tmp_path) == []


@pytest.fixture
def task(db):
    SpiderInfo.objects.create(name="shop", schema={}, seen_at=timezone.now())
    return create_task(task_id="a", name="A", spider="shop", schedules=[
        {"kind": "cron", "cron": "30 6 * * 1-5", "timezone": "Europe/Stockholm"}])  # fmt: skip


def test_a_german_browser_gets_german_pages(client, maja, task):
    client.force_login(maja)
    headers = {"accept-language": "de-DE,de;q=0.9"}
    page = client.get(reverse("admin:tasks_task_changelist"), headers=headers).content.decode()
    assert 'lang="de"' in page
    assert "Werktags um 06:30" in page
    assert "Neue Aufgabe" in page
    assert "Noch nicht gelaufen" in page


def test_what_the_scheduler_and_the_runs_left_behind_is_said_in_german(client, anna, task):
    now = timezone.now()
    notes = [
        {"code": "clock_back", "at": now.isoformat(), "n": 30},
        {"code": "fork_threads", "n": 2},
    ]
    SchedulerProcess.objects.create(
        name="box/1", host="box", pid=1, started_at=now, seen_at=now, notes=notes
    )
    SpiderInfo.objects.update(warning="start_requests")
    said = {"code": "no_good_run", "task": "shoes"}
    ended = {"at": now, "started_at": now, "finished_at": now}
    failed = new_run(
        task, trigger="manual", status="failed", reason="job_failed",
        detail={"message": "The task “shoes” has no run with items yet.", "said": said}, **ended,
    )  # fmt: skip
    replaced = new_run(
        task, trigger="manual", status="cancelled", reason="cancelled",
        cancel_requested_by="scheduler", **ended,
    )  # fmt: skip
    for run in (failed, replaced):
        run.save(force_insert=True)
    client.force_login(anna)

    def page(name, *args):
        answer = client.get(reverse(name, args=args), headers={"accept-language": "de"})
        return answer.content.decode()

    home = page("admin:index")
    assert "sprang 30 s zurück" in home
    assert "startet beim Laden Threads (2)" in home
    assert "Benennen Sie es um" in page("admin:spiders")
    assert "hat noch keinen Lauf mit Einträgen" in page("admin:tasks_run_page", failed.pk)
    assert "Gestoppt von dem Scheduler" in page("admin:tasks_run_page", replaced.pk)


def test_the_chosen_language_stays(client, maja, task):
    client.force_login(maja)
    client.post(reverse("admin:me"), {"timezone": "", "language": "de"})
    assert "Nächste 24 Stunden" in client.get(reverse("admin:index")).content.decode()


def test_refusals_are_german_too(db):
    from tasks.services.errors import InvalidInput
    from tasks.services.tasks import create_task

    with translation.override("de"), pytest.raises(InvalidInput, match="gibt es nicht"):
        create_task(task_id="b", name="B", spider="nobody")


def test_what_a_spider_says_of_itself_is_shown_in_the_readers_language(client, maja):
    schema = {"properties": {"start_urls": {"type": "array", "title": "Pages to start from"}}}
    SpiderInfo.objects.create(
        name="seo", title="Site check", description="Only ours knows.", gives=["Broken address"],
        schema={"type": "object", **schema}, seen_at=timezone.now(),
    )  # fmt: skip
    client.force_login(maja)
    asked = {"HTTP_ACCEPT_LANGUAGE": "de"}
    page = client.get(reverse("admin:tasks_task_add") + "?spider=seo", **asked).content.decode()
    for text in ("Website prüfen", "Startseiten", "Defekte Adresse", "Only ours knows."):
        assert text in page
    assert "Website prüfen" in client.get(reverse("admin:spiders"), **asked).content.decode()


def test_a_time_after_the_full_hour_is_a_whole_sentence():
    with translation.override("de"):
        said = describe(Timing("cron", cron="5,35 * * * *"))
        assert said == "Stündlich 5 und 35 Minuten nach der vollen Stunde"
        assert describe(Timing("cron", cron="1 * * * *")).startswith("Stündlich 1 Minute nach")


def test_the_columns_of_our_spiders_are_named_in_the_readers_language():
    items = [{"name": "Boot", "price": 3, "stock_level": 4}]
    with translation.override("de"):
        names = [name for name, _is_number in table(items).columns]
    assert names == ["Name", "Preis", "Stock level"]
