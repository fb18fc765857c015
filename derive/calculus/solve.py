"""Ways to solve an equality filter for a bound letter, each with its cost; a table of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Basic, Expr, Integer

from derive.calculus.affine import (
    ONE,
    UNIT,
    Polynomial,
    Ranges,
    add,
    constant,
    divide,
    expression,
    mentions,
    multiply,
    polynomial,
    scale,
    sign,
    split,
    subtract,
    whole_part,
)
from derive.program import Bind, Compare, FloorDiv, Fresh, Letter, Modulo, Read, Reduce, walk


@dataclass(frozen=True)
class Solution:
    """``letter = numerator / divisor`` (exact when the divisibility test holds).

    ``equality`` is the entry used up and ``remaining`` what takes its place; ``binds`` are new letters;
    ``ranged``: whether the letter's range must still be tested.
    """

    cost: tuple
    letter: Letter
    equality: Basic | None
    numerator: Polynomial
    divisor: Polynomial
    remaining: tuple[Basic, ...] = ()
    binds: tuple[Bind, ...] = ()
    ranged: bool = True


class Problem:
    """The entries of one reduction, and what decides which letter goes: the left side's, derived sizes."""

    def __init__(
        self, entries: Sequence[Basic], ranges: Ranges, left: Sequence[Letter], derived: Sequence[Expr], fresh: Fresh
    ) -> None:
        self.entries, self.ranges, self.left, self.derived = entries, ranges, tuple(left), tuple(derived)
        self.fresh = fresh
        self.binds: dict[Letter, Bind] = {e.letter: e for e in entries if isinstance(e, Bind)}
        self.rank = {letter: i for i, letter in enumerate(self.binds)}

    def weight(self, letter: Letter) -> tuple:
        """Small for the letter best eliminated: over an output's extent, else of the left side, else the largest."""
        bind = self.binds[letter]
        extent = constant(subtract(polynomial(bind.hi), polynomial(bind.lo)))
        place = 0 if bind.hi in self.derived else 1 if letter in self.left else 2
        return (place, -extent if extent is not None else 0, self.rank[letter])

    def preferred(self, letters: Sequence[Letter]) -> tuple[Letter, ...]:
        """The letters, best eliminated first; sizes decide only if all are numbers."""
        weights = {letter: self.weight(letter) for letter in letters}
        if all(w[1] for w in weights.values()):
            return tuple(sorted(letters, key=lambda l: weights[l][1:]))
        return tuple(sorted(letters, key=lambda l: (weights[l][0], weights[l][2])))

    def admits(self, letter: Letter, value: Basic) -> bool:
        """Whether the letter may be replaced by the value: nothing the value needs depends on the letter."""
        pending, seen = [value], {letter: None}
        position = self.rank[letter]
        while pending:
            for n in walk(pending.pop()):
                if n == letter:
                    return False
                if isinstance(n, Letter) and n in self.binds and n not in seen:
                    seen[n] = None
                    bind = self.binds[n]
                    if self.rank[n] > position and any(isinstance(m, Read | Reduce) for m in walk(bind)):
                        return False
                    pending += [bind.lo, bind.hi]
        return True


def solutions(problem: Problem) -> Iterator[Solution]:
    """Every way to get rid of a letter of the problem."""
    for bind in problem.binds.values():
        if subtract(polynomial(bind.hi), polynomial(bind.lo)) == ONE and problem.admits(bind.letter, bind.lo):
            yield Solution((0, problem.rank[bind.letter]), bind.letter, None, polynomial(bind.lo), ONE, ranged=False)
    for position, entry in enumerate(problem.entries):
        if isinstance(entry, Compare) and entry.op == "==":
            if not all(map(problem.ranges.whole, entry.args[1:])):
                continue
            equation = Equation(problem, entry, position)
            for rule in RULES:
                yield from rule(equation)
            yield from strided(problem, entry, position)


