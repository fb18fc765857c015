"""Sums in one canonical shape: one monomial under each, what is free of the bound letters outside."""

from __future__ import annotations

from sympy import Basic

from derive.program import Compare, Letter, Read, Size, walk
from derive.simplify.algebra import Algebra
from derive.simplify.atoms import ONE, Monomial, Polynomial, accumulate
from derive.simplify.letters import number_of, remap_monomial, unify

Range = tuple[Letter, Basic, Basic]


def sum_over(algebra: Algebra, binds: tuple[Range, ...], p: Polynomial) -> Polynomial:
    """Σ (a + c·b) → Σ a + c·Σ b"""
    result: Polynomial = {}
    for mono, c in p.items():
        accumulate(result, _sum_monomial(algebra, binds, mono), c)
    return result


def _sum_monomial(algebra: Algebra, binds: tuple[Range, ...], mono: Monomial) -> Polynomial:
    folded = _fold_equality(algebra, binds, mono)
    if folded is not None:
        return folded
    inside, outside = _split(algebra, {b for b, _, _ in binds}, mono)
    binds, lengths = _drop_unused(algebra, binds, inside)
    result = algebra.times({outside: ONE}, lengths)
    for some, factors in _independent(algebra, binds, inside):
        result = algebra.times(result, {((_canonical(algebra, some, factors), 1),): ONE})
    return result


# ------------------------------------------------------------------------------ equality filters


def _fold_equality(algebra: Algebra, binds: tuple[Range, ...], mono: Monomial) -> Polynomial | None:
    """Σ[k, k == e](a) → a at k = e, where e lies in k's range"""
    for a, _ in mono:
        atom = algebra.atoms[a]
        if atom.kind != "guard" or not isinstance(atom.head, Compare) or atom.head.op != "==":
            continue
        left, right = atom.head.args[1:]
        for letter, e in ((left, right), (right, left)):
            for place, (b, lo, hi) in enumerate(binds):
                rest = binds[:place] + binds[place + 1 :]
                if (
                    b != letter
                    or b in algebra.letters_of(e)
                    or any(b in algebra.letters_of(x) for r in rest for x in r[1:])
                ):
                    continue
                others = tuple(f for f in mono if f[0] != a)
                body = remap_monomial(algebra, others, {b: e})
                body = algebra.times(_range_guard(algebra, e, (lo, hi), binds, mono), body)
                return sum_over(algebra, rest, body) if rest else body
    return None


def _range_guard(
    algebra: Algebra, e: Basic, wanted: tuple[Basic, Basic], binds: tuple[Range, ...], beside: Monomial
) -> Polynomial:
    """The guard lo ≤ e < hi, without what is known."""
    lo, hi = wanted
    known = {**algebra.scope, **{b: (low, high) for b, low, high in binds}}
    low, high = known.get(e, (None, None))
    if e.is_Integer:
        low, high = e, e + 1
    elif low is None:
        low, high = _fact(algebra, e, beside)
    result: Polynomial = {(): ONE}
    if low is None or not (low - lo).is_nonnegative:
        result = algebra.times(result, algebra.guard(Compare("<=", lo, e)))
    if high is None or not (hi - high).is_nonnegative:
        result = algebra.times(result, algebra.guard(Compare("<", e, hi)))
    return result


def _fact(algebra: Algebra, e: Basic, beside: Monomial) -> tuple[Basic | None, Basic | None]:
    """The range of a data-dependent index that is read with elsewhere, under guards that hold here too."""
    holding = [algebra.atoms[a].head for a, _ in beside if algebra.atoms[a].kind == "guard"]
    for fact in algebra.facts:
        variables: dict = {x: x for x in fact.letters}
        if unify(fact.index, e, variables) and all(g.xreplace(variables) in holding for g in fact.guards):
            return fact.lo, fact.hi
    return None, None


# ------------------------------------------------------------------------------ inside and outside


def _split(algebra: Algebra, bound: set[Letter], mono: Monomial) -> tuple[Monomial, Monomial]:
    """Factors that hold a bound letter, and the others; under a filter only what reads safely is moved out."""
    inside = [(a, e) for a, e in mono if not algebra.letters[a].isdisjoint(bound)]
    outside = [(a, e) for a, e in mono if algebra.letters[a].isdisjoint(bound)]
    if any(algebra.atoms[a].kind == "guard" for a, _ in inside):
        risky = [f for f in outside if not movable(algebra, *f)]
        guards = [f for f in risky if algebra.atoms[f[0]].kind == "guard"]
        if len(guards) < len(risky):
            inside = sorted(inside + risky)
            outside = [f for f in outside if f not in risky]
    return tuple(inside), tuple(outside)


