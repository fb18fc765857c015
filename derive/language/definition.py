"""Frozen records of a definition as written: nothing is decided yet, places are kept."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from derive.errors import DefinitionError, Place


@dataclass(frozen=True)
class Source:
    """A definition's text and the name its file goes by in messages."""

    file: str
    lines: tuple[str, ...]

    def place(self, node: ast.AST | None) -> Place:
        """Where a node stands: file, line, column, the line's text."""
        line = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0)
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        column = len(text.encode()[:column].decode(errors="ignore"))  # ast counts bytes
        return Place(self.file, line, column + 1, text)

    def error(self, message: str, node: ast.AST | None, mend: str = "") -> DefinitionError:
        return DefinitionError(message, place=self.place(node), mend=mend)


@dataclass(frozen=True)
class Input:
    """``x: Real[N, K] = 0``: a tensor that is given.  ``family``: how many there are of it, or None."""

    name: str
    kind: str
    axes: tuple[ast.expr, ...]
    default: ast.expr | None
    family: ast.expr | None
    node: ast.arg
    typed: bool = True


@dataclass(frozen=True)
class HyperInput:
    """``stride: Int[2] = 1``; ``length`` 0 is a single value; ``kind`` '' means: its default tells."""

    name: str
    kind: str
    length: int
    allowed: tuple[str, ...]
    default: ast.expr | None
    node: ast.arg


@dataclass(frozen=True)
class Definition:
    """A layer, loss or optimizer as its text says it; ``torch``: the names torch has for it, under ``torch.``."""

    name: str
    role: str
    doc: str
    inputs: tuple[Input, ...]
    hypers: tuple[HyperInput, ...]
    body: tuple[ast.stmt, ...]
    source: Source
    node: ast.FunctionDef
    siblings: dict[str, Definition] = field(default_factory=dict, compare=False, repr=False)
    steps: str = ""
    states: tuple[str, ...] = ()
    bases: dict[str, tuple[ast.Assign, ...]] = field(default_factory=dict, compare=False, repr=False)
    torch: tuple[str, ...] = ()

    def error(self, message: str, node: ast.AST | None = None, mend: str = "") -> DefinitionError:
        return self.source.error(message, node or self.node, mend)
