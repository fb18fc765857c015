"""The choices of a definition under which its theorems are told: those asked for, then those that open a branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import DeriveError
from derive.language import load_definition, specialise
from derive.language.hypers import Open
from derive.program import Parameter, Program
from derive.theorems.theorem import Theorem


@dataclass(frozen=True)
class Setting:
    """A program of the definition, how it was chosen, and the theorems that were not told before."""

    words: str
    program: Program
    theorems: tuple[Theorem, ...]


def settings(source: str, choices: dict[str, Any]) -> Iterator[Setting]:
    """The setting asked for, then each with one more structural choice taken the other way."""
    from derive.theorems import theorems

    told: set[Any] = set()
    for words, program in _programs(source, choices):
        found = tuple(t for t in theorems(program) if _said(t) not in told and not (words and t.plain))
        told |= {_said(t) for t in found}
        if found or not words:
            yield Setting(words, program, found)


def _said(theorem: Theorem) -> Any:
    return theorem.title, theorem.claims


def _programs(source: str, choices: dict[str, Any]) -> Iterator[tuple[str, Program]]:
    definition = load_definition(source)
    opened = {n: _symbol(v) for n, v in choices.items()}
    first = specialise(definition, **opened)
    yield "", first
    taken: dict[str, Any] = {}
    words: list[str] = []
    for parameter in first.parameters:
        other = None if parameter.name in choices else _other(parameter)
        if other is None or (not taken and not isinstance(other, Open)):
            continue
        changed = {**taken, parameter.name: other}
        try:
            program = specialise(definition, **{**opened, **changed})
        except DeriveError:
            continue
        if program.statements == first.statements:
            continue
        told = [*words, _words(parameter, other)]
        yield ", ".join(told), program
        if isinstance(other, Open):
            taken, words = changed, told


def _symbol(value: Any) -> Any:
    """Numbers decide the branches, while the equations keep their names."""
    return Open(value) if isinstance(value, (int, float, Fraction)) and not isinstance(value, bool) else value


def _other(parameter: Parameter) -> Any:
    """The choice that was not taken: a flag turned, a number that is 0 left open."""
    if not parameter.structural:
        return None
    if parameter.kind == "Bool":
        return not parameter.value
    if parameter.kind == "Real" and parameter.value == 0:
        return Open(Fraction(1, 2))
    return None


def _words(parameter: Parameter, other: Any) -> str:
    return f"{parameter.name} ≠ 0" if isinstance(other, Open) else f"{parameter.name} = {other}"
