"""Runs of statements as planes: what the leading letters of all of them tell apart is computed side by side.

Within a plane each statement is its own nest of loops, so windows, tables and pushed sums go where rows cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer

from derive.functions import function_name
from derive.lower.kernels.fits import MISSING
from derive.lower.kernels.nests import Nest, NoNest, Term, nests_of
from derive.lower.kernels.normal import checks_of
from derive.lower.kernels.phases import phases_of
from derive.lower.kernels.pushed import affine
from derive.lower.kernels.records import Kernel, Loop, Phase
from derive.program import (
    Bind,
    Compare,
    Fresh,
    Letter,
    Part,
    Program,
    Read,
    Size,
    Statement,
    Tensor,
    free_letters,
    names_in,
    reads,
    rebuild,
    substitute,
    walk,
)


@dataclass(frozen=True)
class Planes:
    """Nests over the same leading letters; a plane needs no other plane's values."""

    lead: tuple[Bind, ...]
    nests: tuple[Nest, ...]

    @property
    def loops(self) -> tuple[Nest | Loop, ...]:
        """What the phase makes: the nests, and a loop for each place that one of them keeps beside its value."""
        places = (Loop(n.place, n.binds, n.start) for n in self.nests if n.place is not None)
        return (*self.nests, *places)

    @property
    def sums(self) -> tuple[Loop, ...]:
        return ()


def runs(
    program: Program, numbers: Iterable[str], apart: Iterable[str] = ()
) -> Iterator[tuple[tuple[Statement, ...], tuple[Nest, ...]]]:
    """Runs of statements that are nests, with them; only those with one that rows have no loops for.

    ``numbers`` are Python's and end no run; statements ``apart`` are computed elsewhere and do.
    """
    aside, other, fresh = frozenset(numbers), frozenset(apart), Fresh(names_in(program))
    inputs = frozenset(t.name for t in program.inputs)
    run: list[Statement] = []
    found: list[Nest] = []
    for s in (*program.statements, None):
        if s is not None and s.name in aside:
            continue
        nests = None if s is None or s.name in other else _nests(s, program, aside, fresh)
        if s is not None and nests is not None:
            run.append(s)
            found += nests
            continue
        if any(_is_windowed(n, inputs) for n in found):
            yield tuple(run), tuple(found)
        run, found = [], []


def _nests(s: Statement, program: Program, aside: frozenset[str], fresh: Fresh) -> tuple[Nest, ...] | None:
    inside = [e for p in s.pieces for e in (*p.conditions, p.rhs)]
    if any(r.tensor in aside for e in inside for r in reads(e)):
        return None
    if any(function_name(n) in MISSING for e in inside for n in walk(e) if n.is_Function):
        return None
    try:
        nests = nests_of(s, program, fresh)
    except NoNest:
        return None
    given = {t.name for t in program.inputs}
    return nests if all(_count(n) or _is_table(n, given) for n in nests) else None


def _is_windowed(n: Nest, inputs: frozenset[str]) -> bool:
    """Whether an entry is read, or written, at a computed place, or a range moves with the point."""
    read = [
        i for e in n.expressions for r in reads(e) for i in r.indices if free_letters(i) and not isinstance(i, Letter)
    ]
    pushed = any(free_letters(i) and not isinstance(i, Letter) for t in n.terms for i in t.target)
    moving = any(free_letters(e.lo) | free_letters(e.hi) for t in n.terms for e in t.entries if isinstance(e, Bind))
    return pushed or moving or _is_woven(n) or any(not any(r.tensor in inputs for r in reads(i)) for i in read)


def _is_woven(n: Nest) -> bool:
    """A map that takes short axes from one place among the others to another."""
    short = {b.letter for b in n.binds if not any(isinstance(s, Size) for s in b.hi.free_symbols)}
    for r in reads(n.start):
        bare = [i for i in r.indices if isinstance(i, Letter)]
        order = [x for x in n.letters if x in bare]
        if not n.terms and order != bare and short & set(bare):
            return True
    return False


def _is_table(n: Nest, given: Iterable[str] = ()) -> bool:
    """A value for each place along one axis, made of nothing that is given."""
    read = {r.tensor for e in n.expressions for r in reads(e)}
    return len(n.binds) == 1 and not n.terms and not read & set(given)


# ------------------------------------------------------------------------------ phases


