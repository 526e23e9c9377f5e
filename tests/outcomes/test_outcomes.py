from __future__ import annotations

import signal
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from tasks.outcomes import Expectations, Facts, decide, explain, facts_of, sentence
from tasks.outcomes.sentences import TEXTS
from tasks.outcomes.words import TABLE

GOOD = {"has_outcome": True, "is_final": True, "finish_reason": "finished", "items": 10}
READ = {"downloader/response_status_count/200": 3}
TYPES = "downloader/exception_type_count/"
REFUSED = f"{TYPES}scrapy.exceptions.DownloadConnectionRefusedError"
IGNORED = f"{TYPES}scrapy.exceptions.IgnoreRequest"
TRIED_AGAIN = "retry/reason_count/scrapy.exceptions.DownloadConnectionRefusedError"
ROBOTS = "robotstxt/exception_count/<class 'scrapy.exceptions.DownloadConnectionRefusedError'>"


def verdict(expected=None, **facts):
    found = decide(Facts(**{**GOOD, **facts}), expected)
    return found.status, found.reason


@pytest.mark.parametrize(
    ("facts", "expected", "status", "reason"),
    [
        ({}, {}, "succeeded", ""),
        ({"finish_reason": "closespider_itemcount"}, {}, "succeeded", ""),
        ({"finish_reason": "closespider_errorcount"}, {}, "failed", "spider_error"),
        ({"finish_reason": "banned"}, {}, "suspicious", "closed_early"),
        ({"finish_reason": "memusage_exceeded"}, {}, "failed", "memory"),
        ({"finish_reason": "shutdown"}, {}, "failed", "killed"),
        ({"finish_reason": "shutdown", "stop_reason": "cancelled"}, {}, "cancelled", "cancelled"),
        ({"finish_reason": "", "stop_reason": "timeout"}, {}, "failed", "timeout"),
        ({"finish_reason": "shutdown", "stop_reason": "memory"}, {}, "failed", "memory"),
        ({"stop_reason": "cancelled"}, {}, "succeeded", ""),
        ({"is_final": False, "exit_signal": 9}, {}, "failed", "killed"),
        ({"is_final": False, "exit_signal": signal.SIGSEGV}, {}, "failed", "crashed"),
        ({"is_final": False, "exit_signal": signal.SIGXCPU}, {}, "failed", "cpu_limit"),
        ({"has_outcome": False, "is_final": False}, {}, "failed", "lost"),
        ({"is_final": False}, {}, "failed", "lost"),
        ({"has_outcome": False, "is_final": False, "exit_code": 1}, {}, "failed", "crashed"),
        ({"bootstrap_error": "ValidationError"}, {}, "failed", "bad_arguments"),
        (
            {"bootstrap_error": "TypeError", "error_message": "unexpected keyword argument 'x'"},
            {},
            "failed",
            "bad_arguments",
        ),
        ({"items_lost": 1}, {}, "failed", "items_lost"),
        ({"items_on_disk": 9}, {}, "failed", "items_lost"),
        ({"items_on_disk": 10}, {}, "succeeded", ""),
        ({"stats": {"spider_exceptions/count": 2}}, {}, "suspicious", "some_errors"),
        ({"stats": {"spider_exceptions/count": 2}}, {"max_errors": 5}, "succeeded", ""),
        ({"stats": {"log_count/ERROR": 6}}, {"max_errors": 5}, "failed", "too_many_errors"),
        ({"items": 0}, {}, "suspicious", "no_items"),
        ({"items": 0}, {"allow_empty": True}, "succeeded", ""),
        ({"items": 0}, {"usual_items": 9}, "suspicious", "layout_changed"),
        ({"items": 0}, {"usual_items": 9, "usual_share": 0}, "suspicious", "layout_changed"),
        ({"items": 0}, {"usual_items": 9, "allow_empty": True}, "succeeded", ""),
        ({"items": 0}, {"min_items": 3, "allow_empty": True}, "succeeded", ""),
        ({"items": 2}, {"min_items": 3, "allow_empty": True}, "suspicious", "few_items"),
        ({"items": 1}, {"usual_items": 9, "usual_share": 0}, "succeeded", ""),
        ({"items": 0, "may_find_nothing": True}, {"usual_items": 9}, "succeeded", ""),
        ({"items": 1, "may_find_nothing": True}, {"usual_items": 9}, "succeeded", ""),
        ({"items": 0, "may_find_nothing": True}, {"min_items": 1}, "suspicious", "no_items"),
        ({"items": 1}, {"usual_items": 0.0, "usual_share": 50}, "succeeded", ""),
        ({"seconds": 700}, {"usual_seconds": 200}, "suspicious", "slow"),
        ({"seconds": 500}, {"usual_seconds": 200}, "succeeded", ""),
        ({"seconds": 30}, {"usual_seconds": 5}, "succeeded", ""),
        ({"items": 0, "wall": "login"}, {"allow_empty": True}, "failed", "login_needed"),
        ({"wall": "captcha"}, {}, "succeeded", ""),
        ({"items": 40}, {"usual_items": 100}, "suspicious", "few_items"),
        ({"items": 60}, {"usual_items": 100}, "succeeded", ""),
        ({"items": 40}, {"usual_items": 100, "usual_share": 30}, "succeeded", ""),
        (
            {"items": 0, "stats": {"robotstxt/forbidden": 1}},
            {"allow_empty": True},
            "failed",
            "robots",
        ),
        (
            {
                "stats": {
                    "downloader/response_status_count/200": 4,
                    "downloader/response_status_count/403": 6,
                }
            },
            {},
            "suspicious",
            "many_failed_pages",
        ),
        ({"stats": {**READ, REFUSED: 3}}, {}, "suspicious", "many_unanswered"),
        ({"stats": {**READ, REFUSED: 2}}, {}, "succeeded", ""),
        # Tried again each, and one of them read in the end.
        ({"stats": {**READ, REFUSED: 7, TRIED_AGAIN: 5}}, {}, "succeeded", ""),
        # A robots.txt that could not be read is no page.
        ({"stats": {**READ, REFUSED: 3, ROBOTS: 1}}, {}, "succeeded", ""),
        # Left out on purpose.
        ({"stats": {**READ, IGNORED: 9}}, {}, "succeeded", ""),
        (
            {
                "items": 0,
                "stats": {"downloader/exception_type_count/x.DownloadTimeoutError": 1},
            },
            {},
            "failed",
            "timeout_site",
        ),
    ],
)
def test_facts_decide(facts, expected, status, reason):
    assert verdict(Expectations(**expected), **facts) == (status, reason)


