"""A layer's or loss's file: X_forward, X_backward, X_jvp and X, each a listing; the header; the support functions."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sympy import Integer

from derive import __version__
from derive.lower import lower
from derive.lower.residuals import Split, differentiable, returned, split
from derive.lower.shared import with_shared
from derive.program import Program
from derive.targets.array_code import Code, Target
from derive.targets.files import TARGETS, derived_programs
from derive.targets.layout import (
    Group,
    Listing,
    assign,
    bundle,
    call_with,
    docstring,
    formulas,
    guarded,
    result_and,
    unpack,
)
from derive.targets.numbers import name, tuple_of
from derive.targets.rows import by_rows
from derive.targets.text import IMPORTS, support_text
from derive.targets.wrapper import wrapper_text

#: Targets for which any pass is slower than memory: what forward and backward share is saved.
SAVING = ("numpy",)


@dataclass(frozen=True)
class Parts:
    """The codes of a layer's file and the programs they come from."""

    program: Program
    cut: Split | None
    forward: Code
    backward: Code | None
    jvp: Code | None
    tangent: Program | None
    wrt: tuple[str, ...]

    @property
    def hypers(self) -> tuple[str, ...]:
        """Hyperparameters the backward needs."""
        return tuple(q.name for q in self.cut.backward.parameters if q.value is None) if self.cut else ()

    @property
    def saved(self) -> tuple[str, ...]:
        """What X_forward hands to X_backward, by name."""
        return (*self.cut.kept, *self.cut.saved, *self.hypers) if self.cut else ()

    @property
    def residuals(self) -> tuple[str, ...]:
        """What the forward returns beside outputs and updates."""
        own = returned(self.program)
        return tuple(n for n in self.cut.saved if n not in own) if self.cut else ()


def parts_of(program: Program, target: str, wrt: Sequence[str] | None) -> Parts:
    """Derives, cuts and lowers."""
    _, function = TARGETS[target]
    derived = derived_programs(program, wrt)
    chosen = tuple(wrt) if wrt else differentiable(program)
    if not derived:
        return Parts(program, None, function(lower(program), f"{program.name}_forward"), None, None, None, ())
    primal, vjp = program, derived["vjp"]
    if target in SAVING:
        primal, vjp = with_shared(primal, vjp)
    cut = split(primal, vjp, target in SAVING)
    backward = optional(cut.backward, cut.cotangents if len(cut.cotangents) > 1 else ())
    tangents = tuple(t.name for t in derived["jvp"].inputs[len(program.inputs) :])
    return Parts(
        program,
        cut,
        function(lower(cut.forward), f"{program.name}_forward"),
        function(lower(backward), f"{program.name}_backward"),
        function(lower(optional(derived["jvp"], tangents)), f"{program.name}_jvp"),
        derived["jvp"],
        tuple(n for n in differentiable(program) if n in chosen),
    )


def optional(program: Program, which: Sequence[str]) -> Program:
    """The named inputs may be left out: they are 0 then."""
    inputs = tuple(replace(t, default=Integer(0)) if t.name in which else t for t in program.inputs)
    return replace(program, inputs=inputs)


def layer_text(program: Program, target: str, wrt: Sequence[str] | None) -> str:
    """The whole file."""
    library, _ = TARGETS[target]
    parts = parts_of(program, target, wrt)
    listings = [forward_listing(parts), *derivative_listings(parts, flags=target == "torch")]
    codes = [c for c in (parts.forward, parts.backward, parts.jvp) if c]
    texts = [listing.text() for listing in listings]
    if target == "torch" and parts.cut:
        digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
        tail = wrapper_text(parts, write_back(parts), digest)
    else:
        tail = plain_listing(parts).text()
    return file_text(header(parts), library, codes, [*texts, tail])


def file_text(head: str, library: Target, codes: Sequence[Code], bodies: Sequence[str]) -> str:
    """Header, imports, support functions, functions."""
    support = dict.fromkeys(text for code in codes for text in support_text(code, library.support))
    functions = [*support, *bodies]
    used = _modules(functions)
    standard = [IMPORTS[m] for m in ("itertools", "math") if m in used]
    own = [IMPORTS[library.library]]
    imports = "\n".join([*standard, *([""] if standard else []), *own])
    return "\n\n".join([head + "\n" + imports + "\n", *functions])


def _modules(functions: Iterable[str]) -> dict[str, None]:
    trees = [ast.parse(text) for text in functions]
    return {n.id: None for t in trees for n in ast.walk(t) if isinstance(n, ast.Name)}


def header(parts: Parts) -> str:
    """What the file holds: the definition's equations, the functions, the shapes."""
    program = parts.program
    lines = [f"{program.name}: {program.doc.strip().splitlines()[0] if program.doc.strip() else program.role}", ""]
    lines += [f"    {line}" for each in formulas(program).values() for line in each]
    lines += ["", "Shapes: " + ", ".join(_shape(program, n) for n in (*_inputs(program), *returned(program))) + "."]
    if parts.cut:
        gradients = ", ".join(parts.cut.backward.outputs)
        lines += [f"{program.name}_forward returns the result and what {program.name}_backward needs for {gradients}."]
    lines += [f"Generated by derive {__version__} from these equations; every line below follows from them."]
    return docstring("\n".join(lines)) + "\n"


def _inputs(program: Program) -> tuple[str, ...]:
    return tuple(t.name for t in program.inputs)


def _shape(program: Program, which: str) -> str:
    from derive.targets.prologue import axis_text

    return f"{which} [{', '.join(axis_text(axis) for axis in program.tensor(which).axes)}]"


# ------------------------------------------------------------------------------ listings


