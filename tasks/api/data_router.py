from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Body, Path, Router, Status
from pydantic import Field

from tasks.api.answers import answers
from tasks.api.auth import READ, WRITE, caller_of
from tasks.api.fields import MAX_INTEGER, Answer, Slug, Strict, text
from tasks.models import DataLink
from tasks.services.data_links import FORMATS, create_data_link, path_of, revoke_data_link
from tasks.services.tasks import get_task

router = Router(tags=["latest good data"])

TaskId = Annotated[Slug, Path(examples=["shop-prices"])]
LinkId = Annotated[int, Path(ge=1, le=MAX_INTEGER)]


class LinkIn(Strict):
    name: Annotated[str, text(100)] = Field("", examples=["Purchasing's price sheet"])


class LinkOut(Answer):
    id: int
    name: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None


class NewLinkOut(LinkOut):
    urls: dict[str, str] = Field(
        description="By format. Shown this once; whoever has one can read the data.",
        examples=[{"csv": "https://spiders.example.org/data/….csv"}],
    )


@router.get("/tasks/{task_id}/data-links", auth=READ, response=answers({200: list[LinkOut]}, 404))
def list_links(request: HttpRequest, task_id: TaskId) -> list[LinkOut]:
    """The task's addresses that still work, without their secrets."""
    caller_of(request).demand("view_datalink")
    rows = DataLink.objects.filter(task=get_task(task_id), revoked_at__isnull=True)
    return [LinkOut(**_values(row)) for row in rows]


@router.post(
    "/tasks/{task_id}/data-links", auth=WRITE, response=answers({201: NewLinkOut}, 400, 404)
)
def add_link(
    request: HttpRequest, task_id: TaskId, data: Body[LinkIn | None] = None
) -> Status[NewLinkOut]:
    """A secret address of the task's latest good items, which needs no login."""
    name = data.name if data else ""
    link, secret = create_data_link(task_id=task_id, name=name, actor=caller_of(request).actor)
    urls = {form: f"{settings.SITE_URL}{path_of(secret, form)}" for form in FORMATS}
    return Status(201, NewLinkOut(**_values(link), urls=urls))


@router.delete("/data-links/{link_id}", auth=WRITE, response=answers({204: None}, 404))
def revoke_link(request: HttpRequest, link_id: LinkId) -> Status[None]:
    """From now on nobody can read at this address."""
    revoke_data_link(link_id=link_id, actor=caller_of(request).actor)
    return Status(204, None)


def _values(link: DataLink) -> dict[str, Any]:
    names = ("id", "name", "created_by", "created_at", "last_used_at")
    return {name: getattr(link, name) for name in names}
