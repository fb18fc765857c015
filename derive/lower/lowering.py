"""Program → plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Expr, Mul

from derive.lower.arrays import index, product, reshaped
from derive.lower.inlined import inlined
from derive.lower.plan import ALL, Assign, Block, Node, Plan, span
from derive.lower.reads import source
from derive.lower.statements import lower_statements
from derive.program import Axis, Program, Size, Tensor

#: Operations whose result may share memory with their first argument.
VIEWS = ("name", "index", "transpose", "reshape", "broadcast", "window", "choose")


def lower(program: Program, apart: bool = False) -> Plan:
    """The program as a short list of whole-array steps; ``apart``: each statement's are its own."""
    blocks, _ = lower_statements(program)
    memory = Memory(program, blocks)
    outputs = tuple((name, memory.own(user_shaped(program.tensor(name)))) for name in returned(program))
    blocks = blocks if apart else inlined(blocks, (node for _, node in outputs))
    return Plan(
        program.name, program.inputs, program.parameters, program.sizes, program.requirements,
        blocks, outputs, program.doc, program.updates,
    )  # fmt: skip


def returned(program: Program) -> tuple[str, ...]:
    """Outputs, then what a module writes back."""
    return tuple(dict.fromkeys((*program.outputs, *(name for _, name in program.updates))))


# ------------------------------------------------------------------------------ user shape


def user_shaped(tensor: Tensor) -> Node:
    """The tensor as its definition returns it: halo points left out, parts merged, packs spread."""
    node = index(source(tensor), [span(part.below, None) if part.below else ALL for part in tensor.parts])
    if any(len(axis) != 1 or _is_pack(axis[0].extent) for axis in tensor.axes):
        node = reshaped(node, [_axis_length(axis) for axis in tensor.axes])
    return node


def _is_pack(extent: Expr) -> bool:
    return isinstance(extent, Size) and extent.is_pack


def _axis_length(axis: Axis) -> Expr:
    """A pack alone stays its own symbol, which the printer spreads; joined to a part of extent 1 it is a product."""
    length = product(part.extent for part in axis)
    return Mul(length, 1, evaluate=False) if len(axis) > 1 and _is_pack(length) else length


# ------------------------------------------------------------------------------ memory


@dataclass
class Memory:
    """Which arrays share memory: outputs are arrays of their own."""

    program: Program
    blocks: tuple[Block, ...]
    taken: dict[object, None] = field(default_factory=dict)
    assigned: dict[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.taken.update(dict.fromkeys(t.name for t in self.program.inputs))
        for block in self.blocks:
            self.assigned.update({s.name: s.value for s in block.steps if isinstance(s, Assign)})

    def own(self, node: Node) -> Node:
        """The output, copied if it would share memory with an input or an earlier output, or be read-only."""
        root, spread = self._root(node)
        shared = spread or root in self.taken
        self.taken[root] = None
        return _copied(node) if shared else node

    def _root(self, node: Node) -> tuple[object, bool]:
        """Where the memory is, and whether one place stands for many points."""
        spread = node.op in ("broadcast", "window")
        if node.op == "name" and node.attrs[0] not in self.assigned:
            return node.attrs[0], False
        if node.op == "name":
            return self._root(self.assigned[node.attrs[0]])
        if node.op in VIEWS:
            root, below = self._root(node.args[1 if node.op == "choose" else 0])
            return root, spread or below
        return node, False


def _copied(node: Node) -> Node:
    """An array of its own; copied before it is reshaped, for a reshape that is no view would copy again."""
    if node.op == "reshape":
        return replace(node, args=(_copied(node.args[0]),))
    return Node("copy", (node,), (), node.kind, node.ndim)
