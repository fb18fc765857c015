"""Program → plan."""

from __future__ import annotations

from sympy import Expr

from derive.lower.arrays import index, product, reshaped
from derive.lower.plan import ALL, Block, Node, Plan, span
from derive.lower.reads import KINDS, source
from derive.lower.context import Context
from derive.lower.statements import lower_statements
from derive.program import Program, Size, Tensor


def lower(program: Program) -> Plan:
    """The program as a short list of whole-array steps."""
    blocks, context = lower_statements(program)
    outputs = tuple((name, _output(program.tensor(name), context)) for name in _returned(program))
    return Plan(
        program.name, program.inputs, program.parameters, program.sizes, program.requirements,
        blocks, outputs, program.doc, program.updates,
    )  # fmt: skip


def _returned(program: Program) -> tuple[str, ...]:
    """Outputs, then what a module writes back."""
    return tuple(dict.fromkeys((*program.outputs, *(name for _, name in program.updates))))


def _output(tensor: Tensor, context: Context) -> Node:
    """The tensor in user shape: halo points left out, parts merged, packs spread."""
    node = source(tensor)
    items = [span(part.below, None) if part.below else ALL for part in tensor.parts]
    node = index(node, items)
    if any(len(axis) != 1 or _is_pack(axis[0].extent) for axis in tensor.axes):
        shape = tuple(_axis_length(axis) for axis in tensor.axes)
        node = reshaped(node, shape)
    if any(tensor.name == t.name for t in context.program.inputs):
        node = Node("copy", (node,), (), KINDS[tensor.kind], node.ndim)
    return node


def _is_pack(extent: Expr) -> bool:
    return isinstance(extent, Size) and extent.is_pack


def _axis_length(axis) -> Expr:
    """A pack alone stays its own symbol: the printer spreads it."""
    return product(part.extent for part in axis)


__all__ = ["Block", "lower"]