def _independent(
    algebra: Algebra, binds: tuple[Range, ...], inside: Monomial
) -> list[tuple[tuple[Range, ...], Monomial]]:
    """Σ[j, k] a[j]·b[k] → Σ[j] a[j] · Σ[k] b[k]"""
    group = {b: b for b, _, _ in binds}

    def join(letters: list[Letter]) -> None:
        for other in letters[1:]:
            old, new = group[other], group[letters[0]]
            group.update({b: new for b, g in group.items() if g == old})

    for a, _ in inside:
        join([b for b in group if b in algebra.letters[a]])
    for b, lo, hi in binds:
        join([c for c in group if c == b or c in algebra.letters_of(lo) or c in algebra.letters_of(hi)])
    found = []
    for leader in dict.fromkeys(group.values()):
        some = tuple(r for r in binds if group[r[0]] == leader)
        bound = {b for b, _, _ in some}
        found.append((some, tuple(f for f in inside if not algebra.letters[f[0]].isdisjoint(bound))))
    if len(found) > 1 and any(not movable(algebra, *f) for f in inside if algebra.letters[f[0]].isdisjoint(group)):
        return [(binds, inside)]
    alone = tuple(f for f in inside if algebra.letters[f[0]].isdisjoint(group))
    return [(found[0][0], tuple(sorted((*found[0][1], *alone)))), *found[1:]] if found else []


def safe(algebra: Algebra, a: int, e: object) -> bool:
    """Whether a factor may be evaluated where its guard does not hold."""
    atom = algebra.atoms[a]
    if atom.kind == "read":
        return e > 0 and all(isinstance(i, Letter) or i.is_Integer for i in atom.args)  # type: ignore[operator]
    if atom.kind == "sum":
        return e > 0 and all(safe(algebra, b, f) for b, f in atom.args[0])  # type: ignore[operator]
    return atom.kind in ("symbol", "number")


def covered(algebra: Algebra, body: Monomial) -> bool:
    """Whether one factor holds every letter of a sum's body: a statistic of that factor's rows."""
    letters = algebra.letters_in(body)
    filtered = any(algebra.atoms[a].kind == "guard" for a, _ in body)
    return not filtered and any(letters <= algebra.letters[a] for a, _ in body)


def movable(algebra: Algebra, a: int, e: object) -> bool:
    """Whether a factor may leave its guard: it is safe, or would be but for the division."""
    return safe(algebra, a, abs(e) if algebra.formal else e)  # type: ignore[arg-type]


def _drop_unused(algebra: Algebra, binds: tuple[Range, ...], inside: Monomial) -> tuple[tuple[Range, ...], Polynomial]:
    """Σ[k < K] a → K·a, for a range that cannot be empty or reversed."""
    used = algebra.letters_in(inside)
    lengths: Polynomial = {(): ONE}
    kept: list[Range] = []
    for place, (b, lo, hi) in enumerate(binds):
        needed = b in used or any(b in algebra.letters_of(x) for r in binds[place + 1 :] for x in r[1:])
        length = hi - lo
        if needed or not (isinstance(length, Size) or (length.is_Integer and length >= 0)):
            kept.append((b, lo, hi))
        else:
            lengths = algebra.times(lengths, number_of(algebra, length))
    return tuple(kept), lengths


# ------------------------------------------------------------------------------ canonical letters


def _canonical(algebra: Algebra, binds: tuple[Range, ...], inside: Monomial) -> int:
    """The sum's atom: bound letters named by height and by where they stand, not by what they were called."""
    height = 1 + max((algebra.height[a] for a, _ in inside), default=0)
    order = (
        sorted(range(len(binds)), key=lambda i: (_places(algebra, binds[i][0], inside), i)) if len(binds) > 1 else [0]
    )
    mapping = {binds[i][0]: Letter(f"%{height}_{n}") for n, i in enumerate(order)}
    ((mono, c),) = remap_monomial(algebra, inside, mapping).items()
    assert c == 1
    head = tuple((mapping[binds[i][0]], binds[i][1].xreplace(mapping), binds[i][2].xreplace(mapping)) for i in order)
    number = algebra.intern("sum", head, mono)
    algebra.hints.setdefault(number, tuple((i, binds[i][0].name.rsplit(":", 1)[-1]) for i in order))
    if algebra.positive_monomial(mono):
        algebra.positive_sums[number] = None
    return number


def _places(algebra: Algebra, letter: Letter, mono: Monomial) -> list[tuple]:
    """Where a letter stands: tensor and place, for every factor that holds it."""
    found: list[tuple] = []
    for a, e in mono:
        if letter not in algebra.letters[a]:
            continue
        atom = algebra.atoms[a]
        places = [i for i, index in enumerate(atom.args) if index == letter] if atom.kind == "read" else [-1]
        found += [(algebra.rank[a], i, float(e)) for i in places or [len(atom.args)]]
    return sorted(found)


def opened(algebra: Algebra, a: int) -> tuple[tuple[Range, ...], Polynomial]:
    """A sum's ranges and body in letters met nowhere else, in the order they were written."""
    head, (mono,) = algebra.atoms[a].head, algebra.atoms[a].args
    hints = algebra.hints[a]
    mapping = {b: algebra.temporary(hint) for (b, _, _), (_, hint) in zip(head, hints, strict=True)}
    binds = [(mapping[b], lo.xreplace(mapping), hi.xreplace(mapping)) for b, lo, hi in head]
    order = sorted(range(len(binds)), key=lambda n: hints[n][0])
    for letter, lo, hi in binds:
        algebra.scope[letter] = (lo, hi)
    return tuple(binds[n] for n in order), remap_monomial(algebra, mono, mapping)


def nesting(e: Basic) -> int:
    """How many reads stand inside one another: a condition of fewer is asked first."""
    return max((1 + max((nesting(i) for i in n.indices), default=0) for n in walk(e) if isinstance(n, Read)), default=0)
