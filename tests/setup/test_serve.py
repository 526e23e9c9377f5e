from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tasks.services.tasks import create_task
from tests.environment import ROOT
from tests.processes import started, status
from tests.waiting import wait_until

SERVE = [sys.executable, "manage.py", "serve"]


def serving(env, port):
    command = [*SERVE, "--port", str(port)]
    return started(command, mark=f"serve-{port}", env=env, cwd=ROOT)


@pytest.fixture
def site_env(process_env):
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(command, env=process_env, cwd=ROOT, check=True)
    return process_env


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_the_site_and_ends_when_told(site_env, free_port, sign):
    with serving(site_env, free_port) as server:
        address = f"http://127.0.0.1:{free_port}/admin/login/"
        assert wait_until(lambda: status(address), timeout=30) == 200
        server.send_signal(sign)
        server.wait(timeout=10)


def test_an_address_that_is_taken_is_named(site_env):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with serving(site_env, port) as server:
            output, _ = server.communicate(timeout=30)
    assert server.returncode == 1
    assert f"Can't listen on 127.0.0.1, port {port}" in output
    assert "Traceback" not in output


def test_a_host_that_is_not_ours_is_refused(site_env, free_port):
    with serving(site_env, free_port):
        url = f"http://127.0.0.1:{free_port}/admin/login/"
        wait_until(lambda: status(url), timeout=30)
        request = urllib.request.Request(url, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=10)
        with refusal.value as error:
            assert error.code == 400


def test_without_static_files_it_says_what_to_run(process_env, free_port):
    with serving(process_env, free_port) as server:
        output, _ = server.communicate(timeout=30)
    assert server.returncode == 1
    assert "manage.py setup_site" in output


FIRST_PAGE = """
import sys
import django
django.setup()
from scheduler_site.warming import warm_up
warm_up()
before = set(sys.modules)
from django.test import Client
page = Client(headers={"host": "site.example", "x-forwarded-proto": "https"}).get("/admin/login/")
ours = {name for name in set(sys.modules) - before if name.startswith(("tasks", "scheduler_site"))}
print(page.status_code, sorted(ours))
"""


def said_by(code: str, env: dict[str, str]) -> tuple[str, str]:
    """By a process of the site: on its standard output, and its standard error."""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "DJANGO_SETTINGS_MODULE": "scheduler_site.settings"}, check=False,
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return ended.stdout, ended.stderr


def test_nobody_waits_for_what_the_first_page_loads(site_env):
    env = {**site_env, "SITE_URL": "https://site.example", "DATABASE_URL": "sqlite:////nowhere/x"}
    assert said_by(FIRST_PAGE, env) == ("200 []\n", "")


FIRST_HOME = """
import django, gc
django.setup()
from scheduler_site.warming import warm_up
warm_up()
from django.template.loader import get_template
from tasks.services import load
loaders = get_template("tasks/home.html").template.engine.template_loaders
cached = {getattr(each, "template_name", "") or str(each) for each in loaders[0].get_template_cache}
needed = {"tasks/home.html", "tasks/_disk.html", "admin/base_site.html"}
print(load._starts.cache_info().currsize, sorted(needed - cached), gc.get_freeze_count() > 1000)
"""


def test_the_first_home_page_finds_its_week_counted_and_its_parts_read(site_env):
    create_task(
        name="Shoes", spider="shop", kind="cleanup",
        schedules=[{"kind": "cron", "cron": "0 6 * * *", "timezone": "UTC"}],
    )  # fmt: skip
    assert said_by(FIRST_HOME, site_env) == ("1 [] True\n", "")
