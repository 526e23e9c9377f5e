from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tasks.outcomes import sentence

ORDER = "x-order"


def spoken(text: str) -> str:
    """What a spider says of itself, in the reader's language where it is known there: texts of
    the spiders here stand in spiders/locale."""
    return gettext(text) if text else ""


class SchemaField(models.JSONField):
    """A JSON Schema whose properties keep their order, which PostgreSQL's jsonb forgets."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("properties"), dict):
            value = {**value, ORDER: list(value["properties"])}
        return super().get_prep_value(value)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        schema = super().from_db_value(value, expression, connection)
        if not isinstance(schema, dict) or ORDER not in schema:
            return schema
        properties = schema["properties"]
        ordered = {name: properties[name] for name in schema.pop(ORDER) if name in properties}
        return {**schema, "properties": ordered}


class SpiderInfo(models.Model):
    """One spider as the catalogue last saw it; a module that doesn't import is a row with error."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    title = models.CharField(_("title"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    module = models.CharField(max_length=300, blank=True)
    # JSON Schema of the declared arguments (properties, required, $defs).
    schema = SchemaField(default=dict, blank=True)
    gives = models.JSONField(default=list, blank=True)
    domains = models.JSONField(default=list, blank=True)
    # True when the arguments come from __init__'s signature, without declared types.
    inferred = models.BooleanField(default=False)
    error = models.TextField(_("error"), blank=True)
    # The code of what an administrator should change (tasks/outcomes/sentences.py).
    warning = models.TextField(_("warning"), blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("spider")
        verbose_name_plural = _("spiders")
        ordering = ["name"]

    def __str__(self) -> str:
        return spoken(self.title) or self.name

    @property
    def about(self) -> str:
        return spoken(self.description)

    @property
    def columns(self) -> list[str]:
        return [spoken(each) for each in self.gives]

    @property
    def is_usable(self) -> bool:
        return not self.error

    @property
    def remedy(self) -> str:
        """What its warning means, in words."""
        return sentence(self.warning)


class Preset(models.Model):
    """A name under which the project's code keeps settings, as the catalogue last saw it."""

    name = models.CharField(_("name"), max_length=200, unique=True)

    class Meta:
        verbose_name = _("preset")
        verbose_name_plural = _("presets")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
