"""Integer index arithmetic: polynomials, coefficients of letters, and what ranges prove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from sympy import Add, Basic, Expr, Integer, Mul, Pow, Rational, Symbol
from sympy.core.symbol import Str

from derive.functions import function_name
from derive.program import Compare, FloorDiv, Letter, Logic, Modulo, Read, Reduce, Size, Truth, walk

#: A product of atoms with exponents; the empty one is the constant.
Monomial = frozenset[tuple[Expr, int]]
#: Σ coefficient · monomial.
Polynomial = dict[Monomial, Fraction]

UNIT: Monomial = frozenset()
ONE: Polynomial = {UNIT: Fraction(1)}
_HIGHEST_POWER = 8


def polynomial(e: Expr) -> Polynomial:
    """e as a polynomial; whatever is not +, · or a whole power is an atom."""
    if e.is_Rational:
        return {UNIT: Fraction(int(e.p), int(e.q))} if e != 0 else {}
    if isinstance(e, Add):
        return add(*(polynomial(a) for a in e.args))
    if isinstance(e, Mul):
        product = dict(ONE)
        for a in e.args:
            product = multiply(product, polynomial(a))
        return product
    if isinstance(e, Pow) and e.exp.is_Integer and 0 < int(e.exp) <= _HIGHEST_POWER:
        base = polynomial(e.base)
        product = base
        for _ in range(int(e.exp) - 1):
            product = multiply(product, base)
        return product
    return {frozenset({(e, 1)}): Fraction(1)}


def add(*terms: Polynomial) -> Polynomial:
    """Σ terms."""
    total: Polynomial = {}
    for term in terms:
        for monomial, c in term.items():
            total[monomial] = total.get(monomial, Fraction(0)) + c
    return {m: c for m, c in total.items() if c}


def multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    """a · b."""
    total: Polynomial = {}
    for m, c in a.items():
        for n, d in b.items():
            powers = dict(m)
            for atom, power in n:
                powers[atom] = powers.get(atom, 0) + power
            key = frozenset(powers.items())
            total[key] = total.get(key, Fraction(0)) + c * d
    return {m: c for m, c in total.items() if c}


def scale(a: Polynomial, factor: int | Fraction) -> Polynomial:
    """factor · a."""
    return {m: c * factor for m, c in a.items()} if factor else {}


def subtract(a: Polynomial, b: Polynomial) -> Polynomial:
    """a − b."""
    return add(a, scale(b, -1))


def expression(a: Polynomial) -> Expr:
    """The polynomial as a SymPy expression."""
    return Add(*(Mul(Rational(c.numerator, c.denominator), *(Pow(x, n) for x, n in m)) for m, c in a.items()))


def constant(a: Polynomial) -> Fraction | None:
    """The polynomial's value if it is a number."""
    return a.get(UNIT, Fraction(0)) if not a or set(a) == {UNIT} else None


def mentions(e: Basic, letters: Iterable[Basic]) -> bool:
    """Whether any of the letters occurs in e."""
    wanted = set(letters)
    return any(n in wanted for n in walk(e) if isinstance(n, Letter))


def divide(a: Polynomial, b: Polynomial) -> Polynomial | None:
    """a / b where b is a monomial that divides every term of a into whole coefficients, else None."""
    if len(b) != 1:
        return None if a != b else ONE
    ((divisor, c),) = b.items()
    quotient: Polynomial = {}
    for monomial, d in a.items():
        powers = dict(monomial)
        for atom, power in divisor:
            powers[atom] = powers.get(atom, 0) - power
            if powers[atom] < 0:
                return None
        if (d / c).denominator != 1:
            return None
        quotient[frozenset((x, n) for x, n in powers.items() if n)] = d / c
    return quotient


def multiples(a: Polynomial, b: Polynomial) -> tuple[Polynomial, Polynomial]:
    """(q, r) with a = q·b + r, term by term."""
    quotient: Polynomial = {}
    rest: Polynomial = {}
    for monomial, c in a.items():
        part = divide({monomial: c}, b)
        if part is None:
            rest[monomial] = c
        else:
            quotient = add(quotient, part)
    return (quotient, rest) if rest != b else (add(quotient, ONE), {})


