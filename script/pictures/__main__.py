"""Fills an empty installation with a few weeks of work, serves it, and photographs its pages."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "docs" / "screenshots"
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    PORT = probe.getsockname()[1]
URL = f"http://127.0.0.1:{PORT}"
FLAGS = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DATA_DIR": folder, "PORT": str(PORT), "SITE_URL": URL, "DEMO": "off",
            "ENV_FILE": os.devnull, "SCHEDULER_TIMEZONE": "Europe/Stockholm",
            "ADMIN_USERNAME": "maja", "ADMIN_PASSWORD": secrets.token_urlsafe(),
            "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
        }  # fmt: skip
        manage("setup_site")
        import django

        django.setup()
        from script.pictures import data

        paths = data.fill()
        with served():
            photograph(paths)


def manage(*arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def served() -> Iterator[None]:
    command = [sys.executable, "manage.py", "serve"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait()
        yield
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{URL}/admin/login/", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def photograph(paths: dict[str, str]) -> None:
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for look in ("light", "dark"):
            page = browser.new_context(
                viewport={"width": 1280, "height": 860}, color_scheme=look
            ).new_page()
            page.goto(f"{URL}/admin/login/?next=/admin/")
            page.get_by_label("User name").fill("maja")
            page.get_by_label("Password").fill(os.environ["ADMIN_PASSWORD"])
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url(f"{URL}/admin/")
            for name, path in paths.items():
                page.goto(URL + path, wait_until="networkidle")
                page.screenshot(path=PICTURES / f"{name}-{look}.png")
                sys.stdout.write(f"{name}-{look}.png\n")
        browser.close()


main()
