"""A module's code with marks, and what each mark says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

HITS = "__measured__"  # a builtin while it is measured: see hook.py


@dataclass(frozen=True)
class Jump:
    """From a line that decides, to one of the lines of what it decides on or to any other."""

    origin: int
    block: range
    inside: bool

    def target(self, arcs: set[tuple[int, int]]) -> int | None:
        """coverage.py knows which line that is; none, if it takes this for no decision."""
        goals = {goal for origin, goal in arcs if origin == self.origin}
        fitting = [goal for goal in goals if (goal in self.block) == self.inside]
        return fitting[0] if len(fitting) == 1 and len(goals) > 1 else None


@dataclass(frozen=True)
class Mark:
    lines: tuple[int, ...]
    jump: Jump | None = None


def arcs_of(marks: list[Mark], possible: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """In coverage.py's form, from line to line. From where a line was reached matters only where
    something was decided."""
    for mark in marks:
        yield from ((-1, line) for line in mark.lines)
        if mark.jump and (target := mark.jump.target(possible)):
            yield mark.jump.origin, target


def marked(source: str, filename: str, first: int) -> tuple[CodeType, list[Mark]]:
    """The marks are numbered from `first` on."""
    marker = Marker(first)
    tree = ast.parse(source)
    marker.mark_scope(tree)
    return compile(ast.fix_missing_locations(tree), filename, "exec"), marker.marks


def lines_of(statement: ast.stmt) -> tuple[int, ...]:
    decorators = getattr(statement, "decorator_list", [])
    return (*(decorator.lineno for decorator in decorators), statement.lineno)


def block_of(statements: list[ast.stmt]) -> range:
    return range(lines_of(statements[0])[0], (statements[-1].end_lineno or 0) + 1)


def must_stay_first(statement: ast.stmt) -> bool:
    """A docstring, or an import from the future."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def fits_all(case: ast.match_case) -> bool:
    """Python allows no case after such a one."""
    return case.guard is None and any(
        isinstance(pattern, ast.MatchAs) and pattern.pattern is None
        for pattern in (case.pattern, *getattr(case.pattern, "patterns", ()))
        if not isinstance(case.pattern, ast.MatchSequence | ast.MatchClass | ast.MatchMapping)
    )


class Marker:
    def __init__(self, first: int) -> None:
        self.first = first
        self.marks: list[Mark] = []

    def mark(self, at: ast.AST, lines: tuple[int, ...], jump: Jump | None = None) -> ast.stmt:
        place = ast.Subscript(ast.Name(HITS, ast.Load()), self._number(lines, jump), ast.Store())
        return ast.copy_location(ast.Assign([place], ast.Constant(1)), at)

    def call(self, at: ast.AST, lines: tuple[int, ...], jump: Jump | None = None) -> ast.expr:
        """Where only an expression fits: it is None."""
        set_item = ast.Attribute(ast.Name(HITS, ast.Load()), "__setitem__", ast.Load())
        call = ast.Call(set_item, [self._number(lines, jump), ast.Constant(1)], [])
        return ast.copy_location(call, at)

    def _number(self, lines: tuple[int, ...], jump: Jump | None = None) -> ast.Constant:
        self.marks.append(Mark(lines, jump))
        return ast.Constant(self.first + len(self.marks) - 1)

    def mark_scope(self, scope: ast.Module | ast.stmt) -> None:
        """Of a module, class or function."""
        body = scope.body
        head = 0
        while head < len(body) and must_stay_first(body[head]):
            head += 1
        passed = tuple(line for statement in body[:head] for line in lines_of(statement))
        marks = [self.mark(body[0], passed)] if passed else []
        body[:] = [*body[:head], *marks, *self.block(body[head:])]

    def block(self, statements: list[ast.stmt], jump: Jump | None = None) -> list[ast.stmt]:
        """Whoever reaches its first line has jumped there."""
        result = []
        for number, statement in enumerate(statements):
            reached = self.mark(statement, lines_of(statement), jump if number == 0 else None)
            result += [reached, statement]
            self.inner(statement)
        return result

    def inner(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.mark_scope(statement)
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
                self.decision(statement)
            case ast.Match():
                statement.cases[:] = list(self.cases(statement))
            case ast.With() | ast.AsyncWith():
                statement.body[:] = self.block(statement.body)
            case ast.Try() | ast.TryStar():
                self.attempt(statement)

    def decision(self, statement: ast.If | ast.For | ast.AsyncFor | ast.While) -> None:
        block = block_of(statement.body)
        taken, other = (Jump(statement.lineno, block, inside) for inside in (True, False))
        statement.body[:] = self.block(statement.body, taken)
        if statement.orelse:
            statement.orelse[:] = self.block(statement.orelse, other)
        else:
            statement.orelse[:] = [self.mark(statement, (), other)]

    def attempt(self, statement: ast.Try | ast.TryStar) -> None:
        statement.body[:] = self.block(statement.body)
        for handler in statement.handlers:
            lines, body = (handler.lineno,), self.block(handler.body)
            if handler.type is None:
                body.insert(0, self.mark(handler, lines))
            else:
                asked = [self.call(handler.type, lines), handler.type]
                handler.type = ast.copy_location(ast.BoolOp(ast.Or(), asked), handler.type)
            handler.body[:] = body
        statement.orelse[:] = self.block(statement.orelse)
        statement.finalbody[:] = self.block(statement.finalbody)

    def cases(self, statement: ast.Match) -> Iterator[ast.match_case]:
        """Before each one a case that never fits, for its line; after the last what fits none."""
        missed = None
        for case in statement.cases:
            line, block = case.pattern.lineno, block_of(case.body)
            yield self.asked(case.pattern, (line,), missed)
            case.body[:] = self.block(case.body, Jump(line, block, inside=True))
            yield case
            missed = Jump(line, block, inside=False)
        if not fits_all(case):
            yield self.asked(case.pattern, (), missed)

    def asked(self, at: ast.AST, lines: tuple[int, ...], jump: Jump | None) -> ast.match_case:
        return ast.match_case(
            ast.copy_location(ast.MatchAs(), at),
            self.call(at, lines, jump),
            [ast.copy_location(ast.Pass(), at)],
        )
