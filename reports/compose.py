"""Which blocks a report of a program has: the forward, then one block an input, then the theorems."""

from __future__ import annotations

from collections.abc import Iterable

from derive.program import Program, Statement, tensors_read
from derive.reports.document import Block, Composer, Document, Formula

#: How a derivative is called in a title.
TITLES = {"vjp": "gradient of", "jvp": "tangent of"}
ORDERS = {1: "", 2: "second order, ", 3: "third order, "}


def forward(program: Program) -> Document:
    """The forward equations of a layer, a loss or an optimizer."""
    composer = Composer(program)
    return Document(program.name, program.role, program.doc, (forward_block(composer),), theorems(composer))


def derivative(program: Program, primal: Program, order: int = 1) -> Document:
    """The derivative's formulas: a block per output, each with what only it needs, then the theorems."""
    composer = Composer(program, primal)
    blocks = tuple(derivative_blocks(composer, order))
    return Document(primal.name, primal.role, "", blocks, theorems(composer))


def in_indices(program: Program, derivatives: Iterable[Program]) -> Document:
    """The forward, then its derivatives from the first order on."""
    return merged(forward(program), *(derivative(d, program, n) for n, d in enumerate(derivatives, 1)))


def merged(*documents: Document) -> Document:
    """Several reports about one definition as one; a theorem found twice is said once."""
    first = documents[0]
    laws = dict.fromkeys(law for d in documents for law in d.theorems)
    return Document(first.name, first.role, first.doc, tuple(b for d in documents for b in d.main), tuple(laws))


def theorems(composer: Composer) -> tuple[Formula, ...]:
    """The laws found while simplifying."""
    node = composer.t.node
    return tuple(Formula(node(law.left), node(law.right)) for law in composer.program.laws)


def forward_block(composer: Composer) -> Block:
    """Inputs, sizes, equations and ranges."""
    program = composer.program
    sizes = tuple(Formula(composer.t.node(s), composer.t.node(e)) for s, e in program.sizes)
    declared = tuple(composer.declaration(t) for t in program.inputs)
    notes = [("parameters", tuple(composer.parameter(p) for p in program.parameters))] if program.parameters else []
    notes += [("updates", (f"{buffer} ← {tensor}",)) for buffer, tensor in program.updates]
    return composer.block(
        program.name,
        program.outputs,
        program.statements,
        free=True,
        before=sizes,
        declared=declared,
        notes=tuple(notes),
    )


def derivative_blocks(composer: Composer, order: int) -> list[Block]:
    """One block an output; a formula several need stands in the first of them."""
    program, primal = composer.program, composer.primal
    said: set[str] = set(primal.definitions)
    blocks = []
    for output in program.outputs:
        needed = _needs(program, output)
        new = [s for s in program.statements if s.name in needed and s.name not in said]
        said |= {s.name for s in new}
        title = f"{primal.name} · {ORDERS[order]}{TITLES[program.derived]} {_source(program, output)}"
        kept = _forward_values(primal, new)
        notes = (("saved", tuple(kept)),) if kept else ()
        blocks.append(composer.block(title, (output,), new, notes=notes))
    return blocks


def _source(program: Program, output: str) -> str:
    """What a derivative is of: ``dx`` is of x, and so is ``dx_1`` where dx was taken."""
    name = output[1:]
    head, _, tail = name.rpartition("_")
    known = {t.name for t in program.inputs}
    return head if name not in known and head in known and tail.isdigit() else name


def _needs(program: Program, output: str) -> set[str]:
    """Every tensor an output is computed from, itself included."""
    definitions, found, todo = program.definitions, set(), [output]
    while todo:
        name = todo.pop()
        if name not in found and name in definitions:
            found.add(name)
            todo += tensors_read(definitions[name])
    return found


def _forward_values(primal: Program, statements: Iterable[Statement]) -> list[str]:
    """Forward tensors, inputs aside, that these formulas read: what the forward keeps for them."""
    found = {name for s in statements for name in tensors_read(s)}
    return [name for name in primal.definitions if name in found]
