"""Where an expression stands: its scope, the letters and guards around it, what its names mean."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass, field
from typing import Any

from derive.errors import DefinitionError
from derive.functions import FUNCTIONS
from derive.language.tables import Equation, Frame, Later, Scope
from derive.program import REDUCTIONS, Letter

REDUCERS = (*REDUCTIONS, "mean")
WORDS = ("where", "padded", "constant", "len", "inf", "update", "range")
DRAWS = ("bernoulli", "uniform", "normal")


@dataclass(frozen=True)
class Static:
    """A hyperparameter's value that may itself be None or False."""

    value: Any


@dataclass(eq=False)
class Context:
    """Where an expression stands: its scope, the letters around it, the guards around it."""

    scope: Scope
    aliases: dict[str, Any] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    floor: int = 0
    guards: list[int] = field(default_factory=list)
    equation: Equation | None = None

    def letters(self, name: str) -> tuple[Letter, ...] | None:
        """The letters a name stands for here (several for a pack), or None."""
        for frame in reversed(self.frames[self.floor :]):
            if name in frame.names:
                return tuple(b.letter for b in frame.names[name])
        return None

    def error(self, message: str, node: ast.AST | None, mend: str = "") -> DefinitionError:
        return self.scope.error(message, node, mend)


def resolve(scope: Scope, aliases: dict[str, Any], name: str) -> Any:
    """What a name of a tensor means: bare assignments first, then this scope, then those around it."""
    seen = 0
    found = aliases.get(name)
    if found is None:
        found = scope.find("names", name)
    if found is None:
        found = next((s.final[name] for s in scope.chain() if name in s.final), None)
    while isinstance(found, Later):
        seen += 1
        if seen > 200:
            return None
        found = resolve(found.scope, found.aliases, found.name)
    return found


def unknown_name(node: ast.Name, ctx: Context) -> DefinitionError:
    """The error for a name that is nothing here."""
    name = node.id
    if name in FUNCTIONS or name in REDUCERS or name in WORDS:
        return ctx.error(f"{name} is a function; it stands here without its arguments", node, f"write {name}(…)")
    known = [n for frame in ctx.frames[ctx.floor :] for n in frame.names]
    known += [n for s in ctx.scope.chain() for t in (s.names, s.sizes, s.hypers, s.scalars) for n in t]
    close = difflib.get_close_matches(name, sorted(set(known)), 1, 0.6)
    if close:
        return ctx.error(f"the name {name} is not bound here", node, f"did you mean {close[0]}?")
    if len(name) <= 2 and name.islower():
        mend = f"put {name} on the left side, or bind it in a reduction: sum[{name}](…)"
        return ctx.error(f"the letter {name} is not bound", node, mend)
    if name[0].isupper():
        mend = f"sizes come from the axes of inputs, or from equations such as {name} = 2*N"
        return ctx.error(f"the size {name} is not known", node, mend)
    return ctx.error(f"the name {name} is not bound here", node, "name an input, a size, a letter or a tensor")