def forward_listing(parts: Parts) -> Listing:
    """``X_forward(…) -> result, saved``."""
    code, program = parts.forward, parts.program
    groups = [Group(n, tuple(body)) for n, body in code.groups]
    last = groups[-1].body[-1]
    assert isinstance(last, ast.Return) and last.value is not None
    values = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    full = parts.cut.forward if parts.cut else program
    by_name = dict(zip(returned(full), values, strict=True))
    result = [by_name[n] for n in returned(program)]
    once: list[ast.stmt] = []
    shown = result[0] if len(result) == 1 else tuple_of(result)
    groups[0], kept = _before_reshapes(groups[0], parts.cut.kept if parts.cut else ())
    saved = [kept.get(n) or by_name.get(n) or name(n) for n in parts.saved]
    groups[-1] = Group((), (*groups[-1].body[:-1], *once, ast.Return(tuple_of([shown, tuple_of(saved)]))))
    comments = formulas(full)
    shown_groups = by_rows(groups, code.rows)
    return Listing(code.name, code.arguments, shown_groups, _forward_doc(parts), comments, code.decorators)


def _before_reshapes(group: Group, kept: Sequence[str]) -> tuple[Group, dict[str, ast.expr]]:
    """Inputs to hand on are remembered as they came, before they are split into parts."""
    for k, statement in enumerate(group.body):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id in kept and _is_reshape(statement):
            later = [s.targets[0].id for s in group.body[k:] if _is_reshape(s)]  # type: ignore[attr-defined]
            changed = [n for n in kept if n in later]
            given = [f"{n}_given" for n in changed]
            remember = [assign(g, name(n)) for g, n in zip(given, changed, strict=True)]
            body = (*group.body[:k], *remember, *group.body[k:])
            return replace(group, body=body), {n: name(g) for n, g in zip(changed, given, strict=True)}
    return group, {}


def _is_reshape(s: ast.stmt) -> bool:
    return isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and isinstance(s.value, ast.Call) and (
        isinstance(s.value.func, ast.Attribute) and s.value.func.attr == "reshape"
    )  # fmt: skip


def _forward_doc(parts: Parts) -> str:
    program = parts.program
    doc = program.doc.strip().splitlines()[0] if program.doc.strip() else program.name
    saved = ", ".join(parts.saved)
    return f"{doc}\n\nReturns {', '.join(returned(program))}, and what the backward needs: ({saved})."


def derivative_listings(parts: Parts, flags: bool) -> list[Listing]:
    """``X_backward(saved, dy) -> dx, …`` and ``X_jvp(x, …, tx, …) -> ty``."""
    if not (parts.cut and parts.backward and parts.jvp and parts.tangent):
        return []
    return [backward_listing(parts, parts.cut, parts.backward, flags), jvp_listing(parts.jvp, parts.tangent)]


def backward_listing(parts: Parts, cut: Split, code: Code, flags: bool) -> Listing:
    """The gradients from the cotangents and what the forward saved; with ``flags``, only those needed."""
    outputs = cut.backward.outputs
    several = flags and len(outputs) > 1
    groups = guarded(code, len(outputs), "needs") if several else tuple(Group(n, tuple(b)) for n, b in code.groups)
    first = replace(groups[0], body=(*([unpack(parts.saved, name("saved"))] if parts.saved else []), *groups[0].body))
    positional = ["saved", *cut.cotangents, *(["needs"] if several else [])]
    defaults: list[ast.expr] = [ast.Constant(None)] * len(cut.cotangents) if len(cut.cotangents) > 1 else []
    defaults += [tuple_of([ast.Constant(True)] * len(outputs))] if several else []
    signature = ast.arguments([], [ast.arg(p) for p in positional], None, [], [], None, defaults)
    doc = f"Gradients {', '.join(outputs)} from the cotangent{'s' if len(cut.cotangents) > 1 else ''} "
    doc += f"{', '.join(cut.cotangents)}" + ("; ``needs`` tells which are wanted." if several else ".")
    shown = by_rows((first, *groups[1:]), code.rows)
    return Listing(code.name, signature, shown, doc, formulas(cut.backward), code.decorators)


def jvp_listing(code: Code, program: Program) -> Listing:
    """The tangents of the outputs."""
    groups = by_rows([Group(n, tuple(body)) for n, body in code.groups], code.rows)
    doc = f"Tangents {', '.join(program.outputs)} along the inputs' tangents."
    return Listing(code.name, code.arguments, groups, doc, formulas(program), code.decorators)


def plain_listing(parts: Parts) -> Listing:
    """``X(…) -> result``; what a module keeps between calls is written back."""
    program, code = parts.program, parts.forward
    first = assign(result_and(returned(program), "_"), call_with(code.name, code.arguments))
    body = (first, *write_back(parts), ast.Return(bundle(program.outputs)))
    doc = f"{', '.join(program.outputs)} of {program.name}."
    return Listing(program.name, code.arguments, (Group((), body),), doc, {})


def write_back(parts: Parts) -> list[ast.stmt]:
    """``running_mean[...] = new_mean`` where it was given."""
    found: list[ast.stmt] = []
    optional = [t.name for t in parts.program.inputs if t.default is not None]
    for buffer, new in parts.program.updates:
        whole = ast.Subscript(name(buffer), ast.Constant(...), ast.Store())
        store: ast.stmt = assign(whole, name(new))
        if buffer in optional:
            test = ast.Compare(name(buffer), [ast.IsNot()], [ast.Constant(None)])
            store = ast.If(test, [store], [])
        found.append(store)
    return found


__all__ = ["Parts", "file_text", "layer_text", "parts_of"]
