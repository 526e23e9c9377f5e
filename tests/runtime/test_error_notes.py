from __future__ import annotations

import logging

import pytest

from tasks.runtime.extension import ErrorNotes


@pytest.fixture
def log():
    logger, notes = logging.getLogger("scrapy.extensions.feedexport"), ErrorNotes()
    logger.addHandler(notes)
    yield logger, notes
    logger.removeHandler(notes)


def test_what_a_storage_said_is_kept_without_its_password(log):
    logger, notes = log
    error = ConnectionError("ftp://maja:guessed@files.example/ does not answer")
    logger.error("Error storing jsonl feed (3 items) in: ftp://maja:guessed@files", exc_info=error)
    logger.info("Stored csv feed (3 items) in: file:///tmp/items.csv")
    assert notes.feed == "ftp://••••••@files.example/ does not answer"
