from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router
from pydantic import BaseModel, ConfigDict, Field

from tasks.api.answers import answers
from tasks.api.auth import READ, WRITE, caller_of
from tasks.api.fields import Answer, Strict, text
from tasks.services import export_tasks, import_tasks

router = Router(tags=["files"])

Format = Literal["json", "yaml"]
FileText = Annotated[str, text(2_000_000, 1)]
CONTENT_TYPES = {
    "json": "application/json; charset=utf-8",
    "yaml": "application/yaml; charset=utf-8",
}
EXAMPLE = "jobs:\n- {job_id: shoes, type: cron, hour: 6, spider: vivbliss}\n"


class ExportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Format = Field("json", description="How the file is written.")


class ImportIn(Strict):
    text: FileText = Field(description="A task file, JSON or YAML.", examples=[EXAMPLE])
    format: Format | None = Field(None, description="Seen from the text when left out.")
    dry_run: bool = Field(False, description="Only say what would change.")
    replace: bool = Field(False, description="Remove the tasks that the file does not name.")


class ChangeOut(Answer):
    task_id: str
    name: str
    action: Literal["created", "changed", "unchanged", "removed"]
    fields: dict[str, list[Any]] = Field(description="By field: before and after.")
    line: int
    when: str = Field(description="When it runs from then on, in words.")


class PlanOut(Answer):
    dry_run: bool
    created: int
    changed: int
    unchanged: int
    removed: int
    changes: list[ChangeOut]
    warnings: list[str]


TEXT = {
    "responses": {
        200: {
            "description": "The tasks as a file.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "application/yaml": {"schema": {"type": "object"}},
            },
        }
    }
}


@router.get("/task-file", auth=READ, response=answers({200: None}), openapi_extra=TEXT)
def get_task_file(request: HttpRequest, query: Query[ExportQuery]) -> HttpResponse:
    """All tasks in the full form; secrets are left out."""
    exported = export_tasks(file_format=query.format, actor=caller_of(request).actor)
    return HttpResponse(exported, content_type=CONTENT_TYPES[query.format])


@router.post("/task-file", auth=WRITE, response=answers({200: PlanOut}, 400, 409))
def import_task_file(request: HttpRequest, data: Body[ImportIn]) -> dict[str, Any]:
    """All of the file or nothing; errors name line and field."""
    plan = import_tasks(
        text=data.text,
        file_format=data.format,
        dry_run=data.dry_run,
        replace=data.replace,
        actor=caller_of(request).actor,
    )
    return plan.as_dict()
