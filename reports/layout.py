"""The neutral layout of a formula: a small tree that every format prints with its own table.

A layout tree knows what is beside, above or below what, and nothing of signs, brackets or markup.
"""

from __future__ import annotations

from derive.record import record


@record
class Node:
    """Base of every layout node."""


@record
class Word(Node):
    """A name as the definition writes it."""

    text: str


@record
class Number(Node):
    """A numeral: an integer or a short decimal."""

    text: str


@record
class Sum(Node):
    """Terms side by side; a subtracted one is a ``Minus``."""

    terms: tuple[Node, ...]


@record
class Minus(Node):
    """``−body``."""

    body: Node


@record
class Product(Node):
    """Factors side by side."""

    factors: tuple[Node, ...]


@record
class Elementwise(Node):
    """``A ⊙ B``: matrices multiplied element by element."""

    factors: tuple[Node, ...]


@record
class Fraction(Node):
    """``top / bottom``."""

    top: Node
    bottom: Node


@record
class Floor(Node):
    """``⌊top / bottom⌋``."""

    top: Node
    bottom: Node


@record
class Ceil(Node):
    """``⌈top / bottom⌉``."""

    top: Node
    bottom: Node


@record
class Power(Node):
    """``base^exponent``."""

    base: Node
    exponent: Node


@record
class Root(Node):
    """``√body``."""

    body: Node


@record
class Call(Node):
    """``name(arguments)``."""

    name: str
    arguments: tuple[Node, ...]


@record
class Element(Node):
    """``name[indices]``; a scalar has no indices."""

    name: str
    indices: tuple[Node, ...]


@record
class Group(Node):
    """``[a, b]``: the letters of one composite axis, or the extents of a shape."""

    items: tuple[Node, ...]


@record
class Big(Node):
    """``Σ letters, conditions  body``: a reduction; a count has no body."""

    op: str
    letters: tuple[Node, ...]
    conditions: tuple[Node, ...]
    body: Node | None


@record
class Choice(Node):
    """``then if condition else otherwise``."""

    condition: Node
    then: Node
    otherwise: Node


@record
class Bracket(Node):
    """``[condition]``: 1 where it holds, 0 elsewhere (and what it multiplies is not read)."""

    condition: Node


@record
class Chain(Node):
    """``a ≤ b < c``: items and the relations between them (one fewer); relations are the language's, or ``|``."""

    items: tuple[Node, ...]
    relations: tuple[str, ...]


@record
class Junction(Node):
    """``a and b``, ``a or b``."""

    op: str
    parts: tuple[Node, ...]


@record
class Not(Node):
    """``not a``."""

    body: Node


@record
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
    Sum: SUM, Minus: SUM, Modulo: SUM, Elementwise: SUM,
    Chain: RELATION,
    Junction: LOOSE, Not: LOOSE, Choice: LOOSE,
}  # fmt: skip


def level(node: Node) -> int:
    """How tightly a node binds; a product that ends in a reduction extends as far as the reduction does."""
    if isinstance(node, Product) and level(node.factors[-1]) == BIG:
        return BIG
    return LEVELS[type(node)]
