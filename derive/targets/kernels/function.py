"""A program as a torch function whose passes over memory are compiled kernels, where there is a C compiler.

The plan is the array plan with each run of statements that fits loops put in place of its blocks.  Big plain CPU
tensors go that way; anything else, and any refusal, goes to the array code.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr

from derive.lower import lower
from derive.lower.aliases import without_aliases
from derive.lower.kernels import planes
from derive.lower.kernels.collapse import NotCollapsed, collapsed, inner_packs
from derive.lower.kernels.fits import runs
from derive.lower.kernels.nests import Nest
from derive.lower.kernels.normal import kernel
from derive.lower.kernels.outlining import products_apart
from derive.lower.kernels.records import Kernel, is_flat
from derive.lower.plan import Allocate, Assign, Block, Fused, Let, Plan, Step
from derive.program import Program, Size, Statement, reads, tensors_read
from derive.targets import to_torch
from derive.targets.kernels.expressions import NoLoop
from derive.targets.kernels.native import Native, Unfit, compiler
from derive.targets.kernels.recurrences import Recurrences, in_recurrences
from derive.targets.kernels.source import Source
from derive.targets.kernels.source import source as source_of
from derive.targets.kernels.turns import Turns


@dataclass(frozen=True)
class Compiled:
    """A kernel's C, and another for when the named sizes are 1; that takes some of the same arguments."""

    general: Source
    narrow: Source | None = None
    ones: tuple[Size, ...] = ()
    one_pass: bool = False
    of_turns: bool = False


def fused_plan(program: Program) -> tuple[Plan, dict[str, Compiled]]:
    """The plan with kernels in it, and the kernels by name."""
    program = without_aliases(program)
    plan = lower(program, apart=True)
    by_name = {n: b for b in plan.blocks for n in b.names}
    numbers = [n for n, b in by_name.items() if not any(isinstance(s, (Assign, Allocate)) for s in b.steps)]
    loops = Recurrences.of(products_apart(program, numbers, in_recurrences(program)), numbers)
    if loops.program is not program:
        program, plan = loops.program, lower(loops.program, apart=True)
    sources = {n: Compiled(made, of_turns=True) for n, made in loops.sources.items()}
    replaced: dict[str, Block | None] = dict(loops.blocks)

    def put(run: tuple[Statement, ...], made: tuple[Fused, Compiled] | None) -> None:
        """The step in place of the run's blocks."""
        if made is not None:
            step, sources[made[0].kernel] = made
            names = tuple(s.name for s in run)
            replaced.update(dict.fromkeys(names[:-1]))
            replaced[names[-1]] = Block(names, (step,))

    apart = in_recurrences(program)
    for run, nests in planes.runs(program, numbers, apart):
        put(run, _fused_planes(run, nests, program, f"kernel_{len(sources)}"))
    for run in runs(program, [*numbers, *apart]):
        for part in _apart_from(replaced, run, program):
            put(part, _fused(part, program, f"kernel_{len(sources)}"))
    blocks = (x for b in plan.blocks for x in _instead(b, replaced))
    return replace(plan, blocks=tuple(blocks)), sources


def _instead(block: Block, replaced: Mapping[str, Block | None]) -> list[Block]:
    """The kernels in place of a block; it stays if it computes something else, too."""
    put = [b for n in block.names if (b := replaced.get(n)) is not None]
    kernels = list({id(b): b for b in put}.values())
    return kernels if all(n in replaced for n in block.names) else [*kernels, block]


def _apart_from(taken: Container[str], run: tuple[Statement, ...], program: Program) -> Iterator[tuple[Statement, ...]]:
    """The parts of a run between statements that other kernels compute."""
    names = {s.name for s in run}
    part: list[Statement] = []
    for s in program.statements:
        if s.name in taken and part:
            yield tuple(part)
            part = []
        elif s.name in names and s.name not in taken:
            part.append(s)
    if part:
        yield tuple(part)


def _wanted(run: tuple[Statement, ...], program: Program) -> set[str]:
    """What a run computes that others read."""
    own = {s.name for s in run}
    outside = {n for s in program.statements if s.name not in own for n in tensors_read(s)}
    return own & (outside | {*program.outputs, *(n for _, n in program.updates)})


def _fused_planes(
    run: tuple[Statement, ...], nests: tuple[Nest, ...], program: Program, name: str
) -> tuple[Fused, Compiled] | None:
    found = planes.kernel(name, nests, program, _wanted(run, program))
    if found is None:
        return None
    try:
        source = source_of(found)
    except NoLoop:
        return None
    return _step(found, source), Compiled(source)


