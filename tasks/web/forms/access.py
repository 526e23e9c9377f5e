"""Forms for what other programs may reach: API tokens, and addresses of data."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from tasks.web.forms.simple import SimpleForm

LASTS = [
    ("30", gettext_lazy("30 days")),
    ("90", gettext_lazy("90 days")),
    ("365", gettext_lazy("A year")),
    ("", gettext_lazy("Until it is revoked")),
]


SCOPE_WORDS = {
    "read": gettext_lazy("Read tasks, runs and items"),
    "run": gettext_lazy("Start and stop runs"),
    "write": gettext_lazy("Make and change tasks"),
}


class TokenForm(SimpleForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("The program that will use it, so that you know it again."),
    )
    read = forms.BooleanField(label=SCOPE_WORDS["read"], required=False, initial=True)
    run = forms.BooleanField(label=SCOPE_WORDS["run"], required=False)
    write = forms.BooleanField(label=SCOPE_WORDS["write"], required=False)
    lasts = forms.ChoiceField(
        label=gettext_lazy("Works for"), choices=LASTS, initial="90", required=False
    )

    def scopes(self) -> list[str]:
        return [name for name in ("read", "run", "write") if self.cleaned_data[name]]

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["lasts"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class DataLinkForm(SimpleForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Who reads from it, so that you know it again."),
    )
