"""The page of the REST API: how a description becomes a page, and that this one is whole."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone, translation

from tasks.api.app import api as ninja_api
from tasks.api.reference import page
from tasks.api.reference.examples import LEFT_OUT, example_of
from tasks.api.reference.kinds import kind_of
from tasks.api.reference.limits import allowed_by
from tasks.api.reference.operations import Operation, anchor_of, groups_of
from tasks.api.reference.requests import curl, example_body, pretty
from tasks.api.reference.rows import field_rows, parameter_row
from tasks.api.reference.words import REFUSALS, TAGS
from tasks.models import Blackout, DataLink, Hold, Run, SpiderInfo
from tasks.services import create_task
from tasks.services.people import ROLES

SITE = "https://spiders.example.org"
ADDRESS = "/api/v1/docs"

# --- how types, limits, rows and examples are read ---------------------------------------------

NODE = {"properties": {"next": {"$ref": "#/components/schemas/Node"}, "n": {"type": "integer"}}}
LEAF = {
    "type": "object",
    "required": ["a"],
    "properties": {"a": {"type": "string"}, "b": {"type": "integer", "examples": [3]}},
}
SCHEMAS = {"Node": {"type": "object", "required": ["next"], **NODE}, "Leaf": LEAF}
TO_LEAF = {"$ref": "#/components/schemas/Leaf"}
TO_NODE = {"$ref": "#/components/schemas/Node"}
NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("node", "written"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({}, "any"),
        (TO_LEAF, "Leaf"),
        ({"allOf": [TO_LEAF]}, "Leaf"),
        ({"allOf": [TO_LEAF, {"anyOf": [TO_NODE, NULL]}]}, "Leaf & (Node | null)"),
        ({"anyOf": [{"type": "integer"}, NULL]}, "integer | null"),
        ({"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 2}]}, "integer"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"const": "now"}, '"now"'),
        ({"type": "array", "items": TO_LEAF}, "Leaf[]"),
        ({"type": "array"}, "any[]"),
        ({"type": "array", "items": {"anyOf": [TO_LEAF, NULL]}}, "(Leaf | null)[]"),
        ({"type": "object"}, "object"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"type": "object", "additionalProperties": TO_LEAF}, "{name: Leaf}"),
        ({"type": "object", "patternProperties": {"^x": {"type": "number"}}}, "{name: number}"),
    ],
)
def test_a_schema_is_written_as_a_type(node: Any, written: str) -> None:
    assert "".join(part.text for part in kind_of(node)) == written


def test_what_a_type_refers_to_is_a_link() -> None:
    parts = kind_of({"anyOf": [{"type": "array", "items": TO_LEAF}, NULL]})
    assert [part.text for part in parts if part.schema == "Leaf"] == ["Leaf"]


@pytest.mark.parametrize(
    ("node", "values", "words", "patterns"),
    [
        ({"enum": ["a", ""], "type": "string"}, ['"a"', '""'], [], []),
        ({"minimum": 0, "maximum": 32_767}, [], ["0 to 32,767"], []),
        ({"minimum": 1}, [], ["1 or more"], []),
        ({"exclusiveMaximum": 5}, [], ["less than 5"], []),
        (
            {"minLength": 0, "maxLength": 9, "pattern": r"^[^\x00]*$"},
            [],
            ["up to 9 characters"],
            [],
        ),
        ({"pattern": "^a"}, [], [], ["^a"]),
        ({"anyOf": [{"enum": ["a"]}, NULL]}, ['"a"'], [], []),
        (
            {"type": "array", "maxItems": 2, "items": {"enum": ["a"], "maxLength": 3}},
            ['"a"'],
            ["up to 2 entries", "each up to 3 characters"],
            [],
        ),
        (TO_LEAF, [], [], []),
    ],
)
def test_what_is_allowed_is_said_in_words(
    node: Any, values: list[str], words: list[str], patterns: list[str]
) -> None:
    found = allowed_by(node)
    assert (found.values, found.words, found.patterns) == (values, words, patterns)
    assert bool(found) == bool(values or words or patterns)


def test_fields_of_what_a_field_refers_to_stand_below_it_once() -> None:
    node = {
        "required": ["leaf"],
        "properties": {
            "leaf": {"anyOf": [TO_LEAF, NULL], "default": None, "description": "One."},
            "many": {"type": "array", "items": TO_LEAF},
            "node": TO_NODE,
        },
    }
    rows = field_rows(node, SCHEMAS, nested=True)
    assert [row.name for row in rows] == [
        "leaf", "leaf.a", "leaf.b", "many", "many[].a", "many[].b", "node", "node.next", "node.n",
    ]  # fmt: skip
    assert [row.name for row in rows if row.required] == ["leaf", "leaf.a", "many[].a", "node.next"]
    assert (rows[0].default, rows[0].about) == ("null", "One.")
    assert [row.name for row in field_rows(node, SCHEMAS)] == ["leaf", "many", "node"]


def test_nobody_can_send_null_in_an_address() -> None:
    node = {"anyOf": [{"type": "integer", "description": "How many."}, NULL]}
    row = parameter_row({"name": "n", "in": "query", "schema": node})
    assert [part.text for part in row.kind] == ["integer"]
    assert (row.where, row.required, row.about) == ("query", False, "How many.")


@pytest.mark.parametrize(
    ("node", "example"),
    [
        (TO_LEAF, {"a": "text", "b": 3}),
        (TO_NODE, {}),
        ({"type": "array", "items": TO_NODE}, [{}]),
        ({"anyOf": [NULL, {"type": "boolean"}]}, True),
        ({"anyOf": [NULL]}, None),
        ({"default": 5, "type": "integer"}, 5),
        ({"type": ["null", "integer"], "minimum": 2}, 2),
        ({"type": "string", "format": "uuid"}, "0b0e4ab9-7f43-4d3c-8f0c-2f9d0a9f5f62"),
        ({"type": "object", "properties": {"a": {"examples": [None]}, "b": TO_LEAF}}, {}),
    ],
)
def test_an_example_has_what_must_be_there(node: Any, example: Any) -> None:
    assert example_of(node, SCHEMAS) == example


def test_an_example_of_what_only_holds_itself_is_left_out() -> None:
    circle = {"Circle": {"$ref": "#/components/schemas/Circle"}}
    assert example_of({"$ref": "#/components/schemas/Circle"}, circle) is LEFT_OUT


def test_json_that_fits_stays_on_one_line() -> None:
    long = {"a": ["x" * 40, "y" * 40], "b": {}}
    assert pretty({"a": [1, 2]}) == '{"a": [1, 2]}'
    assert json.loads(pretty(long)) == long
    assert max(map(len, pretty(long).splitlines())) < 60


def test_a_line_for_the_terminal_quotes_what_needs_it() -> None:
    operation = {
        "security": [{"Token": ["run"]}],
        "parameters": [
            {
                "name": "cron",
                "in": "query",
                "required": True,
                "schema": {"examples": ["0 6 * * *"]},
            },
            {"name": "run_id", "in": "path", "required": True, "schema": {"type": "string"}},
        ],
        "responses": {"200": {"content": {"text/event-stream": {}}}},
    }
    line = curl("GET", "/api/v1/x/{run_id}", operation, {}, SITE)
    words = shlex.split(line.replace("\\\n", " "))
    assert words[:3] == ["curl", "-N", f"{SITE}/api/v1/x/$RUN_ID"]
    assert words[-3:] == ["-G", "--data-urlencode", "cron=0 6 * * *"]
    assert "Authorization: Bearer $TOKEN" in words


# --- this installation's own description ------------------------------------------------------


@pytest.fixture
def described(db: None) -> Any:
    return ninja_api.get_openapi_schema()


def every(described: Any) -> list[Operation]:
    return [each for group in groups_of(described, site=SITE) for each in group.operations]


def test_everything_says_what_it_is(described: Any) -> None:
    for operation in every(described):
        assert operation.about.endswith((".", "…")), operation.anchor
        assert all(row.about for row in operation.parameters), operation.anchor
        assert operation.group in {*ROLES, ""}
        assert operation.is_open or operation.scope in {"read", "run", "write"}, operation.anchor
        assert set(operation.refusals) <= set(REFUSALS), operation.anchor
    for name, node in described["components"]["schemas"].items():
        for row in field_rows(node, {}):
            assert row.about, f"{name}.{row.name}: say in tasks/api/meanings.py what it means"
    assert {group.tag for group in groups_of(described, site=SITE)} == set(TAGS)


def test_each_example_fits_its_schema(described: Any) -> None:
    bodies = 0
    for methods in described["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                body = example_body(operation, described["components"]["schemas"])
                node = operation["requestBody"]["content"]["application/json"]["schema"]
                jsonschema.validate(body, {**node, "components": described["components"]})
                bodies += 1
    assert bodies > 15


@pytest.fixture
def house(db: None) -> SimpleNamespace:
    """What the examples speak of."""
    now = timezone.now()
    arguments = {key: {} for key in ("start_urls", "max_pages", "query", "sources")}
    for name in ("vivbliss", "search"):
        SpiderInfo.objects.create(name=name, schema={"properties": arguments}, seen_at=now)
    task = create_task(
        task_id="shop-prices", name="Shop", spider="vivbliss",
        schedules=[{"kind": "cron", "cron": "0 6 * * *"}],
    )  # fmt: skip
    create_task(task_id="search-0123456789ab", name="Search: oak", kind="search", spider="search")
    run = Run.objects.create(
        task=task, task_key="shop-prices", task_name="Shop", spider="vivbliss", status="failed",
        trigger="schedule", at=now - timedelta(hours=1),
    )  # fmt: skip
    return SimpleNamespace(
        run_id=run.pk,
        job_id=task.task_id,
        number=Blackout.objects.create(name="N", start_time="22:00", end_time="23:00").pk,
        link_id=DataLink.objects.create(task=task, digest="x").pk,
        name="vivbliss",
    )


# Without a run that goes on, a file or a hold there is nothing to do, and a log is followed.
NEEDS_MORE = {
    "post-runs-run_id-cancel", "get-runs-run_id-file", "get-runs-run_id-logs",
    "get-jobs-job_id-logs", "get-health",
}  # fmt: skip


def test_each_line_for_the_terminal_does_what_it_says(
    described: Any, house: Any, api_of: Any, anna: Any
) -> None:
    api = api_of(anna)
    for operation in every(described):
        if operation.anchor in NEEDS_MORE:
            continue
        with transaction.atomic():
            if operation.anchor == "delete-hold":
                Hold.objects.create(note="x", author="x", starts_at=timezone.now())
            if operation.anchor == "post-tasks":
                api.delete("/tasks/shop-prices")
            answer = send(api, operation.curl, house)
            transaction.set_rollback(True)
        assert answer.status_code < 300, (operation.curl, answer.content)


def send(api: Any, line: str, house: Any) -> Any:
    words = shlex.split(line.replace("\\\n", " "))
    (url,) = [word for word in words if word.startswith(SITE)]
    for name, value in vars(house).items():
        url = url.replace(f"${name.upper()}", str(value))
    if "--data-urlencode" in words:
        name, _, value = words[words.index("--data-urlencode") + 1].partition("=")
        url += f"?{name}={value.replace(' ', '%20')}"
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    data = words[words.index("-d") + 1] if "-d" in words else None
    return api(method, "/" + url.removeprefix(SITE), data)


def test_the_refusal_that_is_shown_is_a_real_one(described: Any, api: Any, db: None) -> None:
    schemas = described["components"]["schemas"]
    assert api.post("/spread", {}).json() == example_of(schemas["Problem"], schemas)


# --- the page ---------------------------------------------------------------------------------


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids[str(given["id"])] += 1
        if tag == "a":
            self.links.append(str(given.get("href")))
        if tag in {"script", "link"}:
            self.sources.append(str(given.get("src") or given.get("href")))
        if "style" in given or tag == "style" or any(name.startswith("on") for name in given):
            self.inline.append(tag)


@pytest.fixture
def html(client: Client, db: None) -> str:
    return client.get(ADDRESS).content.decode()


def test_each_operation_and_schema_is_there_once_and_every_link_leads_somewhere(
    html: str, described: Any
) -> None:
    found = Page(html)
    assert [name for name, times in found.ids.items() if times > 1] == []
    operations = {anchor_of(m.upper(), p) for p, ms in described["paths"].items() for m in ms}
    assert len(operations) == sum(map(len, described["paths"].values())) > 45
    shown = {name for name in found.ids if re.match(r"(get|post|patch|put|delete)-", name)}
    assert shown == operations
    schemas = {f"schema-{name}" for name in described["components"]["schemas"]}
    assert {name for name in found.ids if name.startswith("schema-")} == schemas
    assert {each[1:] for each in found.links if each.startswith("#")} <= set(found.ids)
    assert operations | schemas <= {each[1:] for each in found.links}


def test_it_loads_nothing_from_elsewhere_and_runs_nothing_inline(html: str) -> None:
    found = Page(html)
    assert found.sources
    assert all(source.startswith("/static/") for source in found.sources)
    assert found.inline == []
    assert re.findall(r"<script(?![^>]*src=)", html) == []


def test_whoever_may_read_the_description_may_read_the_page(client: Client, db: None) -> None:
    page = client.get(ADDRESS).content.decode()
    assert "/admin/login/?next=/api/v1/docs" in page
    assert 'download="openapi.json"' in page
    assert client.get("/api/v1/openapi.json").status_code == 200


def test_it_is_not_sent_again_to_whoever_has_it(client: Client, maja: Any) -> None:
    first = client.get(ADDRESS)
    assert "private" in first["Cache-Control"]
    again = client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    client.force_login(maja)
    # Its frame says who is logged in, and how the scheduler is.
    own = client.get(ADDRESS, headers={"If-None-Match": first["ETag"]})
    assert own.status_code == 200
    assert "no-store" in own["Cache-Control"]
    assert "Maja Lind" in own.content.decode()


def test_it_is_drawn_once_in_each_language(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ninja_api.docs, "_drawn", {})
    drawn: list[Any] = []
    monkeypatch.setattr(page, "draw", lambda *given: drawn.append(given) or page.Drawn("", ""))
    for language in ("en", "de", "en", "de"):
        assert client.get(ADDRESS, headers={"Accept-Language": language}).status_code == 200
    assert len(drawn) == 2


def test_head_has_no_body(client: Client, db: None) -> None:
    head = client.head(ADDRESS)
    assert (head.status_code, head.content, "ETag" in head) == (200, b"", True)


def test_it_speaks_german_around_the_descriptions_own_words(client: Client, db: None) -> None:
    page = client.get(ADDRESS, headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de"' in page
    assert "Mindestens die Gruppe:" in page
    assert "1 bis 200 Zeichen" in page
    assert '<p lang="en">All tasks, filtered, in pages.</p>' in page
    english = client.get(ADDRESS).content.decode()
    assert "1 to 200 characters" in english
    with translation.override("de"):
        assert str(REFUSALS["404"].short) == "nicht vorhanden"