def whole_part(a: Expr, b: Expr) -> Expr:
    """(b·q + r)//b → q + r//b."""
    q, r = multiples(polynomial(a), polynomial(b))
    return expression(q) + FloorDiv(expression(r), b) if r else expression(q)


def rest(a: Expr, b: Expr) -> Expr:
    """(b·q + r) % b → r % b."""
    r = multiples(polynomial(a), polynomial(b))[1]
    return Modulo(expression(r), b) if r else Integer(0)


def split(a: Polynomial, letter: Letter) -> tuple[Polynomial, Polynomial] | None:
    """(coefficient, rest) with a = coefficient·letter + rest; None if the letter occurs otherwise."""
    coefficient: Polynomial = {}
    rest: Polynomial = {}
    for monomial, c in a.items():
        powers = dict(monomial)
        power = powers.pop(letter, 0)
        if power > 1 or any(mentions(x, (letter,)) for x in powers):
            return None
        (coefficient if power else rest)[frozenset(powers.items())] = c
    return coefficient, rest


def is_positive_atom(e: Expr) -> bool:
    """A size is at least 1."""
    return isinstance(e, Size)


def sign(a: Polynomial) -> int:
    """1, −1 or 0 (unknown): of a polynomial whose atoms are sizes with coefficients of one sign."""
    if not a or not all(is_positive_atom(x) for m in a for x, _ in m):
        return 0
    if all(c > 0 for c in a.values()):
        return 1
    return -1 if all(c < 0 for c in a.values()) else 0