def kernel(name: str, nests: Sequence[Nest], program: Program, wanted: Iterable[str]) -> Kernel | None:
    """The nests as phases of planes, tables and checks of what data give among them."""
    kept = set(wanted)
    fresh = Fresh({*names_in(program), *(n.name for n in nests)})
    nests = _tables_first([made for n in _twins(nests) for made in _with_tables(n, fresh)])
    made_here = {t.name: t for n in nests for t in (n.tensor, n.place) if t is not None}
    tensors = {**program.tensors, **made_here}
    checks = [c for n in nests for c in checks_of(_as_loop(n), tensors, fresh)]
    checks = list({(c.entries, c.rhs): c for c in checks}.values())
    tensors.update({c.name: c.tensor for c in checks})
    early = [c for c in checks if _is_of_tables(c, nests)]
    late = [c for c in checks if c not in early]
    phases: list[Planes | Phase] = [*_phases([*_between(nests, early)]), *((phases_of(late) or ()) if late else ())]
    own = [*made_here, *(c.name for c in checks)]
    read = dict.fromkeys(r.tensor for p in phases for x in p.loops for e in x.expressions for r in reads(e))
    read.update(dict.fromkeys(r.tensor for p in phases for x in p.sums for e in x.expressions for r in reads(e)))
    inputs = tuple(n for n in read if n not in own)
    outputs = tuple(n for n in own if n in kept)
    used = tuple(tensors[n] for n in (*inputs, *own))
    names = tuple(c.name for c in checks)
    return Kernel(name, tuple(phases), used, inputs, outputs, names)  # type: ignore[arg-type]


def _twins(nests: Sequence[Nest]) -> list[Nest]:
    """A reduction's place beside its value where both are asked for."""
    result: list[Nest] = []
    for n in nests:
        twin = next((k for k, m in enumerate(result) if n.place and not m.place and _is_alike(m, n)), None)
        if twin is None:
            result.append(n)
        else:
            result[twin] = replace(result[twin], place=n.place)
    return result


def _is_alike(m: Nest, n: Nest) -> bool:
    """Whether two nests do the same, letters aside."""
    if len(m.terms) != 1 or m.finish is not None or m.tensor.parts != n.tensor.parts:
        return False
    ours, theirs = (x.terms[0].entries for x in (m, n))
    if len(ours) != len(theirs):
        return False
    pairs = zip((*n.binds, *theirs), (*m.binds, *ours), strict=False)
    mapping = {a.letter: b.letter for a, b in pairs if isinstance(a, Bind) and isinstance(b, Bind)}
    renamed = _renamed(n, mapping)
    return (renamed.start, renamed.terms) == (m.start, m.terms)


def _tables_first(nests: Sequence[Nest]) -> list[Nest]:
    """Tables, and what reads nothing, before what reads them, so that they part no planes."""
    made = {name for n in nests for name in n.names}
    tables: dict[str, Nest] = {}
    for n in nests:
        if _is_table(n) and all(r.tensor in tables for e in n.expressions for r in reads(e) if r.tensor in made):
            tables[n.name] = n
    of_nothing = [n for n in nests if n.name not in tables and not any(True for e in n.expressions for _ in reads(e))]
    first = [*tables.values(), *of_nothing]
    return [*first, *(n for n in nests if n not in first)]


def _is_of_tables(check: Loop, nests: Sequence[Nest]) -> bool:
    tables = {n.name for n in nests if _is_table(n)}
    return len(check.bound) == 1 and all(r.tensor in tables for e in check.expressions for r in reads(e))


def _between(nests: Sequence[Nest], checks: Sequence[Loop]) -> Iterator[Nest]:
    """The checks of tables behind them: nothing is read by a table that points outside."""
    tables = [n for n in nests if _is_table(n)]
    yield from tables
    for c in checks:
        yield Nest(c.tensor, (), Integer(0), (Term("sum", (), c.entries, 0, c.rhs, Integer(0)),))
    yield from (n for n in nests if n not in tables)


def _as_loop(n: Nest) -> Loop:
    """What a nest reads, for the checks: a pushed place out of range is no error."""
    entries = [e for t in n.terms for e in t.entries if not (isinstance(e, Bind) and e.letter in n.letters)]
    body: Expr = n.start
    for t in n.terms:
        body = body + t.body
    return Loop(n.tensor, n.binds, body, "sum" if entries else "", tuple(entries))


def _phases(nests: Sequence[Nest]) -> Iterator[Planes]:
    group: list[Nest] = []
    for n in nests:
        if group and _lead([*group, n]) is None:
            yield _planes(group)
            group = []
        group.append(n)
    if group:
        yield _planes(group)


