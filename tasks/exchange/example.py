"""What `tasks config create` writes: each way to say when, ready to import."""

from __future__ import annotations

from tasks.exchange.reading import Format, read_tree
from tasks.exchange.writing import write_document

EXAMPLE = """\
# Tasks for Spider Scheduler. Look first:  manage.py tasks import FILE --dry-run
# Then import:                             manage.py tasks import FILE
jobs:
  # At 02:30 on three days. Weekdays by name; numbers would count from 0 = Monday.
  - job_id: nightly-prices
    type: cron
    hour: 2
    minute: 30
    day_of_week: "mon,wed,fri"
    timezone: Europe/Stockholm
    spider: vivbliss
    config:
      start_urls: [https://shop.example/]
      max_pages: 200
      settings:
        DOWNLOAD_DELAY: 1

  # The same kind of schedule as a cron pattern. A text that begins with * needs quotes.
  - job_id: market-hours
    type: cron
    cron_expression: "*/15 9-17 * * 1-5"
    spider: vivbliss
    config:
      start_urls: [https://shop.example/offers]

  # Again and again; units add up.
  - job_id: every-ninety-minutes
    type: interval
    hours: 1
    minutes: 30
    spider: vivbliss
    config:
      start_urls: [https://shop.example/new]

  # Once.
  - job_id: new-year
    type: date
    run_date: "2099-01-01 00:05:00"
    spider: vivbliss
    config:
      start_urls: [https://shop.example/]
"""


def example_file(*, file_format: Format) -> str:
    if file_format == "yaml":
        return EXAMPLE
    return write_document(read_tree(EXAMPLE).plain(), file_format="json")
