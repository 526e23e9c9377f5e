"""Who did it, as colleagues know each other: records keep the user name, which stays unique."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import User

from tasks.models import AuditEntry, Run


def full_names(user_names: Iterable[str]) -> dict[str, str]:
    """Those that have one; what isn't a person's (a command line's, a bot's) stays as it is."""
    wanted = {name for name in user_names if name}
    if not wanted:
        return {}
    found = User.objects.filter(username__in=wanted).only("username", "first_name", "last_name")
    return {user.username: name for user in found if (name := user.get_full_name())}


def full_name(user_name: str) -> str:
    return full_names([user_name]).get(user_name, user_name)


def of_entry(entry: AuditEntry) -> str:
    return (entry.actor.get_full_name() if entry.actor else "") or entry.actor_name


def introduce(runs: Iterable[Run]) -> None:
    """Puts full names into runs that are only shown."""
    shown = list(runs)
    names = full_names(name for run in shown for name in _of_run(run))
    for run in shown:
        _rename(run, names)


def _of_run(run: Run) -> tuple[str, str]:
    return run.requested_by, run.cancel_requested_by


def _rename(run: Run, names: Mapping[str, str]) -> None:
    run.requested_by = names.get(run.requested_by, run.requested_by)
    run.cancel_requested_by = names.get(run.cancel_requested_by, run.cancel_requested_by)
