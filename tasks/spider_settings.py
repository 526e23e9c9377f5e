"""The Scrapy settings that staff may set for a task: everything else could run code or write files.

Administrators reach the rest through presets that are written in code.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

SettingType = Literal["bool", "int", "float", "text", "choice", "name"]
SettingValue = bool | int | float | str

MAX_TEXT = 300
GIB = 1024**3


class InvalidSetting(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class SettingSpec:
    type: SettingType
    label: StrPromise
    help: StrPromise
    low: float = 0
    high: float = 0
    unit: StrPromise | str = ""
    choices: tuple[str, ...] = ()
    only_on: bool = False
    """A promise to the websites: it can be made stricter here, never looser."""
    lower_only: bool = False
    """The project's own value stays the ceiling, whatever the task says."""


def _switch(label: StrPromise, help_: StrPromise, *, only_on: bool = False) -> SettingSpec:
    return SettingSpec(type="bool", label=label, help=help_, only_on=only_on)


def _whole(
    label: StrPromise, help_: StrPromise, low: int, high: int, unit: StrPromise | str = ""
) -> SettingSpec:
    return SettingSpec(type="int", label=label, help=help_, low=low, high=high, unit=unit)


def _number(
    label: StrPromise, help_: StrPromise, low: float, high: float, unit: StrPromise | str = ""
) -> SettingSpec:
    return SettingSpec(type="float", label=label, help=help_, low=low, high=high, unit=unit)


_SWITCH_WORDS: dict[object, bool] = {
    **dict.fromkeys((True, "true", "on", "yes", "1"), True),
    **dict.fromkeys((False, "false", "off", "no", "0"), False),
}
SECONDS = gettext_lazy("seconds")
PAGES = gettext_lazy("pages")
ITEMS = gettext_lazy("items")
ZERO_IS_OFF = gettext_lazy("0 means no limit.")

PRESET = "PRESET"

SPIDER_SETTINGS: dict[str, SettingSpec] = {
    "DOWNLOAD_DELAY": _number(
        gettext_lazy("Pause between pages"),
        gettext_lazy("How long to wait before the next page of the same website."),
        0,
        600,
        SECONDS,
    ),
    "DOWNLOAD_DELAY_JITTER": _number(
        gettext_lazy("Vary the pause by"),
        gettext_lazy(
            "0.5 makes each pause up to half shorter or longer, so that it looks less regular."
        ),
        0,
        1,
    ),
    "RANDOMIZE_DOWNLOAD_DELAY": _switch(
        gettext_lazy("Vary the pause"),
        gettext_lazy(
            "Older spelling of the setting above: on means by half, off means not at all."
        ),
    ),
    "DOWNLOAD_TIMEOUT": _number(
        gettext_lazy("Give up on a page after"),
        gettext_lazy("How long to wait for one page before it counts as failed."),
        1,
        3600,
        SECONDS,
    ),
    "DOWNLOAD_MAXSIZE": SettingSpec(
        type="int",
        label=gettext_lazy("Largest page"),
        help=gettext_lazy("Larger answers are refused. It can only be lowered."),
        low=1024,
        high=GIB,
        unit=gettext_lazy("bytes"),
        lower_only=True,
    ),
    "CONCURRENT_REQUESTS": _whole(
        gettext_lazy("Pages at a time"),
        gettext_lazy("How many pages are read at the same time, in all."),
        1,
        64,
    ),
    "CONCURRENT_REQUESTS_PER_DOMAIN": _whole(
        gettext_lazy("Pages at a time per website"),
        gettext_lazy("How many pages of one website are read at the same time."),
        1,
        16,
    ),
    "AUTOTHROTTLE_ENABLED": _switch(
        gettext_lazy("Adapt to the website"),
        gettext_lazy("Slows down by itself when the website answers slowly."),
    ),
    "AUTOTHROTTLE_START_DELAY": _number(
        gettext_lazy("Adapt: first pause"),
        gettext_lazy("The pause to begin with."),
        0,
        600,
        SECONDS,
    ),
    "AUTOTHROTTLE_MAX_DELAY": _number(
        gettext_lazy("Adapt: longest pause"),
        gettext_lazy("The pause never grows beyond this."),
        0,
        3600,
        SECONDS,
    ),
    "AUTOTHROTTLE_TARGET_CONCURRENCY": _number(
        gettext_lazy("Adapt: pages at a time"),
        gettext_lazy("How many pages should be under way at a time, on average, per website."),
        0.1,
        16,
    ),
    "DEPTH_LIMIT": _whole(
        gettext_lazy("Depth"),
        gettext_lazy(
            "How many links away from the first page the spider may go. 0 means no limit."
        ),
        0,
        1000,
    ),
    "CLOSESPIDER_TIMEOUT": _number(
        gettext_lazy("End after"),
        gettext_lazy("The spider ends by itself after this time. 0 means no limit."),
        0,
        604800,
        SECONDS,
    ),
    "CLOSESPIDER_ITEMCOUNT": _whole(
        gettext_lazy("End after so many items"), ZERO_IS_OFF, 0, 100_000_000, ITEMS
    ),
    "CLOSESPIDER_PAGECOUNT": _whole(
        gettext_lazy("End after so many pages"), ZERO_IS_OFF, 0, 100_000_000, PAGES
    ),
    "CLOSESPIDER_ERRORCOUNT": _whole(
        gettext_lazy("End after so many errors"), ZERO_IS_OFF, 0, 1_000_000, gettext_lazy("errors")
    ),
    "CLOSESPIDER_TIMEOUT_NO_ITEM": _whole(
        gettext_lazy("End when no item comes for"), ZERO_IS_OFF, 0, 604800, SECONDS
    ),
    "CLOSESPIDER_PAGECOUNT_NO_ITEM": _whole(
        gettext_lazy("End after so many pages without an item"), ZERO_IS_OFF, 0, 100_000_000, PAGES
    ),
    "RETRY_ENABLED": _switch(
        gettext_lazy("Try failed pages again"),
        gettext_lazy("Pages that fail for a moment are asked for again."),
    ),
    "RETRY_TIMES": _whole(
        gettext_lazy("Tries again"),
        gettext_lazy("How many times a failed page is asked for again."),
        0,
        10,
    ),
    "REDIRECT_ENABLED": _switch(
        gettext_lazy("Follow redirects"),
        gettext_lazy("Go on when the website sends the spider to another address."),
    ),
    "REDIRECT_MAX_TIMES": _whole(
        gettext_lazy("Redirects at most"),
        gettext_lazy("How many redirects in a row are followed."),
        0,
        20,
    ),
    "COOKIES_ENABLED": _switch(
        gettext_lazy("Keep cookies"),
        gettext_lazy("Send back the cookies that the website sets during the run."),
    ),
    "URLLENGTH_LIMIT": _whole(
        gettext_lazy("Longest address"),
        gettext_lazy("Longer addresses are left out."),
        50,
        20_000,
        gettext_lazy("characters"),
    ),
    "USER_AGENT": SettingSpec(
        type="text",
        label=gettext_lazy("Name the spider gives itself"),
        help=gettext_lazy("Sent to every website as the user agent."),
        low=1,
        high=MAX_TEXT,
    ),
    "LOG_LEVEL": SettingSpec(
        type="choice",
        label=gettext_lazy("Log detail"),
        help=gettext_lazy("DEBUG writes the most, CRITICAL the least."),
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    ),
    PRESET: SettingSpec(
        type="name",
        label=gettext_lazy("Preset"),
        help=gettext_lazy("Settings that your administrator has prepared under a name."),
        low=1,
        high=60,
    ),
    "ROBOTSTXT_OBEY": _switch(
        gettext_lazy("Obey robots.txt"),
        gettext_lazy(
            "Leave out what the website asks spiders not to read. It can only be switched on."
        ),
        only_on=True,
    ),
}


