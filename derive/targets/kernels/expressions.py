"""Scalar expressions as C: a precedence-aware printer; ``real`` is the kernel's floating-point type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Add, Basic, Expr, Float, Integer, Mul, NumberSymbol, Pow, Rational, Symbol

from derive.functions import function_name
from derive.program import INF, Compare, FloorDiv, Letter, Logic, Modulo, Read, Size, Stop, Truth, Where

ATOM, UNARY, TIMES, PLUS, LESS, EQUAL, AND, OR, CHOICE = range(9)
#: Functions of the language as the prelude's; the others have C's own names there.
FUNCTIONS = {"round": "rint"}


@dataclass(frozen=True)
class Text:
    """C text and how tightly it holds together."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """In brackets if it would fall apart there."""
        return self.text if self.level <= level else f"({self.text})"


def _nothing(e: Basic) -> None:
    return None


def _never(e: Basic) -> bool:
    return False


@dataclass(frozen=True)
class Expressions:
    """Prints expressions; ``read`` says where an array's entry is, ``symbol`` what a symbol is called.

    ``scalar`` names what is the same at every point, computed once in double precision, or says None; there
    ``prefix`` and ``type`` are those of doubles.  ``value`` and ``truth`` name what the innermost loop leaves as it is,
    ``still`` says whether it does.
    """

    read: Callable[[Read], str]
    symbol: Callable[[Symbol], str]
    kind: Callable[[str], str]
    scalar: Callable[[Expr], str | None]
    prefix: str = "r_"
    type: str = "real"
    value: Callable[[Expr], str | None] = _nothing
    truth: Callable[[Basic], str | None] = _nothing
    still: Callable[[Basic], bool] = _never

    # ---------------------------------------------------------------- real

    def real(self, e: Expr) -> Text:
        """A floating-point value."""
        known = self.scalar(e) or self.value(e)
        if known is not None:
            return Text(known)
        name = function_name(e)
        if name or (isinstance(e, Basic) and e.is_Function):
            name = name or type(e).__name__
            return _call(self.prefix + FUNCTIONS.get(name, name), *(self.real(a) for a in e.args))
        for kind, rule in _REAL:
            if isinstance(e, kind):
                return rule(self, e)
        raise AssertionError(f"no C for {type(e).__name__}")

    def _real_read(self, e: Read) -> Text:
        return (
            Text(self.read(e))
            if self.kind(e.tensor) in ("real", "const")
            else Text(f"({self.type}){self.read(e)}", UNARY)
        )

    def _number(self, e: Expr) -> Text:
        if e.is_Integer:
            return Text(f"{int(e)}" if e >= 0 else f"({self.type}){int(e)}", ATOM if e >= 0 else UNARY)
        value = float(e.evalf(20))
        return Text(f"({self.type}){value!r}", UNARY)

    def _real_symbol(self, e: Symbol) -> Text:
        if e == INF:
            return Text("INFINITY")
        text = self.symbol(e)
        return Text(f"({self.type}){text}", UNARY) if isinstance(e, (Letter, Size)) or e.is_integer else Text(text)

    def _add(self, e: Add) -> Text:
        parts: list[str] = []
        for term in sorted(self._together(e), key=lambda t: t.as_coeff_Mul()[0].is_negative is True):
            coefficient, rest = term.as_coeff_Mul()
            if parts and coefficient.is_negative:
                parts.append(f" - {self.real(Mul(-coefficient, rest)).at(TIMES)}")
            else:
                parts.append(f"{' + ' if parts else ''}{self.real(term).at(TIMES if parts else PLUS)}")
        return Text("".join(parts), PLUS)

    def _mul(self, e: Mul) -> Text:
        factors = self._together(e, self.still)
        above = [f for f in factors if not _is_below(f) or self.scalar(f) or self.still(f)]
        below = [Pow(f.base, -f.exp) for f in factors if f not in above]
        if above and above[0] == -1:
            return Text(f"-{self.real(Mul(*e.args[1:])).at(UNARY)}", UNARY) if len(e.args) > 1 else self._number(e)
        head = " * ".join(self.real(f).at(TIMES if k == 0 else UNARY) for k, f in enumerate(above)) or f"({self.type})1"
        for f in below:
            head += f" / {self._cast(f)}"
        return Text(head, TIMES)

    def _together(self, e: Add | Mul, still: Callable[[Basic], bool] = _never) -> list[Expr]:
        """The operands, those that are the same at every point as one, first.

        A product also takes together what the innermost loop leaves as it is; a sum must not: terms would cancel late.
        """
        same = [a for a in e.args if a.is_number or self.scalar(a) is not None or still(a)]
        if len(same) < 2 or all(a.is_number for a in same):
            return list(e.args)
        return [e.func(*same), *(a for a in e.args if a not in same)]

    def _cast(self, e: Expr) -> str:
        """A divisor is never a C integer: 1/3 would be 0."""
        return f"({self.type}){int(e)}" if e.is_Integer else self.real(e).at(UNARY)

    def _pow(self, e: Pow) -> Text:
        base, power = e.base, e.exp
        if power.is_negative:
            return Text(f"1 / {self._cast(Pow(base, -power))}", TIMES)
        if power == Rational(1, 2):
            return _call(f"{self.prefix}sqrt", self.real(base))
        if power == 2:
            return _call(f"{self.prefix}square", self.real(base))
        if power.is_Integer and int(power) <= 4:
            square = _call(f"{self.prefix}square", self.real(base))
            return (
                _call(f"{self.prefix}square", square)
                if power == 4
                else Text(f"{square.text} * {self.real(base).at(UNARY)}", TIMES)
            )
        return _call(f"{self.prefix}pow", self.real(base), self.real(power))

    def _where(self, e: Where) -> Text:
        condition, then, otherwise = e.args
        chosen = (self.real(then).at(OR), self.real(otherwise).at(CHOICE))
        return Text(f"{self.condition(condition).at(OR)} ? {chosen[0]} : {chosen[1]}", CHOICE)

    def _quotient(self, e: Expr) -> Text:
        return Text(f"({self.type}){self.integer(e).at(UNARY)}", UNARY)

    # ---------------------------------------------------------------- integers

    def integer(self, e: Expr) -> Text:
        """An index."""
        if isinstance(e, Integer):
            return Text(str(int(e)), ATOM if e >= 0 else UNARY)
        if isinstance(e, Symbol):
            return Text(self.symbol(e))
        if isinstance(e, Read):
            return Text(self.read(e))
        if isinstance(e, (FloorDiv, Modulo)):
            name = "i_floordiv" if isinstance(e, FloorDiv) else "i_modulo"
            return _call(name, *(self.integer(a) for a in e.args))
        if isinstance(e, Add):
            terms = [self.integer(t) for t in sorted(e.args, key=_is_minus)]
            shown = terms[0].at(PLUS) + "".join(
                f" - {t.text[1:]}" if t.text.startswith("-") and t.level <= TIMES else f" + {t.at(TIMES)}"
                for t in terms[1:]
            )
            return Text(shown, PLUS)
        if isinstance(e, Mul):
            coefficient, rest = e.as_coeff_Mul()
            if coefficient == -1:
                return Text(f"-{self.integer(rest).at(UNARY)}", UNARY)
            return Text(" * ".join(self.integer(f).at(TIMES if not k else UNARY) for k, f in enumerate(e.args)), TIMES)
        if isinstance(e, Where):
            condition, then, otherwise = e.args
            return Text(
                f"{self.condition(condition).at(OR)} ? {self.integer(then).at(OR)}"
                f" : {self.integer(otherwise).at(CHOICE)}",
                CHOICE,
            )
        if isinstance(e, Pow) and e.exp.is_Integer and e.exp > 0:
            return Text(" * ".join([self.integer(e.base).at(UNARY)] * int(e.exp)), TIMES)
        function = function_name(e)
        if function in ("max", "min", "abs", "clamp"):
            return _call(f"i_{function}", *(self.integer(a) for a in e.args))
        if function in ("floor", "ceil", "round"):
            return Text(f"(int64_t){self.real(e).at(UNARY)}", UNARY)
        raise NoLoop(f"no C index for {type(e).__name__}")

    # ---------------------------------------------------------------- conditions

    def condition(self, e: Basic) -> Text:
        """A truth value."""
        known = self.truth(e)
        if known is not None:
            return Text(known)
        if isinstance(e, Truth):
            return Text("1" if e else "0")
        if isinstance(e, Read):
            return Text(self.read(e))
        if isinstance(e, Compare):
            a, b = e.args[1:]
            side = self.integer if self.is_whole(a) and self.is_whole(b) else self.real
            return Text(f"{side(a).at(PLUS)} {e.op} {side(b).at(PLUS)}", EQUAL if e.op in ("==", "!=") else LESS)
        if isinstance(e, Logic):
            if e.op == "not":
                return Text(f"!{self.condition(e.conditions[0]).at(UNARY)}", UNARY)
            sign, level = ("&&", AND) if e.op == "and" else ("||", OR)
            return Text(f" {sign} ".join(self.condition(c).at(EQUAL) for c in e.conditions), level)
        if isinstance(e, Where):
            condition, then, otherwise = (self.condition(a) for a in e.args)
            return Text(f"{condition.at(OR)} ? {then.at(OR)} : {otherwise.at(CHOICE)}", CHOICE)
        raise NoLoop(f"no C condition for {type(e).__name__}")

    def is_whole(self, e: Basic) -> bool:
        """Whether a value is a whole number by what it is made of."""
        if isinstance(e, Read):
            return self.kind(e.tensor) in ("index", "bool")
        if isinstance(e, Symbol):
            return isinstance(e, (Letter, Size)) or bool(e.is_integer)
        if isinstance(e, (Integer, FloorDiv, Modulo)):
            return True
        return isinstance(e, (Add, Mul)) and all(self.is_whole(a) for a in e.args)


class NoLoop(Exception):
    """An expression that the loops do not have."""


def _call(name: str, *args: Text) -> Text:
    return Text(f"{name}({', '.join(a.text for a in args)})")


def _is_below(f: Expr) -> bool:
    return isinstance(f, Pow) and f.exp.is_negative is True


def _is_minus(e: Expr) -> bool:
    return e.as_coeff_Mul()[0].is_negative is True


_REAL: tuple[tuple[type | tuple[type, ...], Callable[[Expressions, Expr], Text]], ...] = (
    (Read, Expressions._real_read),
    ((Rational, Float, NumberSymbol), Expressions._number),
    (Symbol, Expressions._real_symbol),
    (Add, Expressions._add),
    (Mul, Expressions._mul),
    (Pow, Expressions._pow),
    (Where, Expressions._where),
    ((FloorDiv, Modulo), Expressions._quotient),
    (Stop, lambda p, e: p.real(e.args[0])),
    ((Compare, Logic, Truth), lambda p, e: Text(f"({p.type}){p.condition(e).at(UNARY)}", UNARY)),
)
