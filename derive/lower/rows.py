"""Plans in which every value is a row's own or a sum over rows: they may be run a few rows at a time.

``y[p, k] = e[p, k] / Σ_j e[p, j]`` stays within row p; ``db[k] = Σ_p dy[p, k]`` is the sum of the rows' parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sympy import Basic

from derive.lower.plan import ALL, NEW, Assign, Node, Plan
from derive.program import Size


@dataclass(frozen=True)
class Rows:
    """The inputs whose first axis is the rows; outputs that have rows too, and those that are sums over them."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sums: tuple[str, ...]


VIEWS = ("name", "index", "transpose")

#: What a value is to the rows: the place of their axis, no axis of theirs, or a sum over them.
Place = int | None | str
SUM = "sum"


#: Fewer passes over the rows than this are as fast whole.
WORTHWHILE = 3


class NotByRow(Exception):
    """A value mixes rows."""


def rows_of(plan: Plan) -> Rows | None:
    """How the plan falls into rows, if all of it does."""
    steps = [s for b in plan.blocks for s in b.steps]
    assigned = [s for s in steps if isinstance(s, Assign)]
    if not assigned or len(assigned) != len(steps):
        return None
    found = (_rows_along(plan, size, assigned) for size in _candidates(plan))
    return next((rows for rows in found if rows is not None), None)


def _rows_along(plan: Plan, size: Size, assigned: list[Assign]) -> Rows | None:
    """The plan's rows where the axis of that size is theirs."""
    inputs = tuple(t.name for t in plan.inputs if t.parts and t.parts[0].extent == size)
    if any(size in part.extent.free_symbols for t in plan.inputs for part in t.parts[int(t.name in inputs) :]):
        return None
    if any(size in e.free_symbols for _, e in plan.sizes):
        return None
    return _classified(plan, _Places(size, dict.fromkeys(inputs, 0)), assigned, inputs)


def _classified(plan: Plan, places: _Places, assigned: list[Assign], inputs: tuple[str, ...]) -> Rows | None:
    try:
        for step in assigned:
            places.names[step.name] = places.of(step.value)
        kinds = {name: places.names.get(_source(node)) for name, node in plan.outputs}
    except NotByRow:
        return None
    if places.work < WORTHWHILE:
        return None
    own = [s.name for s in assigned]
    if any(_source(node) not in own or kinds[name] not in (0, SUM) for name, node in plan.outputs):
        return None
    names = {name: _source(node) for name, node in plan.outputs}
    return Rows(
        inputs,
        tuple(dict.fromkeys(names[n] for n in names if kinds[n] == 0)),
        tuple(dict.fromkeys(names[n] for n in names if kinds[n] == SUM)),
    )


def _candidates(plan: Plan) -> list[Size]:
    """The extents of the inputs' first axes, the inputs of most axes first."""
    wide = sorted((t for t in plan.inputs if t.parts), key=lambda t: -len(t.parts))
    return [e for e in dict.fromkeys(t.parts[0].extent for t in wide) if isinstance(e, Size)]


def _source(node: Node) -> str:
    """The tensor an output is, in another shape."""
    while node.op in ("reshape", "copy"):
        node = node.args[0]
    if node.op != "name":
        raise NotByRow
    return node.attrs[0]


@dataclass
class _Places:
    """Where the rows' axis is in each value."""

    size: Size
    names: dict[str, Place]
    seen: dict[Node, Place] = field(default_factory=dict)

    @property
    def work(self) -> int:
        """How many operations pass over the rows."""
        return sum(p is not None and n.op not in VIEWS for n, p in self.seen.items())

    def of(self, node: Node) -> Place:
        if node not in self.seen:
            self.seen[node] = self._of(node)
        return self.seen[node]

    def _of(self, node: Node) -> Place:
        if node.op == "name":
            return self.names.get(node.attrs[0])
        if _mentions(node.attrs, self.size):
            raise NotByRow
        places = [self.of(a) for a in node.args]
        if SUM in places:
            raise NotByRow
        if all(p is None for p in places):
            return None
        if node.op not in RULES:
            raise NotByRow
        return RULES[node.op](node, places)


def _mentions(attrs: object, size: Size) -> bool:
    if isinstance(attrs, Basic):
        return size in attrs.free_symbols
    return isinstance(attrs, tuple) and any(_mentions(a, size) for a in attrs)


# ------------------------------------------------------------------------------ one rule an operation


def _elementwise(node: Node, places: list) -> Place:
    """The axis of rows meets itself, counted from the end."""
    from_end = {(a.ndim or 0) - p for a, p in zip(node.args, places, strict=True) if p is not None}
    if len(from_end) != 1 or node.ndim is None:
        raise NotByRow
    return node.ndim - from_end.pop()


def _index(node: Node, places: list) -> Place:
    axis, after = places[0], 0
    for item in node.attrs[0]:
        if item == NEW:
            after += 1
            continue
        if axis == 0:
            if item != ALL:
                raise NotByRow
            return after
        axis -= 1
        after += item[0] != "at"
    return after + axis


def _transpose(node: Node, places: list) -> Place:
    return node.attrs[0].index(places[0])


def _reduce(node: Node, places: list) -> Place:
    op, axes = node.attrs
    if places[0] not in axes:
        return places[0] - sum(a < places[0] for a in axes)
    if op != "sum":
        raise NotByRow
    return SUM


def _matmul(node: Node, places: list) -> Place:
    """Rows times a vector."""
    if places != [0, None] or (node.args[0].ndim, node.args[1].ndim) != (2, 1):
        raise NotByRow
    return 0


def _put(node: Node, places: list) -> Place:
    """Values along another axis than the rows'."""
    (axis,) = node.attrs
    place = places[0]
    rest = [(a.ndim or 0) - p for a, p in zip(node.args[1:], places[1:], strict=True) if p is not None]
    if place is None or place == axis or places[1] is None or len({*rest, _after(node, place)}) != 1:
        raise NotByRow
    return place


def _after(node: Node, place: int) -> int:
    """The rows' axis from the end, without the axis of the values."""
    return (node.ndim or 0) - place - (place < node.attrs[0])


def _chain(node: Node, places: list) -> Place:
    """Two arrays of one shape, along another axis than the rows'."""
    if places[0] != places[1] or places[0] == node.attrs[0]:
        raise NotByRow
    return places[0]


def _along(axis_of: int) -> Callable[[Node, list], Place]:
    """Along another axis than the rows'."""

    def rule(node: Node, places: list) -> Place:
        if places[0] == node.attrs[axis_of]:
            raise NotByRow
        return places[0]

    return rule


ELEMENTWISE = (
    "add", "sub", "mul", "div", "neg", "floordiv", "mod", "power", "pow", "call", "where", "compare", "and", "or",
    "not", "cast",
)  # fmt: skip
RULES = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    "index": _index,
    "transpose": _transpose,
    "reduce": _reduce,
    "matmul": _matmul,
    "put": _put,
    "cumulate": _along(1),
    "others": _along(0),
    "chain": _chain,
}