def clean_settings(raw: Mapping[str, object]) -> dict[str, SettingValue]:
    return {name: clean_setting(name, value) for name, value in raw.items()}


def clean_setting(name: str, value: object) -> SettingValue:
    spec = SPIDER_SETTINGS.get(name)
    if spec is None:
        raise InvalidSetting(
            name,
            _("“%(name)s” cannot be set here. Choose one of the listed settings.")
            % {"name": str(name)[:60]},
        )
    return _CLEANERS[spec.type](name, spec, value)


def _clean_bool(name: str, spec: SettingSpec, value: object) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    cleaned = _SWITCH_WORDS.get(word) if isinstance(word, (bool, int, str)) else None
    if cleaned is None:
        raise InvalidSetting(name, _("“%(label)s” is either on or off.") % {"label": spec.label})
    if spec.only_on and not cleaned:
        raise InvalidSetting(
            name, _("“%(label)s” can only be switched on.") % {"label": spec.label}
        )
    return cleaned


def _clean_int(name: str, spec: SettingSpec, value: object) -> int:
    number = _clean_float(name, spec, value)
    if number != int(number):
        raise InvalidSetting(name, _("“%(label)s” is a whole number.") % {"label": spec.label})
    return int(number)


def _clean_float(name: str, spec: SettingSpec, value: object) -> float:
    number = _as_number(value)
    if number is None or not spec.low <= number <= spec.high:
        raise InvalidSetting(
            name,
            _("“%(label)s” is a number from %(low)s to %(high)s.")
            % {"label": spec.label, "low": _plain(spec.low), "high": _plain(spec.high)},
        )
    return number


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and len(value) > 30:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _clean_text(name: str, spec: SettingSpec, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not spec.low <= len(text) <= spec.high:
        raise InvalidSetting(
            name,
            _("“%(label)s” is a text of 1 to %(high)s characters.")
            % {"label": spec.label, "high": _plain(spec.high)},
        )
    if any(unicodedata.category(char).startswith("C") for char in text):
        raise InvalidSetting(
            name,
            _("“%(label)s” has characters that cannot be seen. Type it again.")
            % {"label": spec.label},
        )
    return text


def _clean_choice(name: str, spec: SettingSpec, value: object) -> str:
    choice = value.strip().upper() if isinstance(value, str) else ""
    if choice not in spec.choices:
        raise InvalidSetting(
            name,
            _("“%(label)s” is one of %(choices)s.")
            % {"label": spec.label, "choices": ", ".join(spec.choices)},
        )
    return choice


def _clean_name(name: str, spec: SettingSpec, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text):
        raise InvalidSetting(
            name,
            _("“%(label)s” is a name of letters, digits, _ and -.") % {"label": spec.label},
        )
    return text


_CLEANERS: dict[SettingType, Callable[[str, SettingSpec, object], SettingValue]] = {
    "bool": _clean_bool,
    "int": _clean_int,
    "float": _clean_float,
    "text": _clean_text,
    "choice": _clean_choice,
    "name": _clean_name,
}
