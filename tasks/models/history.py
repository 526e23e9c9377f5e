"""Pages of the run history. Each page is a merge of few index ranges: no counting, no offset, no
sorting of what isn't shown, so that a million runs cost what a thousand do, however deep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from tasks.models.run import ASKED_FOR, Run
from tasks.models.task import Task

PER_PAGE = 50
# A search that fits more tasks than this finds its runs soon enough in the history itself.
MANY_TASKS = 1000
GONE_TASKS = 1000
MANY_RANGES = 3000
# Of columns that hold no text.
TYPES = {"task_id": "bigint", "id": "uuid"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A row's place in the order of the history."""

    at: datetime
    run_id: UUID

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // MICROSECOND:x}.{self.run_id.hex}"

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """None for a text that no page has handed out."""
        moment, _dot, run_id = text.partition(".")
        try:
            return cls(EPOCH + int(moment, 16) * MICROSECOND, UUID(hex=run_id))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    task: str = ""
    """A task's id; also of a deleted one."""
    text: str = ""
    """A part of a task's name, id or spider, or a run's whole id."""
    statuses: tuple[str, ...] = ()
    reason: str = ""
    triggers: tuple[str, ...] = ()
    user: str = ""
    """Who asked for the run."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    runs: list[Run]
    newer: Position | None = None
    older: Position | None = None


def read_history(
    wanted: RunFilter | None = None,
    *,
    before: Position | None = None,
    after: Position | None = None,
    size: int = PER_PAGE,
    fields: Sequence[str] = (),
) -> HistoryPage:
    """The newest runs, those next older than `before`, or those next newer than `after`, always
    newest first. `fields` is what to load of each."""
    wanted = wanted or RunFilter()
    ids = _Reader(wanted, before or after, towards_newer=after is not None, size=size + 1).ids()
    more, ids = len(ids) > size, ids[:size]
    if after and not more:
        # The newest page is always a full one.
        return read_history(wanted, size=size, fields=fields)
    found = Run.objects.filter(pk__in=ids)
    runs = sorted(
        found.only("id", "at", *fields) if fields else found,
        key=lambda run: (run.at, run.pk),
        reverse=True,
    )
    if not runs:
        return HistoryPage([])
    has_newer, has_older = (True, True) if after else (before is not None, more)
    return HistoryPage(
        runs,
        newer=Position(runs[0].at, runs[0].pk) if has_newer else None,
        older=Position(runs[-1].at, runs[-1].pk) if has_older else None,
    )


@dataclass(frozen=True, slots=True)
class _Condition:
    sql: str
    params: tuple[Any, ...] = ()


Dimension = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Group:
    """The ranges of one index: each combination of its dimensions' values is one range."""

    dimensions: list[Dimension]
    conditions: list[_Condition]
    table: str = "tasks_run"

    def size(self) -> int:
        return len(list(product(*(values for _name, values in self.dimensions))))


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Some of the ranges of a group, each by the values of its dimensions."""

    group: _Group
    values: list[Sequence[Any]]
    # The last first row of theirs, if that many rows come before or with it.
    edge: Position | None = None


@dataclass(frozen=True, slots=True)
class _Reader:
    wanted: RunFilter
    place: Position | None
    towards_newer: bool
    size: int

    def ids(self) -> list[UUID]:
        found = [self._ranges(group) for group in plan(self.wanted)]
        edges = [each.edge for each in found if each.edge]
        edge = (min if self.towards_newer else max)(edges) if edges else None
        parts = [part for each in found for part in self._parts(each, edge)]
        if not parts:
            return []
        sql = " UNION ALL ".join(f"SELECT * FROM ({part.sql}) AS part" for part in parts)  # noqa: S608 - names of ours alone
        params = [value for part in parts for value in part.params]
        rows = _query(f"{sql} {self._order} LIMIT %s", [*params, self.size])
        return [_uuid(row[0]) for row in rows]

    @property
    def _order(self) -> str:
        direction = "ASC" if self.towards_newer else "DESC"
        return f"ORDER BY at {direction}, id {direction}"

    def _ranges(self, group: _Group) -> _Ranges:
        if group.size() > self.size:
            return self._leading(group)
        return _Ranges(group, list(product(*(values for _name, values in group.dimensions))))

    def _leading(self, group: _Group) -> _Ranges:
        """A range whose first row isn't among the first `size` has none on this page, and no row
        beyond the last of those is on it."""
        aliases = [f"d{number}" for number in range(len(group.dimensions))]
        lists = [_list_of(*dimension) for dimension in group.dimensions]
        named = ", ".join(
            f"{alias}(v) AS ({each.sql})" for alias, each in zip(aliases, lists, strict=True)
        )
        first = self._read(group, [f"{alias}.v" for alias in aliases], None, 1)
        if connection.vendor == "postgresql":
            # Compared with the id of the first row, it would read the whole table to join it.
            joined = f"CROSS JOIN LATERAL ({first.sql}) AS first"
        else:
            # SQLite lets no table be looked up in one that stands beside it.
            joined = f"JOIN tasks_run AS first ON first.id = (SELECT id FROM ({first.sql}) AS one)"  # noqa: S608
        of_first = self._order.replace(" at", " first.at").replace(" id", " first.id")
        rows = _query(
            f"WITH {named} SELECT first.at, first.id, {', '.join(f'{each}.v' for each in aliases)} "  # noqa: S608
            f"FROM {' CROSS JOIN '.join(aliases)} {joined} {of_first} LIMIT %s",
            [*(value for each in lists for value in each.params), *first.params, self.size],
        )
        last = rows[-1] if len(rows) == self.size else None
        edge = Position(_aware(last[0]), _uuid(last[1])) if last else None
        return _Ranges(group, [row[2:] for row in rows], edge)

    def _parts(self, ranges: _Ranges, edge: Position | None) -> list[_Condition]:
        """What to read, as statements."""
        group, size = ranges.group, self.size
        if connection.vendor == "postgresql" and edge and ranges.values and group.dimensions:
            # Planned once: a union takes a tenth of a millisecond of planning for each part.
            names = [f"v{number}" for number in range(len(group.dimensions))]
            part = self._read(group, [f"wanted.{name}" for name in names], edge, size)
            row = f"({', '.join(['%s'] * len(names))})"
            sql = (
                f"SELECT part.* FROM (VALUES {', '.join([row] * len(ranges.values))}) "  # noqa: S608
                f"AS wanted({', '.join(names)}) CROSS JOIN LATERAL ({part.sql}) AS part"
            )
            return [_Condition(sql, (*(v for row in ranges.values for v in row), *part.params))]
        one = self._read(group, ["%s"] * len(group.dimensions), edge, size)
        return [_Condition(one.sql, (*values, *one.params)) for values in ranges.values]

    def _read(
        self, group: _Group, values: Sequence[str], edge: Position | None, size: int
    ) -> _Condition:
        """The first rows of a range, whose values are such SQL."""
        names = (_quoted(name) for name, _values in group.dimensions)
        equal = [f"{name} = {value}" for name, value in zip(names, values, strict=True)]
        rest = [*group.conditions, *self._bounds(edge)]
        where = " AND ".join([*equal, *(each.sql for each in rest)]) or "1 = 1"
        sql = f"SELECT id, at FROM {group.table} WHERE {where} {self._order} LIMIT %s"  # noqa: S608
        return _Condition(sql, (*(value for each in rest for value in each.params), size))

    def _bounds(self, edge: Position | None) -> list[_Condition]:
        bounds = []
        if self.wanted.since:
            bounds.append(_Condition("at >= %s", (_moment(self.wanted.since),)))
        if self.wanted.until:
            bounds.append(_Condition("at < %s", (_moment(self.wanted.until),)))
        if self.place:
            bounds.append(_beside(">" if self.towards_newer else "<", self.place))
        if edge:
            bounds.append(_beside("<=" if self.towards_newer else ">=", edge))
        return bounds


def plan(wanted: RunFilter) -> list[_Group]:
    """Which ranges hold what is wanted. What no index has is read and left out."""
    try:
        run_id = UUID(wanted.text.strip())
    except ValueError:
        return _planned(wanted)
    return [_Group([("id", [_key(run_id)])], [])]


def _planned(wanted: RunFilter) -> list[_Group]:
    if wanted.task:
        return _of_task(wanted)
    if wanted.text.strip():
        return _of_search(wanted)
    if wanted.user:
        return _of_person(wanted, [])
    if wanted.reason:
        return _of_reason(wanted, [])
    return [_Group(_kinds(wanted), [])]


def _of_person(wanted: RunFilter, dimensions: list[Dimension]) -> list[_Group]:
    # Word by word the condition of the index.
    asked = _Condition(f'"trigger" IN ({", ".join(map(repr, map(str, ASKED_FOR)))})')
    rest = [asked, *_kind_conditions(wanted), *_reason_condition(wanted)]
    return [_Group([("requested_by", [wanted.user]), *dimensions], rest)]


def _of_reason(wanted: RunFilter, dimensions: list[Dimension]) -> list[_Group]:
    # Word by word the condition of the index.
    rest = [_Condition("NOT (reason = '')"), *_kind_conditions(wanted)]
    return [_Group([("reason", [wanted.reason]), *dimensions], rest)]


def _of_task(wanted: RunFilter) -> list[_Group]:
    pk = Task.objects.filter(task_id=wanted.task).values_list("pk", flat=True).first()
    return _of_tasks(wanted, [pk]) if pk else [_of_gone(wanted, [wanted.task])]


def _of_search(wanted: RunFilter) -> list[_Group]:
    text = wanted.text.strip()
    named = Q(name__icontains=text) | Q(task_id__icontains=text) | Q(spider__icontains=text)
    tasks = Task.objects.filter(named)
    pks = list(tasks.values_list("pk", flat=True)[: MANY_TASKS + 1])
    gone = [key for key, name in gone_tasks() if text.lower() in f"{key}\n{name}".lower()]
    groups = [_of_gone(wanted, gone)] if gone else []
    if len(pks) > MANY_TASKS and not (wanted.user or wanted.reason):
        return [*groups, _Group(_kinds(wanted), [_kept("task_id", pks)])]
    return [*groups, *_of_tasks(wanted, pks)] if pks else groups


def _of_tasks(wanted: RunFilter, pks: list[int]) -> list[_Group]:
    if wanted.user:
        return _of_person(wanted, [("task_id", pks)])
    if wanted.reason:
        return _of_reason(wanted, [("task_id", pks)])
    kinds, rest = _kinds_of_task(wanted, len(pks))
    return [_Group([("task_id", pks), *kinds], rest)]


def _of_gone(wanted: RunFilter, keys: list[str]) -> _Group:
    gone = _Condition("task_id IS NULL")
    if wanted.user:
        group, index = _of_person(wanted, [])[0], "run_person_task_history"
    elif wanted.reason:
        group, index = _of_reason(wanted, [])[0], "run_reason_task_history"
    else:
        rest = [gone, *_kind_conditions(wanted)]
        return _Group([("task_key", keys)], rest, _table_by("run_gone_history"))
    conditions = [gone, _kept("task_key", keys), *group.conditions]
    return _Group(group.dimensions, conditions, _table_by(index))


def _table_by(index: str) -> str:
    # SQLite takes any index on task_id, and then reads the runs of all deleted tasks.
    return f"tasks_run INDEXED BY {index}" if connection.vendor == "sqlite" else "tasks_run"


_NEXT_GONE = """SELECT task_key, task_name FROM tasks_run WHERE task_id IS NULL AND task_key > {}
    ORDER BY task_key, at DESC, id DESC LIMIT 1"""
# The first entry of a task in the index is its newest run.
_GONE_THERE = f"""WITH RECURSIVE gone(key, name) AS (
    (SELECT * FROM ({_NEXT_GONE.format("''")}) AS first)
    UNION ALL SELECT following.* FROM gone
    CROSS JOIN LATERAL ({_NEXT_GONE.format("gone.key")}) AS following)
    SELECT key, name FROM gone LIMIT %s"""  # noqa: S608 - names of ours alone


def _list_of(name: str, values: Sequence[Any]) -> _Condition:
    """The values as rows."""
    if connection.vendor == "postgresql":
        # One parameter: to write and to read hundreds takes as long as to look them up.
        return _Condition(f"SELECT unnest(%s::{TYPES.get(name, 'text')}[])", (list(values),))
    return _Condition(f"VALUES {', '.join(['(%s)'] * len(values))}", tuple(values))


def gone_tasks() -> list[tuple[str, str]]:
    """Ids and last names of deleted tasks that left runs behind: one index probe for each, or two
    in SQLite."""
    if connection.vendor == "postgresql":
        return [(key, name) for key, name in _query(_GONE_THERE, [GONE_TASKS])]
    of_gone = f"FROM {_table_by('run_gone_history')} WHERE task_id IS NULL AND task_key"
    following = f"SELECT task_key {of_gone} > {{}} ORDER BY task_key LIMIT 1"
    newest_name = f"SELECT task_name {of_gone} = gone.key ORDER BY at DESC, id DESC LIMIT 1"
    first = following.format("''")
    sql = (
        f"WITH RECURSIVE gone(key) AS (SELECT * FROM ({first}) AS first UNION ALL "  # noqa: S608 - no values in it
        f"SELECT ({following.format('gone.key')}) FROM gone WHERE gone.key IS NOT NULL) "
        f"SELECT key, ({newest_name}) FROM gone WHERE key IS NOT NULL LIMIT %s"
    )
    return [(key, name) for key, name in _query(sql, [GONE_TASKS])]


def _kinds(wanted: RunFilter) -> list[Dimension]:
    """The indexes have a trigger only behind a status."""
    if wanted.triggers:
        statuses = wanted.statuses or Run.Status.values
        return [("status", list(statuses)), ("trigger", list(wanted.triggers))]
    return [("status", list(wanted.statuses))] if wanted.statuses else []


def _kinds_of_task(wanted: RunFilter, tasks: int) -> tuple[list[Dimension], list[_Condition]]:
    statuses, triggers = wanted.statuses, wanted.triggers
    if statuses and tasks * len(statuses) * len(triggers) > MANY_RANGES:
        return [("status", list(statuses))], [_kept("trigger", triggers)]
    given = [("status", list(statuses)), ("trigger", list(triggers))]
    return [(name, values) for name, values in given if values], []


def _kind_conditions(wanted: RunFilter) -> list[_Condition]:
    given = {"status": wanted.statuses, "trigger": wanted.triggers}
    return [_kept(name, values) for name, values in given.items() if values]


def _reason_condition(wanted: RunFilter) -> list[_Condition]:
    return [_kept("reason", [wanted.reason])] if wanted.reason else []


def _beside(sign: str, place: Position) -> _Condition:
    return _Condition(f"(at, id) {sign} (%s, %s)", (_moment(place.at), _key(place.run_id)))


def _kept(name: str, values: Sequence[Any]) -> _Condition:
    """Sieves the rows of a range. An expression, so that no planner takes the column's own index
    and sorts all that it finds there."""
    plain = f"{_quoted(name)} + 0" if name == "task_id" else f"{_quoted(name)} || ''"
    return _Condition(f"{plain} IN ({', '.join(['%s'] * len(values))})", tuple(values))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _moment(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _aware(value: datetime | str) -> datetime:
    """SQLite knows no zones."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _key(value: UUID) -> Any:
    return value if connection.features.has_native_uuid_field else value.hex


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(hex=value)


def _query(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