@pytest.mark.parametrize("reason", sorted(TABLE))
def test_every_reason_says_what_happened(reason):
    found = explain(reason, {"message": "100 % wrong"})
    assert found.title
    assert found.happened
    assert "%(" not in found.happened


def test_an_unknown_reason_and_a_missing_detail_never_fail():
    assert explain("from_the_future").happened
    assert "–" in explain("blocked").happened


def test_figures_are_written_as_readers_write_them():
    found = {"items": 1031, "usual": 12000}
    assert explain("few_items", found).happened == "Found 1,031 items; about 12,000 is usual."
    with override("de"):
        assert "1.031" in explain("few_items", found).happened


@pytest.mark.parametrize("reason", ["timeout", "no_progress"])
def test_a_limit_of_time_is_said_as_people_say_times(reason):
    assert "1 h 30 min" in explain(reason, {"limit": 5400}).happened
    assert "–" in explain(reason).happened
    with override("de"):
        assert "4 min" in explain(reason, {"limit": 240}).happened


@pytest.mark.parametrize(
    ("reason", "figure", "words"),
    [
        ("no_items", "pages", "The spider read one page and found no items."),
        ("few_items", "items", "Found one item; about – is usual."),
        ("some_errors", "errors", "One page could not be understood."),
        ("broken_items", "items", "One item was lost; the spider could not work on it:"),
        ("log_lost", "lines", "One line of the log could not be saved."),
    ],
)
def test_a_single_one_is_said_as_one(reason, figure, words):
    assert explain(reason, {figure: 1}).happened.startswith(words)
    assert not explain(reason, {figure: 2}).happened.startswith(words)