class Equation:
    """One equality filter as ``Σ coefficient·letter + rest = 0``."""

    def __init__(self, problem: Problem, entry: Compare, position: int) -> None:
        self.problem, self.entry, self.position = problem, entry, position
        self.polynomial = subtract(polynomial(entry.args[1]), polynomial(entry.args[2]))
        self.coefficients: dict[Letter, Polynomial] = {}
        self.rest = self.polynomial
        atoms = {x for m in self.polynomial for x, _ in m}
        bound = [letter for letter in problem.binds if letter in atoms]
        for letter in bound:
            halves = split(self.rest, letter)
            if halves is None or any(mentions(x, problem.binds) or _reads(x) for m in halves[0] for x, _ in m):
                continue
            self.coefficients[letter], self.rest = halves
        nested = [l for l in self.coefficients if any(mentions(x, (l,)) for m in self.rest for x, _ in m)]
        for letter in nested:
            self.rest = add(self.rest, multiply(self.coefficients.pop(letter), polynomial(letter)))
        nodes = [n for m in self.rest for x, _ in m for n in walk(x)]
        self.reads = [n for n in nodes if isinstance(n, Read)]

    @property
    def usable(self) -> bool:
        """Without data, or with data that decides by itself and may be read at any time (bare indices)."""
        if not self.reads:
            return True
        if not all(map(is_safe, self.reads)):
            return False
        if not any(mentions(r, self.problem.binds) for r in self.reads):
            return True
        atoms = [x for m in self.rest for x, _ in m]
        alone = {n for x in atoms for n in walk(x) if isinstance(n, Letter)}
        return all(any(mentions(r, (letter,)) for r in self.reads) for letter in alone) and not any(
            isinstance(x, Letter) for x in atoms
        )

    def solved(self, letter: Letter) -> tuple[Polynomial, Polynomial]:
        """(numerator, divisor) of letter; the divisor's first coefficient is positive."""
        divisor = self.coefficients[letter]
        others = [multiply(c, polynomial(l)) for l, c in self.coefficients.items() if l != letter]
        numerator = scale(add(self.rest, *others), -1)
        if all(c < 0 for c in divisor.values()):
            divisor, numerator = scale(divisor, -1), scale(numerator, -1)
        quotient = divide(numerator, divisor)
        return (numerator, divisor) if quotient is None else (quotient, ONE)

    def solution(self, rank: int, letter: Letter, **more) -> Solution | None:
        numerator, divisor = self.solved(letter)
        if not self.problem.admits(letter, expression(numerator)):
            return None
        cost = (rank, self.position, divisor != ONE)
        return Solution(cost, letter, self.entry, numerator, divisor, **more)


def is_safe(e: Basic) -> bool:
    """Whether e may be evaluated at any time: it reads at bare letters only, which are always in range."""
    reads = (n for n in walk(e) if isinstance(n, Read))
    return all(isinstance(i, Letter | Integer) for r in reads for i in r.indices)


def _reads(e: Basic) -> bool:
    return any(isinstance(n, Read) for n in walk(e))


def single(equation: Equation) -> Iterator[Solution]:
    """c·l = v with v free of other solvable letters: the letter is known (by data: after all else that is)."""
    if len(equation.coefficients) == 1 and equation.usable:
        (letter,) = equation.coefficients
        found = equation.solution(2 if equation.reads else 0, letter)
        if found and (not equation.reads or found.divisor == ONE):
            yield found


def renaming(equation: Equation) -> Iterator[Solution]:
    """l = m, both bound: one of them goes."""
    letters = equation.problem.preferred(tuple(equation.coefficients))
    if len(letters) == 2 and not equation.rest:
        for letter in letters:
            found = equation.solution(0, letter)
            if found and found.divisor == ONE and found.numerator in [polynomial(l) for l in letters]:
                yield found
                return


def radix(equation: Equation) -> Iterator[Solution]:
    """i + r·m = v with 0 ≤ i < r: i = v % r and m = v // r."""
    if len(equation.coefficients) < 2 or not equation.usable:
        return
    for letter, c in equation.coefficients.items():
        bind = equation.problem.binds[letter]
        direction = constant(c)
        if direction not in (1, -1) or bind.lo != 0:
            continue
        base = polynomial(bind.hi)
        others = [(l, divide(d, base)) for l, d in equation.coefficients.items() if l != letter]
        if any(q is None for _, q in others) or any(mentions(bind.hi, (l,)) for l in equation.problem.binds):
            continue
        value = expression(scale(equation.rest, -direction))
        if not equation.problem.admits(letter, value):
            continue
        left = add(*(scale(multiply(q, polynomial(l)), direction) for l, q in others if q))
        remaining = Compare("==", expression(left), FloorDiv(value, bind.hi))
        digit = polynomial(Modulo(value, bind.hi))
        cost = (2 if equation.reads else 1, equation.position, False)
        yield Solution(cost, letter, equation.entry, digit, ONE, remaining=(remaining,), ranged=False)
        return


def affine(equation: Equation) -> Iterator[Solution]:
    """Σ c·l + rest = 0: the letter whose going leaves least, behind a divisibility test unless c divides."""
    if equation.reads:
        return
    for letter in equation.problem.preferred(tuple(equation.coefficients)):
        found = equation.solution(3, letter)
        if found:
            yield found
            return


def exact(equation: Equation) -> Iterator[Solution]:
    """a//b = v where a % b == 0 is an entry: a = b·v."""
    for node, value, base in _wrapped(equation, FloorDiv, positive=False):
        if Compare("==", Modulo(*node.args), 0) in equation.problem.entries:
            difference = expression(subtract(polynomial(node.args[0]), multiply(base, value)))
            inner = Equation(equation.problem, Compare("==", difference, 0), equation.position)
            for found in affine(inner):
                if found.divisor == ONE:
                    yield replace(found, equality=equation.entry)


def quotient(equation: Equation) -> Iterator[Solution]:
    """(l + e)//b = v: l = b·v + r − e with a remainder 0 ≤ r < b."""
    for node, value, base in _wrapped(equation, FloorDiv):
        for letter, direction, rest in _inner_letters(equation, node):
            remainder = equation.problem.fresh.letter("r")
            inside = add(multiply(base, value), polynomial(remainder))
            numerator = scale(subtract(inside, rest), direction)
            bind = Bind(remainder, 0, expression(base))
            yield Solution((4, equation.position, False), letter, equation.entry, numerator, ONE, binds=(bind,))
            return


