from __future__ import annotations

import os
import shutil

import pytest
from scrapy import Spider

from tasks.execution.catalogue import (
    CatalogueKeeper,
    CatalogueUnreadable,
    read_catalogue,
    refresh_catalogue,
)
from tasks.models import Preset, SpiderInfo
from tasks.runtime.catalogue import describe_spider
from tests.execution.conftest import WILD
from tests.waiting import wait_until


@pytest.fixture
def project(settings, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(WILD, folder, ignore=shutil.ignore_patterns("__pycache__"))
    settings.SCRAPY_PROJECT_PATH = str(folder)
    return folder


def test_spiders_are_listed_with_what_they_take(db, project):
    refresh_catalogue()
    pages = SpiderInfo.objects.get(name="pages")
    assert pages.description == "Reads pages and yields one item for each."
    assert pages.domains == ["127.0.0.1"]
    assert pages.inferred
    assert pages.schema["properties"]["count"]["type"] == "integer"
    assert pages.schema["properties"]["count"]["default"] == 1
    assert pages.schema["properties"]["api_token"]["format"] == "password"
    assert not pages.error


def test_what_a_spider_gives_is_said_in_the_words_of_its_columns(db):
    refresh_catalogue()
    assert SpiderInfo.objects.get(name="vivbliss").gives[:3] == ["Name", "Price", "Currency"]


def test_gives_without_columns_stays_as_it_is():
    class Plain(Spider):
        name = "plain"
        metadata = {"gives": ["Price", "Shop"], "columns": {"Shop": {"name": "Shop name"}}}

    assert describe_spider(Plain)["gives"] == ["Price", "Shop name"]


def test_a_module_that_does_not_import_is_named_and_hides_no_other(db, project):
    names = {info.name for info in refresh_catalogue()}
    broken = SpiderInfo.objects.get(name="broken_import")
    assert "a_module_that_nobody_has" in broken.error
    assert broken.module == "spiders.a_broken"
    assert {"echo", "pages", "raises_in_start", "sleeps"} <= names


def test_a_spider_that_relies_on_start_requests_is_flagged_with_the_remedy(db, project):
    refresh_catalogue()
    assert "async def start" in SpiderInfo.objects.get(name="old_start").remedy
    assert SpiderInfo.objects.get(name="echo").warning == ""


def test_a_spider_that_broke_keeps_its_arguments_and_one_that_is_gone_goes(db, project):
    refresh_catalogue()
    good = project / "spiders" / "good.py"
    good.write_text(good.read_text() + "\nimport gone_for_good\n")
    (project / "spiders" / "hangs.py").unlink()
    refresh_catalogue()
    pages = SpiderInfo.objects.get(name="pages")
    assert "gone_for_good" in pages.error
    assert "count" in pages.schema["properties"]
    assert not SpiderInfo.objects.filter(name="sleeps").exists()


def test_a_project_that_does_not_load_leaves_the_table_as_it_was(db, project):
    refresh_catalogue()
    (project / "conf.py").write_text("raise RuntimeError('no settings')")
    with pytest.raises(CatalogueUnreadable, match="no settings"):
        refresh_catalogue()
    assert SpiderInfo.objects.filter(name="echo").exists()


def test_a_spider_that_ends_the_process_while_it_is_imported_is_told(project):
    (project / "spiders" / "z_ends.py").write_text("import os\nos._exit(5)\n")
    with pytest.raises(CatalogueUnreadable, match="exit code 5"):
        read_catalogue()


def test_a_spider_that_prints_while_it_is_imported_does_no_harm(project):
    (project / "spiders" / "loud.py").write_text("print('{}'); print('noise')")
    assert any(spider["name"] == "echo" for spider in read_catalogue()["spiders"])


def test_a_new_spider_appears_by_itself(transactional_db, project):
    keeper = CatalogueKeeper()
    keeper.start()
    try:
        wait_until(lambda: SpiderInfo.objects.filter(name="echo").exists())
        new = project / "spiders" / "fresh.py"
        new.write_text("import scrapy\nclass Fresh(scrapy.Spider):\n    name = 'fresh'\n")
        os.utime(new)
        wait_until(lambda: SpiderInfo.objects.filter(name="fresh").exists())
    finally:
        keeper.stop()


PRESETS = ["to_nowhere", "to_storage", "to_unknown_format", "to_unknown_storage", "without_feeds"]


def test_presets_of_the_project_are_listed(project):
    assert read_catalogue()["presets"] == PRESETS


def test_presets_are_kept_with_the_spiders(db, project):
    Preset.objects.create(name="of_last_week")
    refresh_catalogue()
    names = set(Preset.objects.values_list("name", flat=True))
    assert names == set(PRESETS)
