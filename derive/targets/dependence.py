"""What a loop changes, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic

from derive.lower.plan import Allocate, Assign, Finish, Into, Let, Loop, Node, Step, Store, Turn, bodies_of, nodes_of

#: Cheap enough to write twice.
VIEWS = (
    "nonempty", "name", "scalar", "index", "transpose", "step", "reshape", "broadcast", "choose"
)  # fmt: skip


def written(steps: Sequence[Step]) -> set[str]:
    """Names and counters that change in the steps."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step, (Assign, Allocate, Store, Finish, Into)):
            found.add(step.name)
        if isinstance(step, Turn):
            found.update(step.written)
        if isinstance(step, Let):
            found.add(step.size.name)
        if isinstance(step, Loop):
            found.add(str(step.letter))
        for body in bodies_of(step):
            found |= written(body)
    return found


def depends(node: Node, names: set[str]) -> bool:
    """Whether a node's value may change when one of the names does."""
    if node.op in ("name", "step", "steps") and node.attrs[0] in names:
        return True
    if any(str(s) in names for e in _expressions(node.attrs) for s in e.free_symbols):
        return True
    return any(depends(a, names) for a in node.args)


def _expressions(attrs: object) -> list[Basic]:
    if isinstance(attrs, Basic):
        return [attrs]
    return [e for a in attrs for e in _expressions(a)] if isinstance(attrs, tuple) else []


def invariants(steps: Sequence[Step], varying: set[str]) -> list[Node]:
    """The largest nodes of a loop's body that are the same at every turn, worth naming before it."""
    found: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node.op not in VIEWS and not depends(node, varying):
            found.setdefault(node)
        else:
            for a in node.args:
                visit(a)

    for step in steps:
        for node in nodes_of(step):
            visit(node)
        for body in bodies_of(step):
            for node in invariants(body, varying):
                found.setdefault(node)
    return list(found)