def _fused(run: tuple[Statement, ...], program: Program, name: str) -> tuple[Fused, Compiled] | None:
    wanted = _wanted(run, program)
    made = _kernel_and_source(name, run, program, wanted)
    if made is None:
        return None
    found, source = made
    one_pass = len(found.phases) == 1 and is_flat(found.phases[0])
    return _step(found, source), replace(_with_narrow(source, run, program, wanted), one_pass=one_pass)


def _step(found: Kernel, source: Source) -> Fused:
    """The call of a kernel."""
    outputs = source.arrays[len(found.inputs) :]
    tensors = [found.tensor(n) for n in outputs]
    shapes = tuple(tuple(p.extent for p in t.parts) for t in tensors)
    kinds = tuple(t.kind for t in tensors)
    return Fused(found.name, found.inputs, outputs, shapes, kinds, source.integers, source.reals)


def _with_narrow(source: Source, run: tuple[Statement, ...], program: Program, wanted: set[str]) -> Compiled:
    """The kernel with another in which packs beside other letters have one entry."""
    ones = tuple(s for s in inner_packs(run) if s in source.integers)
    if not ones:
        return Compiled(source)
    try:
        narrow = collapsed(program, ones)
    except NotCollapsed:
        return Compiled(source)
    names = {s.name for s in run}
    made = _kernel_and_source(
        f"{source.name}_narrow", [s for s in narrow.statements if s.name in names], narrow, wanted
    )
    if made is None or not set(made[1].arrays) <= set(source.arrays) or not _same_numbers(made[1], source):
        return Compiled(source)
    return Compiled(source, made[1], ones)


def _same_numbers(narrow: Source, source: Source) -> bool:
    return set(narrow.integers) <= set(source.integers) and set(narrow.reals) <= set(source.reals)


def _kernel_and_source(
    name: str, run: Sequence[Statement], program: Program, wanted: set[str]
) -> tuple[Kernel, Source] | None:
    found = kernel(name, run, program, wanted)
    if found is None or not found.outputs:
        return None
    try:
        return found, source_of(found)
    except NoLoop:
        return None


def in_place(program: Program, over: Mapping[str, str]) -> Callable[..., tuple[Any, ...]]:
    """The program's function, writing each output named in ``over`` into the memory of the input it names.

    Only for a program that is one elementwise pass: there every entry is read before it is written.  Raises ``Unfit``
    for any other, and where there is no compiler; so does the function at tensors that kernels do not take.
    """
    if compiler() is None:
        raise Unfit("no C compiler")
    return kernel_function(program, over).run


@dataclass(frozen=True)
class KernelFunction:
    """A program's generated function with its kernels in reach; ``only_kernels``: it does nothing but call them."""

    run: Callable[..., tuple[Any, ...]]
    only_kernels: bool


def kernel_function(program: Program, over: Mapping[str, str] | None = None) -> KernelFunction:
    """The generated function of a program; raises ``Unfit`` where no part of it is a kernel."""
    from derive.targets.files import imported, required, without_fixed
    from derive.targets.text import module_text

    plan, sources = fused_plan(required(without_fixed(program)))
    if not sources:
        raise Unfit("nothing here is a pass over memory")
    if over and not _is_one_pass(plan, sources):
        raise Unfit(f"{program.name} is more than one elementwise pass")
    code = to_torch.function(plan)
    module = imported(module_text([code], to_torch.SUPPORT), code.name)
    module.__dict__.update({n: _callable(s, over or {}) for n, s in sources.items()})
    compiled = getattr(module, code.name)
    accepted = [arg.arg for arg in code.arguments.kwonlyargs]

    def run(*inputs: Any, **hypers: Any) -> tuple[Any, ...]:
        result = compiled(*inputs, **{n: hypers[n] for n in accepted if n in hypers})
        return result if isinstance(result, tuple) else (result,)

    return KernelFunction(run, all(_of_numbers(s) for b in plan.blocks for s in b.steps) and not over)


def _callable(made: Compiled, over: Mapping[str, str]) -> Native:
    """What runs a kernel once, or turn by turn."""
    return Turns(made.general) if made.of_turns else Native(made.general, made.narrow, made.ones, over)


def _of_numbers(step: Step) -> bool:
    """Whether a step calls a kernel, or works out a number from numbers."""
    return isinstance(step, Fused) or (
        isinstance(step, Let) and isinstance(step.value, Expr) and not any(reads(step.value))
    )


def _is_one_pass(plan: Plan, sources: Mapping[str, Compiled]) -> bool:
    steps = [s for b in plan.blocks for s in b.steps if not isinstance(s, Let)]
    return len(steps) == 1 and all(s.one_pass for s in sources.values())
