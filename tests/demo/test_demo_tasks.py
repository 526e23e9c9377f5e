from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from tasks.execution.catalogue import read_catalogue, save_catalogue
from tasks.models import Schedule, SpiderInfo, Task
from tasks.services.arguments import clean_arguments
from tasks.services.demo import load_demo, point_demo
from tasks.spider_settings import clean_settings

pytestmark = pytest.mark.django_db


def test_the_demo_tasks_come_with_schedules_and_the_addresses_of_this_site():
    assert load_demo(site_url="http://127.0.0.1:8123/") == 6
    assert Task.objects.get(task_id="demo-kitchen-prices").arguments["start_urls"] == [
        "http://127.0.0.1:8123/demo/"
    ]
    assert Schedule.objects.count() == 6
    assert Schedule.objects.filter(cron="* * * * *").count() == 1
    follow_up = Schedule.objects.get(kind="after")
    assert follow_up.after_task.task_id == "demo-whole-shop"
    assert all(task.created_at and task.tags.count() == 1 for task in Task.objects.all())


def test_they_are_loaded_once_and_never_beside_somebodys_own_tasks():
    load_demo(site_url="http://127.0.0.1:8000")
    assert load_demo(site_url="http://127.0.0.1:8000") == 0
    Schedule.objects.all().delete()
    Task.objects.exclude(task_id="demo-arrivals").delete()
    assert load_demo(site_url="http://127.0.0.1:8000") == 0
    assert Task.objects.count() == 1


@pytest.fixture
def loaded(settings):
    settings.SITE_URL = "http://127.0.0.1:8000"
    load_demo(site_url=settings.SITE_URL)
    save_catalogue(read_catalogue())
    settings.SITE_URL = "http://127.0.0.1:8123"
    return settings.SITE_URL


def test_they_run_by_the_clock_of_this_site(settings):
    settings.SCHEDULER_TIMEZONE = ZoneInfo("Europe/Stockholm")
    load_demo(site_url="http://127.0.0.1:8000")
    assert set(Schedule.objects.values_list("timezone", flat=True)) == {"Europe/Stockholm"}


def test_they_follow_the_site_to_another_port(loaded):
    Task.objects.filter(task_id="demo-whole-shop").update(
        arguments={"start_urls": ["https://shop.example/"], "max_pages": 7}
    )
    assert point_demo(site_url=loaded) == 5
    assert point_demo(site_url=loaded) == 0
    arguments = {task.task_id: task.arguments for task in Task.objects.all()}
    assert arguments["demo-arrivals"]["start_urls"] == ["http://127.0.0.1:8123/demo/arrivals/"]
    assert arguments["demo-whole-shop"]["start_urls"] == ["https://shop.example/"]


def test_one_that_no_longer_fits_its_spider_does_not_stop_the_others(loaded):
    Task.objects.filter(task_id="demo-whole-shop").update(
        arguments={"start_urls": ["http://127.0.0.1:8000/demo/"], "max_pages": -1}
    )
    assert point_demo(site_url=loaded) == 5


def test_the_fixture_loads_as_it_stands():
    call_command("loaddata", "demo", verbosity=0)
    assert Task.objects.count() == 6


def test_the_command_loads_them_and_says_how_many(settings, capsys):
    settings.SITE_URL = "http://127.0.0.1:8456"
    call_command("loaddemo")
    call_command("loaddemo")
    assert capsys.readouterr().out.splitlines() == [
        "6 demo tasks were added.",
        "Nothing added: there are tasks.",
    ]
    assert ":8456/" in str(Task.objects.get(task_id="demo-arrivals").arguments)


def test_without_the_demo_shop_there_are_no_demo_tasks(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=on"):
        call_command("loaddemo")


def test_every_demo_task_would_pass_the_form(settings):
    from django.utils.timezone import now
    from scrapy.settings import Settings
    from scrapy.spiderloader import SpiderLoader

    from spiders.settings import SPIDER_MODULES

    load_demo(site_url=settings.SITE_URL)
    loader = SpiderLoader(Settings({"SPIDER_MODULES": SPIDER_MODULES}))
    for name in loader.list():
        schema = loader.load(name).get_param_schema(normalize=True)
        SpiderInfo.objects.create(name=name, schema=schema, seen_at=now())
    for task in Task.objects.all():
        clean = clean_arguments(spider=task.spider, raw=task.arguments)
        assert clean.plain == task.arguments
        assert clean_settings(task.settings) == task.settings
