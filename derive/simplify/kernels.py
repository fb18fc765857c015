"""Exponentials taken apart along those the definition names."""

from __future__ import annotations

from dataclasses import dataclass

from derive.program import Letter, Read
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import ONE, Polynomial, accumulate
from derive.simplify.letters import remap, unify


@dataclass(frozen=True)
class Kernel:
    """``exp(argument)`` is the image, for every value of the letters; ``lead`` is the read that fixes them."""

    argument: tuple
    lead: int
    letters: tuple[Letter, ...]
    image: tuple


def kernel(algebra: Algebra, a: int, letters: tuple[Letter, ...], image: Polynomial) -> Kernel | None:
    """The rule for an exponential as a kernel, if one plain read of its argument holds all letters."""
    (argument,) = algebra.atoms[a].args
    for mono, c in argument:
        a_read = len(mono) == 1 and mono[0][1] == 1 and algebra.atoms[mono[0][0]].kind == "read"
        if a_read and c > 0 and algebra.letters[mono[0][0]] == frozenset(letters):
            return Kernel(argument, mono[0][0], letters, tuple(image.items()))
    return None


def taken_apart(algebra: Algebra, a: int, kernels: list[Kernel]) -> Polynomial | None:
    """exp(x[j] + x[k] − 2m) → image(j) · image(k), where exp(x − m) is the image"""
    argument = dict(algebra.atoms[a].args[0])
    for known in kernels:
        pattern = Read(algebra.atoms[known.lead].head, *algebra.atoms[known.lead].args)
        for mono in argument:
            atom = algebra.atoms[mono[0][0]] if len(mono) == 1 and mono[0][1] == 1 else None
            if atom is None or atom.kind != "read" or atom.head != pattern.tensor:
                continue
            mapping: dict = {x: x for x in known.letters}
            if not unify(pattern, Read(atom.head, *atom.args), mapping):
                continue
            rest = dict(argument)
            accumulate(rest, remap(algebra, dict(known.argument), mapping), -ONE)
            if len(rest) < len(argument):
                image = remap(algebra, dict(known.image), mapping)
                return algebra.times(image, algebra.exponential(rest))
    return None
