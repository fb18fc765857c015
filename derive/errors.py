"""Errors that teach: what was written, where, what was expected, how to mend it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a piece of a definition stands: file, 1-based line and column, and the line's text."""

    file: str
    line: int
    column: int = 1
    text: str = ""
    length: int = 1


class DeriveError(Exception):
    """Base of every error a user can cause.  ``exit_code`` is the command line's (2: usage)."""

    exit_code = 2

    def __init__(self, message: str, *, place: Place | None = None, mend: str = "") -> None:
        self.message, self.place, self.mend = message, place, mend
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message]
        if self.place:
            lines[0] = f"{self.place.file}:{self.place.line}: {self.message}"
            if self.place.text.strip():
                shown, caret = _window(self.place)
                lines += [f"    {shown}", f"    {' ' * caret}^"]
        if self.mend:
            lines.append(f"    {self.mend}")
        return "\n".join(lines)


class DefinitionError(DeriveError):
    """A definition is malformed: syntax, names, letters, ranks, ranges, limits."""


class InputError(DeriveError):
    """Data at a door does not fit: shape, dtype, missing or unknown input or hyperparameter."""


class UnknownName(DeriveError):
    """No catalogue entry, file or target of that name; ``mend`` suggests the nearest."""


class CannotDerive(DeriveError):
    """A construct has no derivative, or none we can derive; never a silent 0."""


class RewriteError(AssertionError):
    """A simplification changed a program's value: our own mistake, never the user's."""


def _window(place: Place, width: int = 100) -> tuple[str, int]:
    """The part of the line around the column, and where the column falls in it."""
    text = place.text.rstrip("\n").expandtabs(1)
    column = max(place.column - 1, 0)
    indent = len(text) - len(text.lstrip())
    start = min(indent, column) if len(text) <= width else max(0, column - width // 2)
    return text[start : start + width], column - start
