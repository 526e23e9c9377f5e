"""Judges a run by what it did. The exit code alone lies: a spider that raises in a callback, an
unreachable website and a SIGTERM all exit 0."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any

from tasks.outcomes.facts import Expectations, Facts, Verdict

SUCCEEDED, SUSPICIOUS, FAILED, CANCELLED = "succeeded", "suspicious", "failed", "cancelled"

CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
LOGINS = (401, 407)
REFUSALS = (403, 429, 451, 503)
REDIRECTS = (301, 302, 303, 307, 308)
# What people or the spider set as a limit: reaching it is a good end.
PLANNED_ENDS = {
    "finished",
    "closespider_itemcount",
    "closespider_pagecount",
    "closespider_timeout",
}
BOOTSTRAP_REASONS = {
    "spider_missing": "spider_missing",
    "spider_import": "spider_import",
    "preset_missing": "preset_missing",
    "ValidationError": "bad_arguments",
    "BadStep": "job_failed",
    "JobFailed": "job_failed",
}
NETWORK_ERRORS = (
    ("dns", ("CannotResolveHostError", "DNSLookupError")),
    ("timeout_site", ("DownloadTimeoutError", "TimeoutError", "TCPTimedOutError")),
    ("unreachable", ("",)),
)
EXCEPTIONS = "downloader/exception_type_count/"
# On purpose, not by the network.
LEFT_OUT = (".IgnoreRequest", ".AddressRefused")
MANY = 0.5
# Longer than this many times the usual, and by more than the seconds.
SLOW, SLOW_SECONDS = 3, 120
WALLS = {"login": "login_needed", "captcha": "captcha"}

CERTIFICATE_SIGNS = ("SSL", "certificate", "VerificationError")

Rule = Callable[[Facts, Expectations], Verdict | None]


def decide(facts: Facts, expected: Expectations | None = None) -> Verdict:
    """The first rule that has something to say decides."""
    for rule in RULES:
        verdict = rule(facts, expected or Expectations())
        if verdict is not None:
            return verdict
    return Verdict(SUCCEEDED)


def _stopped_by_us(facts: Facts, _: Expectations) -> Verdict | None:
    # It may have ended by itself just before the signal came.
    if not facts.stop_reason or (facts.is_final and facts.finish_reason == "finished"):
        return None
    if facts.stop_reason in {"cancelled", "scheduler_stop"}:
        return Verdict(CANCELLED, facts.stop_reason)
    return Verdict(FAILED, facts.stop_reason)


def _killed(facts: Facts, _: Expectations) -> Verdict | None:
    number = facts.exit_signal
    if number is None or facts.is_final:
        return None
    if number in CRASHES:
        return Verdict(FAILED, "crashed", {"signal": number})
    if number == signal.SIGXCPU:
        return Verdict(FAILED, "cpu_limit")
    return Verdict(FAILED, "killed", {"signal": number})


def _no_word(facts: Facts, _: Expectations) -> Verdict | None:
    if facts.has_outcome and facts.is_final:
        return None
    if facts.exit_code is not None:
        return Verdict(FAILED, "crashed", {"exit_code": facts.exit_code})
    return Verdict(FAILED, "lost")


def _never_began(facts: Facts, _: Expectations) -> Verdict | None:
    kind = facts.bootstrap_error
    if not kind:
        return None
    reason = BOOTSTRAP_REASONS.get(kind, "spider_error")
    if kind == "TypeError" and "argument" in facts.error_message:
        reason = "bad_arguments"
    detail: dict[str, Any] = {"message": facts.error_message[:300]}
    if facts.error_said:
        detail["said"] = facts.error_said
    return Verdict(FAILED, reason, detail)


def _storage(facts: Facts, _: Expectations) -> Verdict | None:
    stored = facts.items if facts.items_on_disk is None else facts.items_on_disk
    if facts.items_lost or stored < facts.items:
        detail: dict[str, Any] = {"items": facts.items, "stored": stored}
        detail["message"] = facts.storage_error
        if facts.storage_said:
            detail["said"] = {"code": facts.storage_said}
        return Verdict(FAILED, "items_lost", detail)
    failed = facts.total("feedexport/failed_count/") or facts.feed_errors
    said = {"feeds": failed, "message": facts.feed_message[:300]}
    return Verdict(FAILED, "feed_failed", said) if failed else None


def _unplanned_end(facts: Facts, _: Expectations) -> Verdict | None:
    reason = facts.finish_reason
    if reason in PLANNED_ENDS:
        return None
    message = {"message": facts.error_message[:300]}
    if reason in {"start_error", "closespider_errorcount"}:
        return Verdict(FAILED, "spider_error", message)
    if reason == "memusage_exceeded":
        return Verdict(FAILED, "memory")
    if reason == "shutdown":
        return Verdict(FAILED, "killed", {"signal": int(signal.SIGTERM)})
    if not reason:
        return Verdict(FAILED, "crashed", message)
    return Verdict(SUSPICIOUS, "closed_early", {"message": reason[:100]})


def _old_start(facts: Facts, _: Expectations) -> Verdict | None:
    is_idle = not facts.count("downloader/request_count") and not facts.items
    return Verdict(FAILED, "start_requests") if facts.start_requests and is_idle else None


def _spider_errors(facts: Facts, expected: Expectations) -> Verdict | None:
    if not facts.exceptions:
        return None
    detail = {"errors": facts.exceptions, "message": facts.error_message[:300]}
    if not facts.items:
        return Verdict(FAILED, "spider_error", detail)
    if expected.max_errors is None:
        return Verdict(SUSPICIOUS, "some_errors", detail)
    return None


def _broken_items(facts: Facts, expected: Expectations) -> Verdict | None:
    if not facts.items_broken:
        return None
    message = facts.error_message[:300]
    if not facts.items:
        return Verdict(FAILED, "spider_error", {"errors": facts.errors, "message": message})
    if expected.max_errors is None:
        detail = {"items": facts.items_broken, "message": message}
        return Verdict(SUSPICIOUS, "broken_items", detail)
    return None


def _closing(facts: Facts, expected: Expectations) -> Verdict | None:
    if not facts.closing_errors or expected.max_errors is not None:
        return None
    return Verdict(SUSPICIOUS, "closing_failed", {"message": facts.error_message[:300]})


def _too_many_errors(facts: Facts, expected: Expectations) -> Verdict | None:
    if expected.max_errors is None or facts.errors <= expected.max_errors:
        return None
    return Verdict(
        FAILED, "too_many_errors", {"errors": facts.errors, "allowed": expected.max_errors}
    )


def _nothing_read(facts: Facts, _: Expectations) -> Verdict | None:
    """No items, and the website or the network says why."""
    if facts.items:
        return None
    answers = status_counts(facts.stats)
    good = sum(count for code, count in answers.items() if code < 300) - _robots_answers(facts)
    if good > 0:
        return None
    if facts.refused:
        return Verdict(FAILED, "address_refused", {"address": facts.refused[0]})
    if verdict := _wall(facts, _):
        return verdict
    return _website(answers) or _network(facts) or _robots(facts) or _circle(answers)


def _wall(facts: Facts, _: Expectations) -> Verdict | None:
    if facts.items or facts.wall not in WALLS:
        return None
    return Verdict(FAILED, WALLS[facts.wall])


def _circle(answers: Mapping[int, int]) -> Verdict | None:
    """Sent on and on until Scrapy gave up."""
    hops = sum(answers.get(code, 0) for code in REDIRECTS)
    return Verdict(FAILED, "redirect_loop", {"hops": hops}) if hops else None


def _website(answers: Mapping[int, int]) -> Verdict | None:
    bad = {code: count for code, count in answers.items() if code >= 400}
    if not bad:
        return None
    code = max(bad, key=lambda each: bad[each])
    if code in LOGINS:
        return Verdict(FAILED, "login_needed", {"code": code})
    if code in REFUSALS:
        return Verdict(FAILED, "blocked", {"code": code})
    return Verdict(FAILED, "site_error" if code >= 500 else "not_found", {"code": code})


def _network(facts: Facts) -> Verdict | None:
    seen = [name for name in facts.stats if name.startswith(EXCEPTIONS)]
    kinds = [name.rpartition(".")[2] for name in seen if not name.endswith(LEFT_OUT)]
    if kinds and any(sign in facts.error_message for sign in CERTIFICATE_SIGNS):
        return Verdict(FAILED, "certificate", {"message": facts.error_message[:300]})
    for reason, names in NETWORK_ERRORS:
        if any(kind in names or names == ("",) for kind in kinds):
            return Verdict(FAILED, reason, {"message": kinds[0]})
    return None


def _robots(facts: Facts) -> Verdict | None:
    forbidden = facts.count("robotstxt/forbidden")
    return Verdict(FAILED, "robots", {"pages": forbidden}) if forbidden else None


def _too_few(facts: Facts, expected: Expectations) -> Verdict | None:
    if not facts.items:
        if expected.allow_empty or (facts.may_find_nothing and not expected.min_items):
            return None
        detail: dict[str, Any] = {"pages": facts.pages}
        if expected.usual_items:
            detail["usual"] = round(expected.usual_items)
            return Verdict(SUSPICIOUS, "layout_changed", detail)
        return Verdict(SUSPICIOUS, "no_items", detail)
    if expected.min_items is not None and facts.items < expected.min_items:
        detail = {"items": facts.items, "expected": expected.min_items}
        return Verdict(SUSPICIOUS, "few_items", detail)
    usual = None if facts.may_find_nothing else expected.usual_items
    if usual and facts.items < usual * expected.usual_share / 100:
        return Verdict(SUSPICIOUS, "few_items", {"items": facts.items, "usual": round(usual)})
    return None


def _many_failed_pages(facts: Facts, _: Expectations) -> Verdict | None:
    answers, unanswered = status_counts(facts.stats), _unanswered(facts)
    bad = {code: count for code, count in answers.items() if code >= 400}
    failed, read = sum(bad.values()) + unanswered, sum(answers.values()) + unanswered
    if read < 4 or failed < read * MANY:
        return None
    if unanswered > sum(bad.values()):
        return Verdict(SUSPICIOUS, "many_unanswered", {"pages": unanswered, "of": read})
    code = max(bad, key=lambda each: bad[each])
    return Verdict(SUSPICIOUS, "many_failed_pages", {"pages": failed, "of": read, "code": code})


def _unanswered(facts: Facts) -> int:
    """Pages that were given up without an answer; those that were tried again count once."""
    tries = sum(
        facts.count(name) - facts.count(f"retry/reason_count/{name.removeprefix(EXCEPTIONS)}")
        for name in facts.stats
        if name.startswith(EXCEPTIONS) and not name.endswith(LEFT_OUT)
    )
    return max(0, tries - facts.total("robotstxt/exception_count/"))


def _log_lost(facts: Facts, _: Expectations) -> Verdict | None:
    return Verdict(SUSPICIOUS, "log_lost", {"lines": facts.log_lost}) if facts.log_lost else None


def _slow(facts: Facts, expected: Expectations) -> Verdict | None:
    usual = expected.usual_seconds
    if not usual or facts.seconds < max(usual * SLOW, usual + SLOW_SECONDS):
        return None
    detail = {"minutes": round(facts.seconds / 60), "usual": max(1, round(usual / 60))}
    return Verdict(SUSPICIOUS, "slow", detail)


def status_counts(stats: Mapping[str, Any]) -> dict[int, int]:
    prefix = "downloader/response_status_count/"
    return {
        int(name.removeprefix(prefix)): int(count)
        for name, count in stats.items()
        if name.startswith(prefix) and name.removeprefix(prefix).isdecimal()
    }


def _robots_answers(facts: Facts) -> int:
    prefix = "robotstxt/response_status_count/"
    return sum(
        facts.count(name)
        for name in facts.stats
        if name.startswith(prefix) and name.removeprefix(prefix) < "300"
    )


RULES: tuple[Rule, ...] = (
    _stopped_by_us,
    _killed,
    _no_word,
    _never_began,
    _storage,
    _unplanned_end,
    _old_start,
    _spider_errors,
    _broken_items,
    _closing,
    _too_many_errors,
    _nothing_read,
    _wall,
    _too_few,
    _many_failed_pages,
    _log_lost,
    _slow,
)
