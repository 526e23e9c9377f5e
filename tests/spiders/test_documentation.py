from __future__ import annotations

import json
import re

from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from spiders.parsing.sources import load_source
from spiders.settings import SPIDER_MODULES
from tasks.runtime.chain import items_of
from tests.environment import ROOT

TEXT = (ROOT / "docs" / "spiders.md").read_text("utf-8")


def example(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_documentation_lists_every_spider_with_all_its_arguments_and_defaults():
    loader = SpiderLoader(Settings({"SPIDER_MODULES": SPIDER_MODULES}))
    for name in loader.list():
        part = TEXT.split(f"(`{name}`)")[1].split("\n### ")[0]
        schema = loader.load(name).get_param_schema(normalize=True)["properties"]
        listed = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
        assert listed == list(schema), name
        for argument, declared in schema.items():
            if isinstance(declared.get("default"), int) and declared["type"] == "integer":
                row = next(line for line in part.splitlines() if f"`{argument}`" in line)
                assert row.endswith(f"| {declared['default']} |")


def test_the_example_of_a_search_source_is_valid(tmp_path, monkeypatch):
    [source] = example("toml")
    (tmp_path / "library.toml").write_text(source)
    monkeypatch.setenv("SEARCH_SOURCES_DIR", str(tmp_path))
    assert load_source("library").address("a b", 2).endswith("?q=a+b&start=20")


def test_the_example_of_a_pipeline_gives_what_it_says():
    names = {}
    exec(next(code for code in example("python") if "class Load" in code), names)
    first, second = json.loads(example("json")[0])["chain"]
    assert (first["class"], second["class"]) == ("shop.steps.Load", "shop.steps.Total")
    total = names["Total"]().run(names["Load"](**first["kwargs"]).run())
    assert list(items_of(total)) == [{"total": 10}]
