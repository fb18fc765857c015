"""Plan → Python: what the array targets share.  Each equal value is computed once and named once."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Basic, Expr, Integer, Symbol

from derive.lower.plan import Allocate, Node, Plan, Step, bodies_of, nodes_of
from derive.lower.rows import rows_of
from derive.program import Size, Tensor
from derive.targets.dependence import VIEWS, depends
from derive.targets.numbers import Numbers, assign, constant, method, name, tuple_of
from derive.targets.prologue import Prologue, default_of, open_parameters, prologue
from derive.targets.rows import ByRows
from derive.targets.steps import STEPS
from derive.targets.support import calls_math, support_functions, with_dependencies

WIDTH = 88
#: What a shared value is called, by operation.
HINTS = {
    "window": "windows", "matmul": "product", "tensordot": "product", "gather": "taken", "where": "chosen",
    "compare": "mask", "and": "mask", "or": "mask", "not": "mask", "arange": "index", "reduce": "total",
    "correlate": "correlated", "spread": "spread", "scatter": "scattered", "add": "total", "sub": "difference",
    "mul": "product", "div": "ratio", "power": "power", "floordiv": "quotient", "mod": "remainder",
    "slide": "pooled", "slide_place": "places", "fold": "folded", "fold_matching": "folded", "argreduce": "place",
}  # fmt: skip

Operation = Callable[["Printer", Node, list[ast.expr]], ast.expr]


@dataclass(frozen=True)
class Target:
    """One array library: its operations by name, its support functions' file, what a file imports."""

    library: str
    operations: Mapping[str, Operation]
    support: tuple[str, ...]
    full: Callable[[Printer, ast.expr, ast.expr, str], ast.expr]
    allocate: Callable[[Printer, Allocate], list[ast.stmt]]
    steps: Mapping[str, Callable]
    dtype: Callable[[list[str]], ast.expr]
    device: Callable[[list[str]], ast.expr] | None = None
    copy: str = "copy"
    quiet: tuple[ast.expr, ...] = ()  # decorators of functions that may divide by 0 where nothing is read


@dataclass(frozen=True)
class Code:
    """A generated function: its arguments, and statements grouped by the tensors they compute.

    The first group (no names) is the prologue, the last (no names) the return.  ``support``: names of the
    support functions it calls; ``modules``: what it imports.
    """

    name: str
    arguments: ast.arguments
    groups: tuple[tuple[tuple[str, ...], tuple[ast.stmt, ...]], ...]
    support: tuple[str, ...]
    modules: tuple[str, ...]
    doc: str = ""
    decorators: tuple[ast.expr, ...] = ()
    rows: ByRows | None = None


