"""A value that only a sum reads is not stored: ``e = (x − t)²``, ``loss = Σ e`` is ``loss = Σ (x − t)²``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from derive.lower.plan import Assign, Block, Node, Step, bodies_of, nodes_of

#: What may stand under a sum: products and powers, which a sum takes without their array in memory.
FUSED = ("mul", "power")


def inlined(blocks: tuple[Block, ...], outputs: Iterable[Node]) -> tuple[Block, ...]:
    """Blocks of one assignment each, joined to the block that alone reads them, under a sum."""
    uses = Counter(n.attrs[0] for n in _all_nodes(blocks, outputs) if n.op == "name")
    out: list[Block] = []
    for block in blocks:
        before = out[-1] if out else None
        value = _single(before) if before else None
        if before and value and value.op in FUSED and uses[before.names[0]] == 1 and len(block.steps) == 1:
            step = block.steps[0]
            if isinstance(step, Assign) and _sums(step.value, before.names[0]):
                joined = replace(step, value=_with(step.value, before.names[0], value))
                out[-1] = Block((*before.names, *block.names), (joined,))
                continue
        out.append(block)
    return tuple(out)


def _single(block: Block) -> Node | None:
    """The value of a block that only assigns one."""
    step = block.steps[0] if len(block.steps) == 1 else None
    return step.value if isinstance(step, Assign) and block.names == (step.name,) else None


def _sums(node: Node, name: str) -> bool:
    """Whether the tensor is summed there as it is."""
    if node.op == "reduce" and node.attrs[0] == "sum" and node.args[0].op == "name" and node.args[0].attrs[0] == name:
        return True
    return any(_sums(a, name) for a in node.args)


def _with(node: Node, name: str, value: Node) -> Node:
    if node.op == "name" and node.attrs[0] == name:
        return value
    return replace(node, args=tuple(_with(a, name, value) for a in node.args))


def _all_nodes(blocks: Iterable[Block], outputs: Iterable[Node]) -> Iterator[Node]:
    for node in (*outputs, *(n for b in blocks for n in _values(b.steps))):
        yield from _below(node)


def _values(steps: Iterable[Step]) -> Iterator[Node]:
    for step in steps:
        yield from nodes_of(step)
        for body in bodies_of(step):
            yield from _values(body)


def _below(node: Node) -> Iterator[Node]:
    yield node
    for a in node.args:
        yield from _below(a)
