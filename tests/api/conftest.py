from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tasks.models import SpiderInfo, Task
from tasks.services import create_task, rates
from tasks.services.actors import person
from tasks.services.tokens import SCOPES, create_token

SHOP_SCHEMA = {
    "type": "object",
    "properties": {
        "start_urls": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "currency": {"enum": ["SEK", "EUR"], "type": "string"},
        "pages": {"type": "integer"},
        "password": {"type": "string", "secret": True},
    },
    "required": ["start_urls"],
}


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Each test's token has the number of an earlier one's, and would share its limit."""
    rates.forget()


@pytest.fixture
def shop_spider(db: None) -> SpiderInfo:
    return SpiderInfo.objects.create(name="shop", schema=SHOP_SCHEMA, seen_at=timezone.now())


@pytest.fixture
def shop(shop_spider: SpiderInfo) -> Task:
    return create_task(
        task_id="shop",
        name="Shop prices",
        spider="shop",
        arguments={"start_urls": ["https://shop.example/shoes"]},
        schedules=[{"kind": "cron", "cron": "0 6 * * *"}],
    )


def token_for(user: User, *scopes: str) -> str:
    return create_token(
        user=user, name="test", actor=person(user, "admin"), scopes=scopes or SCOPES
    )[1]


class Api:
    """A client that speaks JSON, with a person's token."""

    def __init__(self, user: User | None = None, *scopes: str) -> None:
        self.headers = {"Authorization": f"Bearer {token_for(user, *scopes)}"} if user else {}
        self.client = Client()

    def __call__(
        self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        body = {"data": data, "content_type": "application/json"} if data is not None else {}
        path = path if path.startswith("//") else f"/api/v1{path}"
        return self.client.generic(
            method,
            path.removeprefix("/") if path.startswith("//") else path,
            **{**body, "data": _json(data)} if data is not None else {},
            headers={**self.headers, **(headers or {})},
        )

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, headers=headers)

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        return self("POST", path, data, headers)

    def patch(self, path: str, data: Any, **headers: str) -> Any:
        return self("PATCH", path, data, headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self("DELETE", path, headers=headers)


def _json(data: Any) -> str:
    import json

    return data if isinstance(data, str) else json.dumps(data)


@pytest.fixture
def api_of(db: None) -> Callable[..., Api]:
    return Api


@pytest.fixture
def api(maja: User) -> Api:
    return Api(maja)