@dataclass
class Printer:
    """Prints the steps of one plan."""

    plan: Plan
    target: Target
    taken: set[str] = field(default_factory=set)
    identifiers: dict[str, str] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)
    counts: dict[Node, int] = field(default_factory=dict)
    memo: dict[Node, str] = field(default_factory=dict)
    body: list[ast.stmt] = field(default_factory=list)
    needs: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.taken = {*keyword.kwlist, "math", self.target.library, "dtype", "device", *_BUILTINS}
        self.taken |= {f.name for f in support_functions(self.target.support).values()}
        self.names: dict[Symbol, ast.expr] = {}
        self.numbers = Numbers(self.names)
        for t in (*(t.name for t in self.plan.inputs), *(q.name for q in self.plan.parameters)):
            self.identifiers[t] = t
            self.taken.add(t)
        for block in self.plan.blocks:
            for n in block.names:
                self.identifier(n)

    # -------------------------------------------------------------------------- names

    def identifier(self, wanted: str) -> str:
        """The Python name of a tensor, size or letter, always the same one."""
        if wanted not in self.identifiers:
            self.identifiers[wanted] = self.fresh({"...": "P"}.get(wanted, wanted.lstrip("*.") or "P"))
        return self.identifiers[wanted]

    def fresh(self, wanted: str) -> str:
        """A Python name not in use."""
        candidate, n = wanted, 1
        while candidate in self.taken:
            n += 1
            candidate = f"{wanted}_{n}"
        self.taken.add(candidate)
        return candidate

    def use(self, support: str) -> str:
        """A support function, which the file then carries."""
        self.used[f"_{support}"] = None
        return f"_{support}"

    def symbol(self, e: Symbol) -> None:
        """Gives a size or letter its name."""
        if isinstance(e, (Size, Symbol)) and e not in self.names and "[" not in e.name and e.name != "inf":
            self.names[e] = name(self.identifier(e.name))

    def number(self, e: Basic) -> ast.expr:
        """A Python number."""
        e = Integer(e) if isinstance(e, int) else e
        for s in sorted(e.free_symbols, key=str):
            self.symbol(s)
        return self.numbers(e)

    def shape(self, extents: Sequence[Expr]) -> ast.expr:
        return tuple_of([self.number(e) for e in extents])

    def dtype(self) -> ast.expr:
        self.needs["dtype"] = None
        return name("dtype")

    def device(self) -> ast.expr:
        self.needs["device"] = None
        return name("device")

    # -------------------------------------------------------------------------- nodes

    def value(self, node: Node) -> ast.expr:
        """The expression of a node; a name where it has one or is worth one."""
        if node in self.memo:
            return name(self.memo[node])
        e = self.target.operations[node.op](self, node, [self.value(a) for a in node.args])
        if node.op not in VIEWS and self.counts.get(node, 0) > 1:
            return self.named(node, e)
        return e

    def named(self, node: Node, e: ast.expr) -> ast.expr:
        """Assigns a value to a name of its own."""
        which = self.fresh(self.hint(node))
        self.body.append(assign(which, e))
        self.memo[node] = which
        return name(which)

    def hint(self, node: Node) -> str:
        if node.op == "call":
            return f"{node.attrs[0]}_{_base(node)}".rstrip("_")
        if node.op == "arange" and isinstance(node.attrs[1], Symbol) and "[" not in node.attrs[1].name:
            return node.attrs[1].name.lower().strip(".*") or "p"
        if node.op in VIEWS and _base(node):
            return f"{_base(node)}_view"
        if node.op == "cast" or node.op in VIEWS:
            return self.hint(node.args[0]) if node.args else "number"
        word = HINTS.get(node.op, "value")
        return f"{_base(node)}_{word}" if node.op in ("window", "gather") and _base(node) else word

    def short(self, node: Node, args: list[ast.expr]) -> list[ast.expr]:
        """Arguments, the long ones named first, so that no line is long."""
        lengths = [len(ast.unparse(a)) for a in args]
        while sum(lengths) > WIDTH:
            k = max(range(len(args)), key=lambda i: lengths[i])
            if lengths[k] <= 24 or node.args[k].op in ("name", "scalar") or isinstance(args[k], ast.Name):
                break
            args[k] = self.named(node.args[k], args[k])
            lengths[k] = len(ast.unparse(args[k]))
        return args

    # -------------------------------------------------------------------------- steps

    def steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            STEPS[type(step)](self, step)

    def block(self, steps: Sequence[Step]) -> list[ast.stmt]:
        """Steps printed into a list of their own; what they name ends with them."""
        outer, memo = self.body, dict(self.memo)
        self.body = []
        self.steps(steps)
        inner, self.body = self.body, outer
        self.memo = memo
        return inner or [ast.Pass()]

    def forget(self, which: str) -> None:
        """A tensor was written to: what was computed from it is no longer its value."""
        self.memo = {n: v for n, v in self.memo.items() if not depends(n, {which})}


def _base(node: Node) -> str:
    """The tensor a node is mostly about."""
    while node.op != "name" and node.args:
        node = node.args[0]
    return node.attrs[0] if node.op == "name" else ""


def counted(plan: Plan) -> dict[Node, int]:
    """How many times each node is wanted."""
    counts: dict[Node, int] = {}

    def visit(node: Node) -> None:
        counts[node] = counts.get(node, 0) + 1
        if counts[node] == 1:
            for a in node.args:
                visit(a)

    def through(steps: Sequence[Step]) -> None:
        for step in steps:
            for node in nodes_of(step):
                visit(node)
            for body in bodies_of(step):
                through(body)

    for block in plan.blocks:
        through(block.steps)
    return counts


_LOUD = ("div", "pow", "power", "call", "where", "reduce")  # may meet 0, inf or nan on the way
_BUILTINS = ("abs", "bool", "float", "int", "len", "max", "min", "range", "round", "sum", "tuple", "ValueError")


# ------------------------------------------------------------------------------ the function


