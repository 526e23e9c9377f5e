"""What a service says when it refuses. Every door turns these into its own form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class InvalidInput(ValueError):
    """Wrong input: `errors` has the messages by field; "" is for the whole."""

    def __init__(self, errors: Mapping[str, Sequence[str]] | str) -> None:
        given = {"": [errors]} if isinstance(errors, str) else errors
        self.errors = {field: [str(text) for text in texts] for field, texts in given.items()}
        super().__init__("; ".join(self.sentences()))

    def sentences(self) -> list[str]:
        return [
            f"{field}: {text}" if field else text
            for field, texts in self.errors.items()
            for text in texts
        ]


class NotFound(InvalidInput):
    """No such task, run or schedule."""


class Conflict(InvalidInput):
    """It was changed or started by somebody else; `run_id` names the run in the way."""

    def __init__(self, message: str, *, run_id: str = "") -> None:
        super().__init__(message)
        self.run_id = run_id


class Forbidden(InvalidInput):
    """The person may not do this."""


class Unavailable(RuntimeError):
    """The scheduler or its store can't do it now."""


@contextmanager
def asked_as(names: Mapping[str, str]) -> Iterator[None]:
    """Names fields as the caller asked for them: keys are beginnings of the service's names."""
    try:
        yield
    except InvalidInput as error:
        if type(error) is not InvalidInput:
            raise
        raise InvalidInput(
            {_renamed(field, names): texts for field, texts in error.errors.items()}
        ) from None


def _renamed(field: str, names: Mapping[str, str]) -> str:
    for start, asked in names.items():
        if field.startswith(start):
            return asked + field.removeprefix(start)
    return field