@pytest.mark.parametrize("reason", ["scheduler_down", "database_down", "clock_jump"])
def test_an_absence_of_unknown_length_is_told_without_times(reason):
    assert "–" not in explain(reason).happened
    told = explain(reason, {"since": "2026-03-24T02:40:00Z", "until": "2026-03-24T07:15:00Z"})
    assert "from 02:40 to 07:15 (UTC)." in told.happened


@pytest.mark.parametrize(
    ("until", "language", "zone", "words"),
    [
        ("2026-11-20T18:45:00Z", "en", None, "from 19:40 to 19:45 (Europe/Stockholm)."),
        ("2026-11-20T23:00:00Z", "en", None,
         "from Fri 20 Nov, 19:40 to Sat 21 Nov, 00:00 (Europe/Stockholm)."),
        ("2026-11-20T23:00:00Z", "de", "Europe/Berlin",
         "von Fr 20. Nov, 19:40 bis Sa 21. Nov, 00:00 aus"),
        ("2026-11-20T23:00:00Z", "en", "Europe/London", "from 18:40 to 23:00."),
        ("2027-01-01T06:00:00Z", "en", "Europe/London",
         "from Fri 20 Nov 2026, 18:40 to Fri 1 Jan 2027, 06:00."),
    ],
)  # fmt: skip
def test_both_ends_of_an_absence_are_told_on_the_clock_of_who_reads(until, language, zone, words):
    detail = {"since": "2026-11-20T18:40:00+00:00", "until": until, "zone": "Europe/Stockholm"}
    with override(language):
        told = explain("scheduler_down", detail, zone=ZoneInfo(zone) if zone else None)
    assert words in told.happened


def test_files_that_hold_nonsense_are_facts_too():
    assert facts_of({"stats": None}, None, stop_reason="", items_on_disk=None).items == 0
    assert (
        facts_of(None, {"code": None, "signal": 9}, stop_reason="", items_on_disk=0).exit_signal
        == 9
    )


def test_of_a_traceback_the_last_line_is_the_message():
    outcome = {"bootstrap_error": {"type": "spider_import", "message": "Traceback\n  x\nBad: y\n"}}
    assert facts_of(outcome, None, stop_reason="", items_on_disk=None).error_message == "Bad: y"


@pytest.mark.parametrize("code", TEXTS)
def test_what_is_kept_as_a_code_is_said_in_the_language_of_the_reader(code):
    kept = {"code": code, "n": 3, "message": "kept for programs"}
    with override("en"):
        english = sentence(kept)
    with override("de"):
        german = sentence(kept)
    assert "kept for programs" not in {english, german}
    assert english != german
    detail = {"said": kept, "message": "kept for programs"}
    with override("de"):
        assert explain("job_failed", detail).happened == german


def test_what_is_no_code_stays_as_it_was_written():
    assert sentence("SyntaxError in shop.py") == "SyntaxError in shop.py"
    assert sentence({"code": "of_tomorrow", "message": "A new thing."}) == "A new thing."
    assert sentence({"code": "clock_back"}) == sentence({"code": "clock_back", "n": None})


def test_our_own_sentences_travel_as_codes_from_the_job_to_its_outcome():
    said = {"code": "no_good_run", "task": "shop"}
    bootstrap = {"type": "JobFailed", "message": "kept for programs", "said": said}
    outcome = {"final": True, "bootstrap_error": bootstrap, "stats": {}}
    found = decide(facts_of(outcome, {"code": 1}, stop_reason="", items_on_disk=0))
    assert (found.reason, found.detail["said"]) == ("job_failed", said)
    full = {"final": True, "items_lost": 1, "items_error_code": "no_space", "stats": {}}
    found = decide(facts_of(full, {"code": 0}, stop_reason="", items_on_disk=0))
    assert "no space left" in explain(found.reason, found.detail).happened


def test_what_a_website_says_cannot_turn_the_text_around_it():
    outcome = {"final": True, "last_error": {"message": "no price \u202ehere\u2066"}}
    facts = facts_of(outcome, None, stop_reason="", items_on_disk=None)
    assert facts.error_message == "no price here"
