"""Expressions as nested Python closures: compiled once, called with the values of the letters.

There are three readings of an expression: as a *number* of the field, as an *exact* integer (index
arithmetic: letters, sizes, index tensors; fractions on the way), as a *truth*.  A closure takes an
environment ``{letter's name: int}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from sympy import Add, Basic, Integer, Mul, NumberSymbol, Pow, Rational, Symbol
from sympy.core.numbers import ImaginaryUnit

from derive.errors import DefinitionError, InputError
from derive.fields import Field
from derive.fields.folds import FOLDS
from derive.fields.whole import (
    EXACT_COMPARE,
    EXACT_FUNCTIONS,
    Closure,
    Env,
    affine_closure,
    constant,
    plain,
    product_of_forms,
    sum_of_forms,
)
from derive.functions import function_name
from derive.program import (
    INF,
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Logic,
    Modulo,
    Read,
    Reduce,
    Size,
    Stop,
    Truth,
    Where,
)

Visit = Callable[[Env, int, list], None]
Reader = Callable[[str, tuple[int, ...]], Any]

_POSITIONS = ("argmax", "argmin", "count")
_TRUTHS = (Compare, Logic, Truth)


class Compiler:
    """Turns expressions into closures over given sizes, hyperparameters and a way to read tensors."""

    def __init__(
        self,
        field: Field,
        symbols: Mapping[Symbol, Any],
        kinds: Mapping[str, str] | None = None,
        read: Reader | None = None,
    ) -> None:
        self.field, self.symbols, self.kinds = field, symbols, kinds or {}
        self.read: Reader = read or _no_tensors

    # -------------------------------------------------------------------------- which reading

    def is_exact(self, e: Basic) -> bool:
        """Whether e is index arithmetic: made of letters, sizes, integers, index and bool tensors."""
        if isinstance(e, Read):
            return self.kinds.get(e.tensor) in ("index", "bool")
        if isinstance(e, Reduce):
            return e.op in (*_POSITIONS, "any", "all") or self.is_exact(e.body)
        if isinstance(e, Where):
            return self.is_exact(e.args[1]) and self.is_exact(e.args[2])
        if isinstance(e, (Letter, Size, Rational, *_TRUTHS)):
            return True
        if isinstance(e, Hyper):
            return bool(e.is_integer)
        if isinstance(e, Pow):
            return isinstance(e.exp, Integer) and self.is_exact(e.base)
        exact_call = function_name(e) in EXACT_FUNCTIONS
        return (exact_call or isinstance(e, (Add, Mul, FloorDiv, Modulo, Stop))) and all(map(self.is_exact, e.args))

    def reading(self, kind: str) -> Callable[[Basic], Closure]:
        """How a value of a tensor of that kind is read."""
        return {"index": self.index, "bool": self.truth}.get(kind, self.number)

    # -------------------------------------------------------------------------- a truth

    def truth(self, e: Basic) -> Closure:
        """e as a Python bool."""
        if isinstance(e, Truth):
            value = bool(e)
            return lambda env: value
        if isinstance(e, Compare):
            return self._compare(e)
        if isinstance(e, Logic):
            return self._logic(e)
        if isinstance(e, Where):
            return self._where(e, self.truth)
        value_of = self.exact(e) if self.is_exact(e) else self.number(e)
        return lambda env: bool(value_of(env))

    def _compare(self, e: Compare) -> Closure:
        a, b = e.args[1:]
        if self.is_exact(a) and self.is_exact(b):
            f, g = self.exact(a), self.exact(b)
            return EXACT_COMPARE[e.op](f, g)
        f, g, less, equal = self.number(a), self.number(b), self.field.less, self.field.equal
        if e.op == "<":
            return lambda env: less(f(env), g(env))
        if e.op == "==":
            return lambda env: equal(f(env), g(env))
        if e.op == "!=":
            return lambda env: not equal(f(env), g(env))

        def at_most(env: Env) -> bool:
            x, y = f(env), g(env)
            return less(x, y) or equal(x, y)

        return at_most

    def _logic(self, e: Logic) -> Closure:
        parts = tuple(self.truth(c) for c in e.conditions)
        if e.op == "not":
            (part,) = parts
            return lambda env: not part(env)
        if e.op == "and":
            return lambda env: all(part(env) for part in parts)
        return lambda env: any(part(env) for part in parts)

    # -------------------------------------------------------------------------- an exact integer

    def exact(self, e: Basic) -> Closure:
        """e as a Python int, or a Fraction where a division does not come out."""
        if isinstance(e, Letter):
            name = e.name
            return lambda env: env[name]
        if isinstance(e, Rational):
            return constant(plain(e))
        if isinstance(e, Symbol):
            return constant(self._symbol(e))
        if isinstance(e, Read):
            return self._read(e)
        if isinstance(e, Reduce):
            return self._reduce(e)
        if isinstance(e, Where):
            return self._where(e, self.exact)
        if isinstance(e, _TRUTHS):
            f = self.truth(e)
            return lambda env: int(f(env))
        if isinstance(e, Stop):
            return self.exact(e.args[0])
        return self._exact_operation(e)

    def _exact_operation(self, e: Basic) -> Closure:
        affine = self._affine(e)
        if affine is not None:
            return affine_closure(*affine)
        parts = tuple(self.exact(a) for a in e.args)
        if isinstance(e, Add):
            return lambda env: sum([f(env) for f in parts])
        if isinstance(e, Mul):
            return lambda env: math.prod([f(env) for f in parts])
        name = function_name(e) or type(e).__name__
        if name not in EXACT_FUNCTIONS:
            raise DefinitionError(f"{name} is not index arithmetic", mend="use + - * // % abs min max of letters")
        operation = EXACT_FUNCTIONS[name]
        return lambda env: operation(*[f(env) for f in parts])

    def _affine(self, e: Basic) -> tuple[int, dict[str, int]] | None:
        """Constant and coefficients of an integer affine form in letters, sizes and hyperparameters put in."""
        if isinstance(e, Letter):
            return 0, {e.name: 1}
        if isinstance(e, Integer):
            return int(e), {}
        if isinstance(e, Symbol) and isinstance(self.symbols.get(e), int):
            return self.symbols[e], {}
        if not isinstance(e, Add | Mul):
            return None
        forms = [self._affine(a) for a in e.args]
        known = [f for f in forms if f is not None]
        if len(known) < len(forms):
            return None
        return sum_of_forms(known) if isinstance(e, Add) else product_of_forms(known)

    def index(self, e: Basic) -> Closure:
        """e as a Python int; an error if it is none."""
        f = self.exact(e)
        if self._affine(e) is not None:
            return f

        def whole(env: Env) -> int:
            value = f(env)
            if type(value) is int:
                return value
            if value != value or value in (math.inf, -math.inf) or value != int(value):
                raise InputError(f"the index {e} is {value}, not an integer")
            return int(value)

        return whole

    # -------------------------------------------------------------------------- a number

    def number(self, e: Basic) -> Closure:
        """e as a number of the field."""
        field = self.field
        if isinstance(e, Rational):
            return constant(field.number(plain(e)))
        if e is INF:
            return constant(field.infinity)
        if isinstance(e, Letter):
            name, convert = e.name, field.number
            return lambda env: convert(env[name])
        if isinstance(e, Symbol):
            return constant(field.number(self._symbol(e)))
        if isinstance(e, Read) and self.kinds.get(e.tensor) not in ("index", "bool"):
            return self._read(e)
        if isinstance(e, (Read, FloorDiv, Modulo, *_TRUTHS)) or (isinstance(e, Reduce) and self.is_exact(e)):
            f, convert = self.exact(e), field.number
            return lambda env: convert(f(env))
        if isinstance(e, Reduce):
            return self._reduce(e)
        if isinstance(e, Where):
            return self._where(e, self.number)
        if isinstance(e, Stop):
            return self.number(e.args[0])
        return self._operation(e)

    def _operation(self, e: Basic) -> Closure:
        field = self.field
        if isinstance(e, Add):
            terms, total = tuple(self.number(a) for a in e.args), field.total
            return lambda env: total([f(env) for f in terms])
        if isinstance(e, Mul):
            return self._product(e)
        if isinstance(e, Pow):
            return self._power(e)
        if isinstance(e, NumberSymbol):
            return constant(self._named_number(e))
        name = function_name(e) or type(e).__name__
        if name not in field.functions or isinstance(e, ImaginaryUnit):
            raise DefinitionError(f"{name} is not a function of the language")
        operation, parts = field.functions[name], tuple(self.number(a) for a in e.args)
        if len(parts) == 1:
            (part,) = parts
            return lambda env: operation(part(env))
        return lambda env: operation(*[f(env) for f in parts])

    def _named_number(self, e: NumberSymbol) -> Any:
        name = {"Pi": "pi", "Exp1": "e"}[type(e).__name__]
        if name in self.field.constants:
            return self.field.constants[name]
        return self.field.functions["exp"](self.field.one)  # raises the field's own error

    def _product(self, e: Mul) -> Closure:
        """Π numerators, divided by each denominator in turn."""
        below = [a for a in e.args if isinstance(a, Pow) and a.exp.is_Rational and a.exp < 0]
        above = tuple(self.number(a) for a in e.args if a not in below)
        under = tuple(self.number(Pow(a.base, -a.exp)) for a in below)
        product, divide = self.field.product, self.field.divide

        def value(env: Env) -> Any:
            result = product([f(env) for f in above])
            for f in under:
                result = divide(result, f(env))
            return result

        return value

    def _power(self, e: Pow) -> Closure:
        field, base, power = self.field, self.number(e.base), self.field.power
        if isinstance(e.exp, Rational):
            exponent = plain(e.exp)
            if exponent == -1:
                return lambda env: field.divide(field.one, base(env))
            return lambda env: power(base(env), exponent)
        top = self.exact(e.exp) if self.is_exact(e.exp) else self.number(e.exp)
        return lambda env: power(base(env), top(env))

    # -------------------------------------------------------------------------- shared

    def _symbol(self, e: Symbol) -> Any:
        if e not in self.symbols:
            raise InputError(f"{e.name} has no value", mend=f"give {e.name}, or an input whose shape shows it")
        return self.symbols[e]

    def _read(self, e: Read) -> Closure:
        name, read = e.tensor, self.read
        indices = tuple(self.index(i) for i in e.indices)
        return lambda env: read(name, tuple([f(env) for f in indices]))

    def _where(self, e: Where, reading: Callable[[Basic], Closure]) -> Closure:
        condition, then, otherwise = self.truth(e.args[0]), reading(e.args[1]), reading(e.args[2])
        return lambda env: then(env) if condition(env) else otherwise(env)

    def _reduce(self, e: Reduce) -> Closure:
        if e.op in ("any", "all"):
            body = self.truth(e.body)
        elif self.is_exact(e.body):
            body = self.exact(e.body)
        else:
            body = self.number(e.body)
        exact = self.is_exact(e.body)
        fold, field = FOLDS[e.op], self.field
        visit = self._visit(e.entries, body)

        def value(env: Env) -> Any:
            found: list[tuple[int, Any]] = []
            visit(env, 0, found)
            return fold(field, exact, found)

        return value

    def _visit(self, entries: tuple[Basic, ...], body: Closure) -> Visit:
        """Runs through the points the entries allow, left to right; notes row-major position and value of each."""
        if not entries:
            return lambda env, position, found: found.append((position, body(env)))
        first, inner = entries[0], self._visit(entries[1:], body)
        if isinstance(first, Bind):
            return _loop(first.letter.name, self.index(first.lo), self.index(first.hi), inner)
        condition = self.truth(first)

        def guard(env: Env, position: int, found: list) -> None:
            if condition(env):
                inner(env, position, found)

        return guard


def _loop(name: str, lo: Closure, hi: Closure, inner: Visit) -> Visit:
    def loop(env: Env, position: int, found: list) -> None:
        first, end = lo(env), hi(env)
        at = position * (end - first)
        for value in range(first, end):
            env[name] = value
            inner(env, at, found)
            at += 1

    return loop


def _no_tensors(name: str, indices: tuple[int, ...]) -> Any:
    raise DefinitionError(f"a size cannot depend on the data of {name}")
