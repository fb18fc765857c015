"""The neutral layout of a formula: a small tree that every format prints with its own table.

A layout tree knows what is beside, above or below what, and nothing of signs, brackets or markup.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """Base of every layout node."""


@dataclass(frozen=True)
class Word(Node):
    """A name as the definition writes it."""

    text: str


@dataclass(frozen=True)
class Number(Node):
    """A numeral: an integer or a short decimal."""

    text: str


@dataclass(frozen=True)
class Sum(Node):
    """Terms side by side; a subtracted one is a ``Minus``."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Minus(Node):
    """``−body``."""

    body: Node


@dataclass(frozen=True)
class Product(Node):
    """Factors side by side."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Fraction(Node):
    """``top / bottom``."""

    top: Node
    bottom: Node


@dataclass(frozen=True)
class Floor(Node):
    """``⌊top / bottom⌋``."""

    top: Node
    bottom: Node


@dataclass(frozen=True)
class Ceil(Node):
    """``⌈top / bottom⌉``."""

    top: Node
    bottom: Node


@dataclass(frozen=True)
class Power(Node):
    """``base^exponent``."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Root(Node):
    """``√body``."""

    body: Node


@dataclass(frozen=True)
class Call(Node):
    """``name(arguments)``."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Element(Node):
    """``name[indices]``; a scalar has no indices."""

    name: str
    indices: tuple[Node, ...]


@dataclass(frozen=True)
class Group(Node):
    """``[a, b]``: the letters of one composite axis, or the extents of a shape."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Big(Node):
    """``Σ letters, conditions  body``: a reduction; a count has no body."""

    op: str
    letters: tuple[Node, ...]
    conditions: tuple[Node, ...]
    body: Node | None


@dataclass(frozen=True)
class Choice(Node):
    """``then if condition else otherwise``."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Bracket(Node):
    """``[condition]``: 1 where it holds, 0 elsewhere (and what it multiplies is not read)."""

    condition: Node


@dataclass(frozen=True)
class Chain(Node):
    """``a ≤ b < c``: items and the relations between them (one fewer); relations are the language's, or ``|``."""

    items: tuple[Node, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True)
class Junction(Node):
    """``a and b``, ``a or b``."""

    op: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not(Node):
    """``not a``."""

    body: Node


@dataclass(frozen=True)
class Modulo(Node):
    """``a mod b``."""

    top: Node
    bottom: Node


#: How tightly each node holds together when written on one line; what binds looser is put in brackets.
LOOSE, RELATION, SUM, BIG, PRODUCT, POWER, ATOM = range(7)

LEVELS: dict[type[Node], int] = {
    Word: ATOM, Number: ATOM, Element: ATOM, Call: ATOM, Group: ATOM, Bracket: ATOM, Floor: ATOM, Ceil: ATOM,
    Root: ATOM,
    Power: POWER,
    Product: PRODUCT, Fraction: PRODUCT,
    Big: BIG,
    Sum: SUM, Minus: SUM, Modulo: SUM,
    Chain: RELATION,
    Junction: LOOSE, Not: LOOSE, Choice: LOOSE,
}  # fmt: skip


def level(node: Node) -> int:
    """How tightly a node binds; a product that ends in a reduction extends as far as the reduction does."""
    if isinstance(node, Product) and level(node.factors[-1]) == BIG:
        return BIG
    return LEVELS[type(node)]