class Ranges:
    """What is known of letters, ``lo ≤ letter < hi``, later ones possibly bounded by earlier ones, and of the
    values of index tensors by name (None: whole numbers, no more is known)."""

    def __init__(
        self,
        known: Mapping[Letter, tuple[Expr, Expr]] | None = None,
        data: Mapping[str, tuple[Expr, Expr] | None] | None = None,
    ) -> None:
        self.known: dict[Letter, tuple[Expr, Expr]] = dict(known or {})
        self.data: dict[str, tuple[Expr, Expr] | None] = dict(data or {})

    def extended(self, binds: Iterable) -> Ranges:
        """These ranges and those of the binds, innermost last."""
        return Ranges({**self.known, **{b.letter: (b.lo, b.hi) for b in binds}}, self.data)

    def nonnegative(self, a: Polynomial) -> bool:
        """Whether a ≥ 0 follows from the ranges and sizes being at least 1."""
        a = self._without_data(a)
        for letter in reversed(self.known):
            halves = split(a, letter)
            if halves is None:
                break
            coefficient, rest = halves
            if not coefficient:
                continue
            direction = sign(coefficient)
            if not direction:
                return False
            lo, hi = self.known[letter]
            bound = polynomial(lo) if direction > 0 else subtract(polynomial(hi), ONE)
            a = add(multiply(coefficient, bound), rest)
        return self._nonnegative_sizes(a)

    def _without_data(self, a: Polynomial) -> Polynomial:
        """a with values of known index tensors at the end of their range that makes a smallest."""
        result: Polynomial = {}
        for monomial, c in a.items():
            atoms = list(monomial)
            read = atoms[0][0] if len(atoms) == 1 and atoms[0][1] == 1 else None
            known = self.data.get(read.tensor) if isinstance(read, Read) else None
            if known:
                lo, hi = known
                end = polynomial(lo) if c > 0 else subtract(polynomial(hi), ONE)
                result = add(result, scale(end, c))
            else:
                result = add(result, {monomial: c})
        return result

    def _nonnegative_sizes(self, a: Polynomial) -> bool:
        floors = [m for m in a if any(isinstance(x, (FloorDiv, Modulo)) for x, _ in m)]
        if floors:
            return self._nonnegative_quotient(a, floors[0])
        if not all(is_positive_atom(x) for m in a for x, _ in m):
            return False
        return all(c > 0 for m, c in a.items() if m) and sum(a.values()) >= 0

    def _nonnegative_quotient(self, a: Polynomial, monomial: Monomial) -> bool:
        """a//b ≥ −r ⇐ a ≥ −r·b;  a//b ≤ r ⇐ a < (r+1)·b;  0 ≤ a%b < b, all for b > 0."""
        coefficient, powers = a[monomial], dict(monomial)
        rest = {m: c for m, c in a.items() if m != monomial}
        if len(powers) != 1 or abs(coefficient) != 1:
            return False
        ((node, power),) = powers.items()
        if power != 1:
            return False
        divisor = polynomial(node.args[1])
        if not isinstance(node, (FloorDiv, Modulo)) or sign(divisor) != 1:
            return False
        if isinstance(node, Modulo):
            return self.nonnegative(rest if coefficient > 0 else subtract(add(rest, ONE), divisor))
        inner = polynomial(node.args[0])
        if coefficient > 0:
            return self.nonnegative(add(inner, multiply(rest, divisor)))
        return self.nonnegative(subtract(subtract(multiply(add(rest, ONE), divisor), inner), ONE))

    def decide(self, condition: Basic) -> bool | None:
        """True or False if the ranges prove it, else None."""
        if isinstance(condition, Truth):
            return bool(condition)
        if isinstance(condition, Logic):
            return self._decide_logic(condition)
        if not isinstance(condition, Compare) or any(map(self._unknown, walk(condition))):
            return None
        difference = subtract(polynomial(condition.args[2]), polynomial(condition.args[1]))
        if condition.op in ("==", "!="):
            equal = self._decide_equal(difference)
            return equal if equal is None or condition.op == "==" else not equal
        strict = condition.op == "<"
        if self.nonnegative(subtract(difference, ONE) if strict else difference):
            return True
        if self.nonnegative(scale(difference, -1) if strict else subtract(scale(difference, -1), ONE)):
            return False
        return None

    def _unknown(self, node: Basic) -> bool:
        return isinstance(node, Reduce) or (isinstance(node, Read) and node.tensor not in self.data)

    def whole(self, e: Basic) -> bool:
        """Whether e is surely a whole number: index arithmetic of letters, sizes and index tensors."""
        if isinstance(e, Symbol):
            return bool(e.is_integer)
        if isinstance(e, Read):
            return e.tensor in self.data
        if isinstance(e, Pow):
            return bool(e.exp.is_Integer and e.exp > 0) and self.whole(e.base)
        if isinstance(e, (Add, Mul, FloorDiv, Modulo)) or function_name(e) in ("abs", "max", "min"):
            return all(map(self.whole, e.args))
        return bool(e.is_Integer)

    def reduced(self, e: Basic) -> Basic:
        """e with quotients and remainders that the ranges decide: 0 ≤ r < b gives r//b = 0, r % b = r."""
        if not e.args or isinstance(e, Str):
            return e
        e = e.func(*map(self.reduced, e.args))
        if isinstance(e, (FloorDiv, Modulo)):
            quotient, remainder = multiples(polynomial(e.args[0]), polynomial(e.args[1]))
            above = subtract(subtract(polynomial(e.args[1]), remainder), ONE)
            if self.nonnegative(remainder) and self.nonnegative(above):
                return expression(quotient if isinstance(e, FloorDiv) else remainder)
        return e

    def _decide_equal(self, difference: Polynomial) -> bool | None:
        if not difference:
            return True
        if self.nonnegative(subtract(difference, ONE)) or self.nonnegative(subtract(scale(difference, -1), ONE)):
            return False
        return None

    def _decide_logic(self, condition: Logic) -> bool | None:
        parts = [self.decide(c) for c in condition.conditions]
        if condition.op == "not":
            return None if parts[0] is None else not parts[0]
        ends = condition.op == "or"  # the value that decides at once
        if ends in parts:
            return ends
        return None if None in parts else not ends


def negate(condition: Basic) -> Basic:
    """not condition; comparisons of integers are turned round, others (NaN!) wrapped."""
    if isinstance(condition, Truth):
        return Truth(not condition)
    if isinstance(condition, Logic):
        if condition.op == "not":
            return condition.conditions[0]
        other = "and" if condition.op == "or" else "or"
        return Logic(other, *(negate(c) for c in condition.conditions))
    if isinstance(condition, Compare):
        op, a, b = condition.op, condition.args[1], condition.args[2]
        if op in ("==", "!="):
            return Compare("!=" if op == "==" else "==", a, b)
        if not any(isinstance(n, (Read, Reduce)) for n in walk(condition)):
            return Compare("<=" if op == "<" else "<", b, a)
    return Logic("not", condition)