def function(plan: Plan, target: Target, wanted: str = "") -> Code:
    """The plan as a function of the target's library."""
    p = Printer(plan, target)
    p.counts = counted(plan)
    for q in plan.parameters:
        for s in q.symbols:
            p.symbol(s)
    groups = []
    for block in plan.blocks:
        p.body = []
        p.steps(block.steps)
        groups.append((block.names, tuple(p.body)))
    head = _head(p)
    p.body = []
    values = [_output(p, node, head.packs) for _, node in plan.outputs]
    p.body.append(ast.Return(values[0] if len(values) == 1 else tuple_of(values)))
    groups.append(((), tuple(p.body)))
    all_groups = (((), tuple(head.statements)), *groups)
    rows = _rows(p)
    used = with_dependencies(target.support, tuple(p.used))
    math = _mentions(all_groups, "math") or any(calls_math(target.support, u) for u in used)
    modules = (*(["math"] if math else []), target.library)
    decorators = target.quiet if any(n.op in _LOUD for n in p.counts) else ()
    return Code(wanted or plan.name, _arguments(p, head), all_groups, used, modules, plan.doc, decorators, rows)


def _rows(p: Printer) -> ByRows | None:
    """How the function may be run a few rows at a time."""
    found = rows_of(p.plan)
    if found is None:
        return None
    p.use("by_rows")
    ids = [tuple(map(p.identifier, names)) for names in (found.inputs, found.outputs, found.sums)]
    return ByRows(p.fresh("rows"), *ids)


def _head(p: Printer) -> Prologue:
    """The prologue, printed after the body so that only what the body needs is in it."""
    head = Prologue(
        p.plan,
        Numbers(_Names(p)),
        p.identifier,
        p.use,
        lambda shape, v: p.target.full(p, shape, v, "real"),
        lambda required: _precision(p, required),
    )
    prologue(head)
    return head


class _Names(dict):
    """Symbols named when first printed."""

    def __init__(self, printer: Printer) -> None:
        super().__init__()
        self.printer = printer

    def __contains__(self, symbol: object) -> bool:
        assert isinstance(symbol, Symbol)
        self.printer.symbol(symbol)
        return symbol in self.printer.names

    def __getitem__(self, symbol: Symbol) -> ast.expr:
        return self.printer.names[symbol]


def _output(p: Printer, node: Node, packs: Mapping[Size, str]) -> ast.expr:
    """An output in user shape; a pack's own axes are spread."""
    if node.op == "reshape" and any(isinstance(e, Size) and e.is_pack for e in node.attrs):
        items: list[ast.expr] = []
        for e in node.attrs:
            spread = isinstance(e, Size) and e in packs
            items.append(ast.Starred(name(packs[e]), ast.Load()) if spread else p.number(e))
        return method(p.value(node.args[0]), "reshape", tuple_of(items))
    return p.target.operations[node.op](p, node, [_output(p, a, packs) for a in node.args])


def _precision(p: Printer, required: list[Tensor]) -> list[ast.stmt]:
    """``dtype = …`` and ``device = …`` of the inputs, where used."""
    reals = [t.name for t in required if t.kind in ("real", "const")]
    found = []
    if "dtype" in p.needs or len(required) < len(p.plan.inputs):
        dtype = p.target.dtype(reals)
        found.append(assign("dtype", dtype))
        if isinstance(dtype, ast.Call) and ast.unparse(dtype.func).startswith("_"):
            p.used[ast.unparse(dtype.func)] = None
    if p.target.device and ("device" in p.needs or len(required) < len(p.plan.inputs)):
        found.append(assign("device", p.target.device([t.name for t in required])))
    return found


def _mentions(groups: Sequence, module: str) -> bool:
    trees = [s for _, body in groups for s in body]
    return any(isinstance(n, ast.Name) and n.id == module for s in trees for n in ast.walk(s))


def _arguments(p: Printer, head: Prologue) -> ast.arguments:
    required = [t for t in p.plan.inputs if t not in head.optional]
    ordered = [t for t in p.plan.inputs if t in required or _tail(t, p.plan.inputs, head.optional)]
    others = [t for t in p.plan.inputs if t not in ordered]
    defaults = [constant(None) for t in ordered if t not in required]
    keywords: list[tuple[str, ast.expr | None]] = [(t.name, constant(None)) for t in others]
    keywords += [(q.name, default_of(q, head.numbers)) for q in open_parameters(p.plan.parameters)]
    args = [ast.arg(t.name) for t in ordered]
    return ast.arguments([], args, None, [ast.arg(n) for n, _ in keywords], [d for _, d in keywords], None, defaults)


def _tail(tensor, inputs, optional) -> bool:
    """Whether only optional inputs follow."""
    after = inputs[inputs.index(tensor) :]
    return all(t in optional for t in after)