def remainder(equation: Equation) -> Iterator[Solution]:
    """(l + e) % b = v: l = b·q + v − e, q over the quotients that occur."""
    for node, value, base in _wrapped(equation, Modulo):
        if constant(value) is not None:  # a divisibility test of ours, best kept
            continue
        for letter, direction, rest in _inner_letters(equation, node):
            if any(mentions(x, equation.problem.binds) for m in rest for x, _ in m):
                continue
            bind = equation.problem.binds[letter]
            ends = [polynomial(bind.lo), subtract(polynomial(bind.hi), ONE)][::direction]
            lo, hi = (whole_part(expression(add(scale(x, direction), rest)), expression(base)) for x in ends)
            times = equation.problem.fresh.letter("q")
            numerator = scale(subtract(add(multiply(base, polynomial(times)), value), rest), direction)
            inside = (Compare("<=", Integer(0), expression(value)), Compare("<", expression(value), node.args[1]))
            cost = (4, equation.position, False)
            yield Solution(cost, letter, equation.entry, numerator, ONE, inside, (Bind(times, lo, hi + 1),))
            return


def strided(problem: Problem, entry: Compare, position: int) -> Iterator[Solution]:
    """(l + e) % s == 0 and lo ≤ (l + e)//s < hi: l = s·p − e, with p over lo … hi instead of all l."""
    node = entry.args[1]
    if not isinstance(node, Modulo) or entry.args[2] != 0:
        return
    a, base = node.args
    whole = FloorDiv(a, base)
    lows = [c.args[1] for c in problem.entries if isinstance(c, Compare) and c.op == "<=" and c.args[2] == whole]
    highs = [c.args[2] for c in problem.entries if isinstance(c, Compare) and c.op == "<" and c.args[1] == whole]
    if not lows or not highs or any(mentions(x, problem.binds) for x in (lows[0], highs[0])):
        return
    inner = polynomial(a)
    for letter in problem.left:
        halves = split(inner, letter) if letter in problem.binds else None
        direction = constant(halves[0]) if halves else None
        if halves is None or direction not in (1, -1) or not problem.admits(letter, expression(halves[1])):
            continue
        times = problem.fresh.letter("p")
        numerator = scale(subtract(multiply(polynomial(base), polynomial(times)), halves[1]), direction)
        bind = Bind(times, lows[0], highs[0])
        yield Solution((5, position, False), letter, entry, numerator, ONE, binds=(bind,))
        return


def rotation(equation: Equation) -> Iterator[Solution]:
    """(l + e) % b = v with 0 ≤ l < b: l = (v − e) % b."""
    for node, value, base in _wrapped(equation, Modulo, positive=False):
        for letter, direction, rest in _inner_letters(equation, node):
            bind = equation.problem.binds[letter]
            if bind.lo != 0 or polynomial(bind.hi) != base:
                continue
            numerator = polynomial(Modulo(expression(scale(subtract(value, rest), direction)), bind.hi))
            inside = (Compare("<=", Integer(0), expression(value)), Compare("<", expression(value), bind.hi))
            cost = (1, equation.position, False)
            yield Solution(cost, letter, equation.entry, numerator, ONE, inside, ranged=False)
            return


def _wrapped(equation: Equation, kind: type, positive: bool = True) -> Iterator[tuple[Basic, Polynomial, Polynomial]]:
    """(node, value, base) for an equation ``node = value`` with a quotient or remainder that holds letters."""
    binds = equation.problem.binds
    for monomial, c in equation.polynomial.items():
        atoms = list(monomial)
        if equation.reads or abs(c) != 1 or len(atoms) != 1 or atoms[0][1] != 1 or not isinstance(atoms[0][0], kind):
            continue
        node: Basic = atoms[0][0]
        others = {m: d for m, d in equation.polynomial.items() if m != monomial}
        inside = [letter for letter in binds if mentions(node.args[0], (letter,))]
        if not inside or any(mentions(x, inside) for m in others for x, _ in m):
            continue
        base = polynomial(node.args[1])
        if not positive or sign(base) == 1:
            yield node, scale(others, -1 if c > 0 else 1), base


def _inner_letters(equation: Equation, node: Basic) -> Iterator[tuple[Letter, int, Polynomial]]:
    """(letter, ±1, rest) for ``node``'s numerator ``±letter + rest``, best first."""
    inner = polynomial(node.args[0])
    for letter in equation.problem.preferred(tuple(equation.problem.binds)):
        halves = split(inner, letter)
        if halves is None or constant(halves[0]) not in (1, -1):
            continue
        if equation.problem.admits(letter, expression(halves[1])):
            yield letter, int(halves[0][UNIT]), halves[1]


#: Each looks at one equation and proposes; the cheapest proposal of all is taken.
RULES: tuple[Callable[[Equation], Iterator[Solution]], ...] = (
    single,
    renaming,
    radix,
    rotation,
    affine,
    exact,
    quotient,
    remainder,
)
