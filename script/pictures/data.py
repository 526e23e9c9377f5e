"""Example tasks and some weeks of runs, as a shop's staff would have them."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from tasks.execution.folder import run_folder
from tasks.models import Run, SchedulerProcess, SpiderInfo, Task
from tasks.services import create_task
from tasks.services.planning import Absence

ARGUMENTS = {
    "type": "object",
    "required": ["start_urls"],
    "properties": {
        "start_urls": {
            "type": "array", "items": {"type": "string"}, "title": "Shop pages to read",
            "description": "One web address per line.",
        },
        "currency": {"enum": ["SEK", "EUR", "NOK"], "title": "Show prices in", "default": "SEK"},
        "max_products": {
            "type": "integer", "title": "Stop after this many products", "default": 500,
            "unit": "products",
        },
        "sold_out": {"type": "boolean", "title": "Include sold-out products", "default": True},
    },
}  # fmt: skip
# Name, spider, cron pattern, hours between runs, usual items, usual seconds.
TASKS = [
    ("Broken links on our site", "links", "0 3 * * *", 24, 42, 1900),
    ("Campaign page check", "page", "0 * * * *", 1, 12, 20),
    ("Job advert digest", "adverts", "30 7 * * 1-5", 24, 145, 200),
    ("Morning headlines", "news", "*/30 * * * *", 0.5, 62, 45),
    ("Price watch: Nordic competitors", "shop", "0 10 * * 1-5", 24, 1240, 1790),
    ("Shoe stock levels", "shop", "0 */2 * * *", 2, 220, 190),
    ("Supplier directory", "stores", "15 4 * * *", 24, 310, 95),
    ("Toy catalogue refresh", "shop", "0 22 * * 2,5", 84, 890, 3100),
    ("Weekly product reviews", "reviews", "0 6 * * 1", 168, 400, 2500),
]
SPIDERS = {
    "links": "Broken link check", "page": "Page check", "adverts": "Job adverts",
    "news": "News headlines", "shop": "Competitor prices", "stores": "Store locator",
    "reviews": "Product reviews",
}  # fmt: skip
ENDS = {
    "Morning headlines": ("failed", "blocked", {"code": 403}),
    "Job advert digest": ("suspicious", "few_items", {"items": 31, "usual": 145}),
    "Broken links on our site": ("missed", "scheduler_down", {}),
}
SHOES = ["Trail Runner GTX", "City Walker low", "Canvas Court white", "Hiker Mid brown",
         "Rain Boot junior", "Studio Slip-on", "Alpine Pro", "Retro Runner 84", "Daily Sneaker",
         "Forest Chelsea"]  # fmt: skip
ODDS = ["succeeded"] * 26 + ["suspicious", "failed", "cancelled", "skipped"]
NOT_RUN = {"missed", "skipped"}


def fill() -> dict[str, str]:
    """The paths of the pages to show, by the names of their pictures."""
    now = timezone.now()
    User.objects.filter(username="maja").update(first_name="Maja", last_name="Lind")
    for name, title in SPIDERS.items():
        SpiderInfo.objects.update_or_create(
            name=name,
            defaults={
                "title": title, "schema": ARGUMENTS, "seen_at": now, "error": "",
                "description": "Collects product names, prices and stock from shop pages.",
                "domains": ["shop.example"], "gives": ["Product", "price", "currency", "in stock"],
            },
        )  # fmt: skip
    SchedulerProcess.objects.create(
        name="server", host="server", pid=1, started_at=now, seen_at=now + timedelta(hours=1),
        is_leader=True, disk_free=61 * 10**9, disk_total=160 * 10**9,
    )  # fmt: skip
    draw = random.Random(7)
    shown = [_task(row, now, draw) for row in TASKS]
    shoes = next(task for task in shown if task.name.startswith("Shoe"))
    price = next(task for task in shown if task.name.startswith("Price"))
    _running(price, now)
    good = Run.objects.filter(task=shoes, status="succeeded").newest_first()[0]
    _items_and_log(good)
    return {
        "home": reverse("admin:index"),
        "tasks": reverse("admin:tasks_task_changelist"),
        "task-form": reverse("admin:tasks_task_change", args=[price.pk]),
        "run": reverse("admin:tasks_run_page", args=[good.pk]),
        "history": reverse("admin:tasks_run_changelist"),
    }


def _task(row: tuple[str, str, str, float, int, int], now: datetime, draw: random.Random) -> Task:
    name, spider, cron, hours, items, seconds = row
    task = create_task(
        name=name,
        spider=spider,
        arguments={"start_urls": ["https://shop.example/shoes", "https://outlet.example/sale"]},
        schedules=[{"kind": "cron", "cron": cron, "timezone": "Europe/Stockholm"}],
        enabled=name != "Supplier directory",
    )
    for place in range(30, 0, -1):
        at = now.replace(minute=0, second=0) - timedelta(hours=hours * place)
        status, reason = draw.choice(ODDS), ""
        detail: dict[str, Any] = {}
        if place == 1:
            status, reason, detail = ENDS.get(name, ("succeeded", "", {}))
        usual = (_about(items, draw), _about(seconds, draw))
        _run(task, at, (status, reason, detail), usual)
    return task


def _about(usual: float, draw: random.Random) -> int:
    return round(usual * draw.uniform(0.93, 1.07))


REASONS = {"failed": "site_error", "suspicious": "few_items", "skipped": "overlap",
           "cancelled": "cancelled"}  # fmt: skip


def _run(task: Task, at: datetime, end: tuple[str, str, Any], usual: tuple[int, int]) -> Run:
    (status, reason, detail), (items, seconds) = end, usual
    ran = status not in NOT_RUN
    if status == "missed":
        absence = Absence(since=at - timedelta(minutes=20), until=at + timedelta(hours=4))
        detail = absence.detail(ZoneInfo("Europe/Stockholm"))
    found = {"succeeded": items, "suspicious": 31}.get(status, 0)
    return Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider=task.spider,
        schedule=task.schedules.first(), trigger="schedule", at=at, scheduled_for=at,
        status=status, reason=reason or REASONS.get(status, ""),
        detail=detail or {"code": 503, "items": 31, "usual": items, "by": "Maja Lind"},
        items=found, pages=max(1, found // 3) if ran else 0, errors=1 if status == "failed" else 0,
        started_at=at + timedelta(seconds=1) if ran else None,
        finished_at=at + timedelta(seconds=1 + seconds) if ran else at,
    )  # fmt: skip


def _running(task: Task, now: datetime) -> None:
    Run.objects.create(
        task=task, task_key=task.task_id, task_name=task.name, spider=task.spider, status="running",
        trigger="manual", requested_by="maja", at=now - timedelta(minutes=24), items=1018,
        started_at=now - timedelta(minutes=24), pages=412,
    )  # fmt: skip


def _items_and_log(run: Run) -> None:
    folder = run_folder(run)
    folder.mkdir(parents=True)
    items = [
        {"product": name, "shop": "shop.example", "price": 499 + 150 * place, "currency": "SEK",
         "in_stock": place % 4 != 2, "url": f"https://shop.example/shoes/{place}"}
        for place, name in enumerate(SHOES)
    ]  # fmt: skip
    (folder / "items.jsonl").write_text("".join(json.dumps(each) + "\n" for each in items))
    moment = timezone.localtime(run.started_at)
    lines = ["INFO: Spider opened", "INFO: Reading https://shop.example/shoes",
             "WARNING: Slow answer: 8 s for https://shop.example/shoes?page=5",
             "ERROR: Could not read https://shop.example/shoes/kids-2: page not found (404)",
             "INFO: Closing spider (finished)"]  # fmt: skip
    (folder / "run.log").write_text(
        "".join(
            f"{moment + timedelta(seconds=9 * place):%Y-%m-%d %H:%M:%S} [shop] {line}\n"
            for place, line in enumerate(lines)
        )
    )
