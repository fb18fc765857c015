"""Recurrences of a program in steps: where that works, its blocks, kernels, and what is computed before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from derive.calculus.recurrence import Group, groups
from derive.lower.context import Context
from derive.lower.kernels.normal import kernel
from derive.lower.kernels.records import Kernel
from derive.lower.kernels.stepped import Made, stepped
from derive.lower.kernels.stepping import Run, Stepping, held, stepping, wanted
from derive.lower.plan import Block
from derive.program import Fresh, Program, Statement, names_in, with_statements
from derive.targets.kernels.expressions import NoLoop
from derive.targets.kernels.source import Source, source


@dataclass
class Recurrences:
    """The program with sums taken out of its loops, the loops' blocks by tensor (the first has it), their kernels."""

    program: Program
    fresh: Fresh
    blocks: dict[str, Block | None] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)

    @staticmethod
    def of(program: Program, numbers: Sequence[str]) -> Recurrences:
        """Every recurrence that is products and loops over slices; ``numbers`` are Python's."""
        made = Recurrences(program, Fresh(names_in(program)))
        for group in groups(program):
            if group.recurrent:
                made._add(group, numbers)
        return made

    def _add(self, group: Group, numbers: Sequence[str]) -> None:
        program = self.program
        context = Context(program, self.fresh, dict(program.tensors), program.definitions, {})
        s = stepping(group, context, frozenset(numbers))
        if s is None:
            return
        kept = held(s, program)
        sources: dict[str, Source] = {}

        def compiled(run: Run) -> Made | None:
            name = f"turn_{len(self.sources) + len(sources)}"
            found = _source(name, run, s, kept)
            if found is None:
                return None
            made, read = found
            sources[name] = made
            arrays = made.arrays[: len(made.arrays) - len(made.checks)]
            own = tuple(t for t in read.tensors if t.name in arrays and t.name not in (*read.inputs, *read.outputs))
            return Made(name, arrays, len(read.inputs), own, made.integers, made.reals, bool(made.checks))

        block = stepped(s, context, kept, compiled)
        if block is not None:
            self.blocks |= {**dict.fromkeys(group.names), group.names[0]: block}
            self.sources.update(sources)
            self.program = with_statements(program, _before(program.statements, s))


def in_recurrences(program: Program) -> tuple[str, ...]:
    """The tensors that are computed step by step."""
    return tuple(n for group in groups(program) if group.recurrent for n in group.names)


def _before(statements: Sequence[Statement], s: Stepping) -> tuple[Statement, ...]:
    """What is computed for all turns at once, ahead of the first member."""
    first = next(k for k, other in enumerate(statements) if other.name in s.group.names)
    return (*statements[:first], *s.before, *statements[first:])


def _source(name: str, run: Run, s: Stepping, kept: frozenset[str]) -> tuple[Source, Kernel] | None:
    """A run's kernel; None where loops cannot say it."""
    outputs = wanted(s, run, kept)
    found = kernel(name, run.statements, replace(run.program, outputs=outputs), outputs)
    if found is None or not found.outputs:
        return None
    try:
        made = source(found)
    except NoLoop:
        return None
    return (made, found) if made.arrays[len(made.arrays) - len(made.checks) :] == made.checks else None
