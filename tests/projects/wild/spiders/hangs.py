from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import scrapy


class Sleeps(scrapy.Spider):
    """Yields an item, then waits."""

    name = "sleeps"

    def __init__(self, seconds=60, effects="", until="", kilobytes=0, **kwargs):
        super().__init__(**kwargs)
        self.text = "x" * 1024 * int(kilobytes)
        self.seconds = float(seconds)
        self.until = until
        if effects:
            with Path(effects).open("a") as file:
                file.write(f"{os.environ['SPIDER_RUN_ID']} {os.getpid()}\n")

    async def start(self):
        yield {"started": True}
        while self.until and not Path(self.until).exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.02)
        await asyncio.sleep(0 if self.until else self.seconds)
        yield {"finished": True, "text": self.text}


class Blocks(scrapy.Spider):
    """Holds the reactor: no progress is written."""

    name = "blocks"

    def __init__(self, seconds: float = 60, **kwargs):
        super().__init__(**kwargs)
        self.seconds = float(seconds)

    async def start(self):
        yield {"started": True}
        await asyncio.sleep(0.2)
        time.sleep(self.seconds)  # noqa: ASYNC251 - the fault that is meant


class IgnoresTerm(scrapy.Spider):
    name = "ignores_term"

    async def start(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        yield {"started": True}
        await asyncio.sleep(300)


class StartsGrandchildren(scrapy.Spider):
    """Like a browser: processes below this one, which ignore what their parent hears."""

    name = "grandchildren"

    async def start(self):
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
        below = subprocess.Popen([sys.executable, "-c", code])  # noqa: ASYNC220
        yield {"below": below.pid}
        await asyncio.sleep(300)


class LeavesBehind(scrapy.Spider):
    """Ends well, but what it started has left its group and forgotten where it came from."""

    name = "leaves_behind"

    async def start(self):
        left = subprocess.Popen(["/bin/sleep", "300"], env={}, start_new_session=True)  # noqa: ASYNC220
        yield {"left": left.pid}


class Orphans(scrapy.Spider):
    """Ends well; what it started is nobody's child any more, and has left its session."""

    name = "orphans"

    async def start(self):
        below = "import subprocess; print(subprocess.Popen(['/bin/sleep', '300'], stdout=-3).pid)"
        command = [sys.executable, "-c", below]
        between = subprocess.run(command, start_new_session=True, stdout=-1, check=True)  # noqa: ASYNC221
        yield {"left": int(between.stdout)}


class Stubborn(scrapy.Spider):
    """Ignores TERM, as does what it started, which has left its session and its environment."""

    name = "stubborn"

    async def start(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
        command = [sys.executable, "-c", code]
        left = subprocess.Popen(command, env={}, start_new_session=True)  # noqa: ASYNC220
        yield {"left": left.pid}
        await asyncio.sleep(300)


class BigBrowser(scrapy.Spider):
    """Small itself; what it started in a session of its own, as browsers are, takes the memory."""

    name = "big_browser"

    async def start(self):
        code = "import time; held = b'x' * 200_000_000; time.sleep(300)"
        subprocess.Popen([sys.executable, "-c", code], start_new_session=True)  # noqa: ASYNC220
        yield {"started": True}
        await asyncio.sleep(300)


class Leaks(scrapy.Spider):
    name = "leaks"

    async def start(self):
        yield {"started": True}
        held = []
        while True:
            held.append(b"x" * 20_000_000)
            await asyncio.sleep(0.05)


class Endless(scrapy.Spider):
    name = "endless"

    async def start(self):
        number = 0
        while True:
            number += 1
            yield {"number": number}
            await asyncio.sleep(0.01)


class TalksOn(scrapy.Spider):
    """Yields its item, then only writes into the log until a file is there."""

    name = "talks_on"

    def __init__(self, until: str = "", **kwargs):
        super().__init__(**kwargs)
        self.until = Path(until)

    async def start(self):
        yield {"talks": True}
        while not self.until.exists():
            self.logger.info("still here " * 100)
            await asyncio.sleep(0.01)


class Shouts(scrapy.Spider):
    """Long lines, other encodings, control characters, and a lot of it."""

    name = "shouts"

    def __init__(self, megabytes: float = 1, **kwargs):
        super().__init__(**kwargs)
        self.megabytes = float(megabytes)

    async def start(self):
        self.logger.info("x" * 1_000_000)
        os.write(1, b"caf\xe9 \x1b[31mred\x1b[0m \x00\n")
        self.logger.error("one error line")
        for _ in range(int(self.megabytes * 1000)):
            self.logger.info("y" * 950)
        self.logger.info("the last line")
        yield {"shouted": True}
