from __future__ import annotations

import asyncio
import os
import subprocess
import time

Popen = subprocess.Popen


class Load:
    def __init__(self, count: int = 3):
        self.count = count

    def run(self):
        print("loading", os.environ.get("DATABASE_URL", "no database"))
        return ({"number": number} for number in range(self.count))


class Double:
    async def run(self, items):
        await asyncio.sleep(0)
        return [{"number": item["number"] * 2} for item in items]


class Stream:
    async def process(self, items):
        for item in items:
            yield item


class Total:
    def execute(self, items):
        return {"total": sum(item["number"] for item in items)}


class Fails:
    def run(self):
        yield {"number": 1}
        raise RuntimeError("the shelf is empty")


class Sleeps:
    def run(self):
        time.sleep(60)


class SleepsLater:
    """Gives one item and goes on for ever."""

    def run(self):
        yield {"number": 1}
        time.sleep(60)


class Leaves:
    def run(self):
        raise SystemExit(3)


class Idle:
    pass
