"""Laws: the change of basis put into the definitions that are sums.

``s = Σ e`` with ``e = y·s`` becomes ``Σ y = 1``; ``mu = Σ x/K`` becomes ``Σ xhat = 0``;
``v = Σ (x − mu)²/K`` becomes ``Σ xhat² = K·(1 − eps·r²)``.
"""

from __future__ import annotations

from derive.program import Law, Letter
from derive.simplify.algebra import ONE, Algebra, Monomial, OverBudget, Polynomial, accumulate, scaled
from derive.simplify.basis import Basis
from derive.simplify.build import Builder
from derive.simplify.letters import Pattern
from derive.simplify.rewrite import Rewriter

Equation = tuple[tuple[Letter, ...], Polynomial]


def find_laws(basis: Basis, build: Builder) -> tuple[Law, ...]:
    """Theorems ``Σ … = …``, each added to the rules as it is found."""
    found: list[Law] = []
    for letters, equation in _equations(basis):
        law = _solved(basis, equation)
        if law is None:
            continue
        a, right = law
        basis.rules.add(a, letters, right)
        found.append(Law(build(basis.algebra.atom(a), letters), build(right, letters)))
    return tuple(found)


def _equations(basis: Basis):
    """Polynomials that are zero: each sum that has a name or stays, against its own body in the new basis."""
    algebra = basis.algebra
    for a, letters, image in list(basis.solved):
        if algebra.atoms[a].kind == "sum":
            yield letters, _difference(basis, image, algebra.atom(a))
    seen: dict[tuple, None] = {}
    for _, letters, image in list(basis.solved):
        for mono in image:
            for a, _ in mono:
                key = Pattern(algebra, a).key if algebra.atoms[a].kind == "sum" else None
                if key is not None and key not in seen:
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


def _solved(basis: Basis, equation: Polynomial) -> tuple[int, Polynomial] | None:
    """equation = 0 solved for its one sum."""
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
    if (a, 1) not in mono or not basis.divisible(others):
        return None
    rest = {m: c for m, c in equation.items() if m != mono}
    right = algebra.times(scaled(rest, -ONE), algebra.power({others: equation[mono]}, -1))
    return (a, right) if _sound(basis, right) else None


def _sound(basis: Basis, right: Polynomial) -> bool:
    """A law's right side has no sum left and divides by nothing that may vanish."""
    atoms = [(a, e) for mono in right for a, e in mono]
    return all(basis.algebra.atoms[a].kind != "sum" and (e > 0 or basis.nonvanishing(a)) for a, e in atoms)
