"""Laws: the change of basis put into the definitions that are sums.

``s = Σ e`` with ``e = y·s`` becomes ``Σ y = 1``; ``mu = Σ x/K`` becomes ``Σ xhat = 0``;
``v = Σ (x − mu)²/K`` becomes ``Σ xhat² = K·(1 − eps·r²)``.
"""

from __future__ import annotations

from sympy import Basic

from derive.program import Bind, Law, Letter, Logic, Reduce, Where, walk
from derive.simplify.algebra import Algebra, OverBudget
from derive.simplify.atoms import ONE, Monomial, Polynomial, accumulate, scaled
from derive.simplify.basis import Basis, sums_in
from derive.simplify.build import Builder
from derive.simplify.letters import Pattern, unify
from derive.simplify.rewrite import Rewriter, holding

Equation = tuple[tuple[Letter, ...], Polynomial]


def find_laws(basis: Basis, build: Builder) -> tuple[Law, ...]:
    """Theorems ``Σ … = …``, each added to the rules as it is found."""
    found: list[Law] = []
    for letters, equation in _equations(basis):
        try:
            law = _solved(basis, equation)
        except OverBudget:
            continue
        if law is None or _is_defined(basis, law[0]):
            continue
        a, right, guards = law
        free = tuple(x for x in letters if x in basis.algebra.letters[a])
        left, other = build(basis.algebra.atom(a), free), build(right, free)
        if guards:
            basis.rules.add_guarded(a, right, guards)
            other = Where(_somewhere(basis, guards, free), other, 0)
        else:
            basis.rules.add(a, letters, right)
        basis.divisors.note(basis.algebra.atoms[a].args)
        found.append(Law(left, other))
    return tuple(found)


def _is_defined(basis: Basis, a: int) -> bool:
    """Whether a definition holds the sum as it is: then the law only says the definition again."""
    return any(b == a for _, form in basis.forms.values() for mono in form for b, _ in mono)


def _equations(basis: Basis):
    """Polynomials that are zero: each sum that has a name or stays, against its own body in the new basis."""
    algebra = basis.algebra
    for a, letters, image in list(basis.solved):
        if algebra.atoms[a].kind == "sum":
            yield letters, _difference(basis, image, algebra.atom(a))
    seen: dict[tuple, None] = {}
    for _, letters, image in list(basis.solved):
        for mono in image:
            for a in sums_in(algebra, mono):
                key = Pattern(algebra, a).key
                if key not in seen:
                    seen[key] = None
                    yield letters, _difference(basis, algebra.atom(a), algebra.atom(a))
    for name, (letters, form) in basis.forms.items():
        sums = [a for mono in form for a, _ in mono if algebra.atoms[a].kind == "sum"]
        if sums and name not in basis.summed:
            yield letters, _difference(basis, algebra.read(name, *letters), form)


def _difference(basis: Basis, left: Polynomial, right: Polynomial) -> Polynomial:
    """left − right, the sums on the right opened and their bodies said in the new basis."""
    algebra = basis.algebra
    rewriter = Rewriter(algebra, basis.rules)
    try:
        result = dict(rewriter(left))
        for mono, c in right.items():
            accumulate(result, _opened(algebra, rewriter, mono), -c)
        return rewriter(result)
    except OverBudget:
        return {}


def _opened(algebra: Algebra, rewriter: Rewriter, mono: Monomial) -> Polynomial:
    result: Polynomial = {(): ONE}
    for a, e in mono:
        image = rewriter.reopened(a) if algebra.atoms[a].kind == "sum" else rewriter.atom(a)
        result = algebra.times(result, algebra.power(algebra.atom(a) if image is None else image, e))
    return result


def _solved(basis: Basis, equation: Polynomial) -> tuple[int, Polynomial, tuple[Basic, ...]] | None:
    """equation = 0 solved for its one sum, and the guards needed for that."""
    algebra = basis.algebra
    sums = [
        (mono, a)
        for mono in equation
        for a, _ in mono
        if algebra.atoms[a].kind == "sum" and not basis.rules.is_frozen(a)
    ]
    if len(sums) != 1:
        return None
    mono, a = sums[0]
    others = tuple(f for f in mono if f[0] != a)
    guards = basis.divisors.guards_of(others)
    if (a, 1) not in mono or guards is None or not _supported(basis, a, guards):
        return None
    rest = {m: c for m, c in equation.items() if m != mono}
    right = algebra.times(scaled(rest, -ONE), algebra.power({others: equation[mono]}, -1))
    return (a, right, guards) if _sound(basis, right) else None


def _supported(basis: Basis, a: int, guards: tuple[Basic, ...]) -> bool:
    """Whether the sum is zero where the guards hold nowhere along it."""
    inside = list(holding(basis.rules, basis.algebra.atoms[a].args[0], deep=False))
    fixed = basis.algebra.letters[a]
    variables = [{x: x for x in basis.algebra.letters_of(g) if x not in fixed} for g in guards]
    return all(any(unify(g, i, dict(v)) for i in inside) for g, v in zip(guards, variables, strict=True))


def _somewhere(basis: Basis, guards: tuple[Basic, ...], free: tuple[Letter, ...]) -> Basic:
    """The guards hold for some value of the letters that are not free."""
    condition = guards[0] if len(guards) == 1 else Logic("and", *guards)
    bound = dict.fromkeys(x for x in walk(condition) if isinstance(x, Letter) and x not in free)
    binds = tuple(Bind(x, *basis.algebra.scope[x]) for x in bound)
    return Reduce("any", binds, condition) if binds else condition


def _sound(basis: Basis, right: Polynomial) -> bool:
    """A law's right side has no sum left and divides by nothing that may vanish."""
    atoms = [(a, e) for mono in right for a, e in mono]
    return all(basis.algebra.atoms[a].kind != "sum" and (e > 0 or basis.divisors.nonvanishing(a)) for a, e in atoms)
