"""The small marks of every page: icons, pills, badges."""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks.web.states import Look


# No word is in it, and a page draws the same few ones again and again.
@lru_cache(maxsize=512)
def icon(name: str, css: str = "") -> SafeString:
    return format_html(
        '<svg class="sp-icon {}" aria-hidden="true" focusable="false">'
        '<use href="#i-{}"></use></svg>',
        css,
        name,
    )


def pill(look: Look, css: str = "", word: str = "") -> SafeString:
    return format_html(
        '<span class="sp-pill sp-pill--{} {}">{}{}</span>',
        look.key,
        css,
        icon(look.icon),
        word or look.word,
    )


def badge(look: Look, css: str = "") -> SafeString:
    return format_html(
        '<span class="sp-badge sp-badge--{} {}">{}</span>', look.key, css, icon(look.icon)
    )