def _planes(group: Sequence[Nest]) -> Planes:
    count = _lead(group)
    assert count is not None
    letters = tuple(Letter(f"plane {k}") for k in range(count))
    lead = tuple(Bind(x, 0, b.hi) for x, b in zip(letters, group[0].binds, strict=False))
    return Planes(lead, tuple(_renamed(n, dict(zip(n.letters[:count], letters, strict=True))) for n in group))


def _lead(group: Sequence[Nest]) -> int | None:
    """How many leading letters the nests share, if as many as one of them alone has."""
    counts = [_count(n) for n in group]
    count = min(counts)
    extents = {tuple(b.hi for b in n.binds[:count]) for n in group}
    if len(extents) > 1 or (not count and any(counts)):
        return None
    made: set[str] = set()
    for n in group:
        for r in (r for e in n.expressions for r in reads(e)):
            if r.tensor in made and r.indices[:count] != n.letters[:count]:
                return None
        made.update(n.names)
    return count


def _count(n: Nest) -> int:
    """The leading letters that nothing is computed from and nothing is pushed along, one left for the loops."""
    computed = {x for e in n.expressions for r in reads(e) for i in r.indices for x in _computed(i)}
    most = min((_plain(t, n.letters) for t in n.terms), default=len(n.binds))
    by_points = bool(n.terms) and all(t.inner < len(t.entries) for t in n.terms)
    most = min(most, max(len(n.binds) - 1, int(by_points)))
    plain = next((k for k, x in enumerate(n.letters[:most]) if x in computed), most)
    return plain or min(most, 1)


def _computed(i: Expr) -> set[Letter]:
    """Letters of an index that is more than one, those that stand alone in what it reads aside."""
    if isinstance(i, Letter):
        return set()
    inside = {x for r in reads(i) for x in r.indices if isinstance(x, Letter)}
    outside = free_letters(i.xreplace({r: Integer(0) for r in reads(i)}))
    return outside | {x for r in reads(i) for x in free_letters(r) if x not in inside}


def _plain(t: Term, letters: tuple[Letter, ...]) -> int:
    """Leading letters of a term's own loops that are the point's."""
    loops = [e.letter for e in t.entries if isinstance(e, Bind)]
    same = zip(loops, t.target, letters, strict=False)
    return next((k for k, (a, b, c) in enumerate(same) if not a == b == c), min(len(loops), len(letters)))


def _renamed(n: Nest, mapping: dict) -> Nest:
    def new(e: Basic) -> Basic:
        return substitute(e, mapping)

    def term(t: Term) -> Term:
        target, entries = tuple(map(new, t.target)), tuple(map(new, t.entries))
        return replace(t, target=target, entries=entries, body=new(t.body), place=new(t.place))

    terms = tuple(map(term, n.terms))
    finish = None if n.finish is None else new(n.finish)
    return replace(n, binds=tuple(map(new, n.binds)), start=new(n.start), terms=terms, finish=finish)


# ------------------------------------------------------------------------------ tables


def _with_tables(n: Nest, fresh: Fresh) -> Iterator[Nest]:
    """Places that need divisions or kinks and depend on one letter, worked out once for each of its values."""
    tables: dict[tuple[Expr, Bind], Nest] = {}
    binds = {b.letter: b for b in (*n.binds, *(e for t in n.terms for e in t.entries if isinstance(e, Bind)))}

    def place(i: Expr) -> Expr:
        letters = free_letters(i)
        if len(letters) != 1 or any(True for _ in reads(i)):
            return i
        (x,) = letters
        if affine(i, x) is not None or x not in binds or binds[x].lo != 0 or free_letters(binds[x].hi):
            return i
        key = (i, binds[x])
        if key not in tables:
            table = Tensor(fresh.name(f"{n.name}_at"), ((Part(binds[x].hi),),), "index")
            tables[key] = Nest(table, (binds[x],), i)
        return Read(tables[key].name, x)

    def one(e: Basic) -> Basic:
        if isinstance(e, Read):
            return Read(e.tensor, *map(place, e.indices))
        return Compare(e.op, *map(place, e.args[1:])) if isinstance(e, Compare) else e

    def entry(e: Basic) -> Basic:
        return e if isinstance(e, Bind) else rebuild(e, one)

    terms = tuple(
        replace(t, target=tuple(map(place, t.target)), entries=tuple(map(entry, t.entries)), body=rebuild(t.body, one))
        for t in n.terms
    )
    changed = replace(n, start=rebuild(n.start, one), terms=terms)
    yield from tables.values()
    yield changed
