"""Facts of an ended run → status and reason → sentences for people. Pure."""

from __future__ import annotations

from tasks.outcomes.deciding import decide
from tasks.outcomes.facts import Expectations, Facts, Verdict, facts_of
from tasks.outcomes.sentences import Said, sentence
from tasks.outcomes.words import Explanation, explain, what_happened

__all__ = [
    "Expectations",
    "Explanation",
    "Facts",
    "Said",
    "Verdict",
    "decide",
    "explain",
    "facts_of",
    "sentence",
    "what_happened",
]
