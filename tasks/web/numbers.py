from __future__ import annotations

# What every database takes.
MOST_DIGITS = 18


def whole_number(text: str | None) -> int | None:
    """What a request says, if it is one: other digits than ours, and thousands of them, are not."""
    is_one = text and text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return int(text) if text and is_one else None
