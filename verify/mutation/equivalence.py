"""Whether a mutant that nothing killed is the same function after all: shown exactly, or told how it differs.

Both programs are evaluated at every kind of input, at several sizes and draws.  Rational ones (transcendental values
are symbols) modulo a prime, where agreement at random points is agreement but for degree/p; others in fifty digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from derive import interpreter
from derive.errors import DeriveError
from derive.fields import Field, NotRational
from derive.program import Compare, Parameter, Program, piece_expressions, reads, walk
from derive.simplify import simplify
from derive.simplify.gate import is_rational
from derive.verify.exact import FIELD
from derive.verify.inputs import Case, free_sizes, is_symbolic, work
from derive.verify.inputs import _filled as filled
from derive.verify.mutation.doubt import DECIDED, Doubtful
from derive.verify.mutation.running import Bench

DIGITS = 25
#: Beside the kinds of input: larger sizes, and every hyperparameter drawn on its own.
FAR, FAR_WORK, FAR_LARGEST, FAR_ATTEMPTS = 4, 3_000, 8, 80
#: Points visited in all in fifty digits, where residues cannot decide; the cheapest cases come first, at least so many.
POINTS, LEAST = 6_000, 3


@dataclass(frozen=True)
class Shown:
    """Whether the two are the same, and by what."""

    same: bool
    proof: str


def shown(original: Program, mutant: Program, bench: Bench) -> Shown:
    """The proof that a mutant changes nothing, or the first value that it changes."""
    if _same_form(original, mutant, bench.subject.program):
        return Shown(True, "both simplify to the same program")
    compared = {"mod p": 0, "digits": 0}
    sizes = set()
    if "cases" not in bench.kept:
        bench.kept["cases"] = tuple(sorted(_cases(bench), key=lambda made: _points(made[0])))
    spent = looked = 0
    for case, seed in bench.kept["cases"]:
        spent += _points(case)
        found = _difference(Original(original, case, seed, bench.kept), mutant, spent <= POINTS or looked < LEAST)
        if isinstance(found, Shown):
            return found
        looked += bool(found)
        for name, number in found.items():
            compared[name] += number
        sizes.add(tuple(case.sizes.values()))
    if not sum(compared.values()):
        return Shown(False, "no value of it could be compared")
    ways = []
    if compared["mod p"]:
        ways.append(f"{compared['mod p']} values equal modulo a prime of {FIELD.prime.bit_length()} bits")
    if compared["digits"]:
        ways.append(f"{compared['digits']} values equal to {DIGITS} digits")
    return Shown(True, f"{' and '.join(ways)}, at {len(sizes)} choices of sizes")


def _same_form(original: Program, mutant: Program, primal: Program) -> bool:
    """Whether simplifying makes the same program of both."""
    if not mutant.derived:
        return False
    try:
        return bool(simplify(mutant, primal) == simplify(original, primal))
    except Exception:  # a mutant may be no program that the simplifier can take
        return False


def _cases(bench: Bench) -> Iterator[tuple[Case, int]]:
    """Every kind of input in another draw than the checker had, then other sizes and hyperparameters."""
    for kind in bench.kinds:
        case = bench.case(kind, bench.seed + 1)
        if case is not None:
            yield case, bench.seed + 1
    for seed, case in enumerate(far(bench.subject.program, bench.seed)):
        yield case, seed


def far(program: Program, seed: int) -> Iterator[Case]:
    """Cases that the checker does not use: sizes and hyperparameters drawn one by one."""
    rng = np.random.default_rng([seed, 29])
    found = 0
    for attempt in range(FAR_ATTEMPTS):
        largest = max(FAR_LARGEST - attempt // 12, 3)
        sizes = {s: int(rng.integers(2 if found % 2 else largest - 1, largest + 1)) for s in free_sizes(program)}
        packs: dict[str, tuple[int, ...]] = {s.name: (n,) for s, n in sizes.items() if s.is_pack}
        hypers = {p.name: _drawn(p, rng) for p in program.parameters if is_symbolic(p)}
        try:
            case = filled(program, "asymmetric", seed, sizes, packs, hypers, FAR_WORK)
        except (DeriveError, ZeroDivisionError):
            continue
        if case is not None:
            yield case
            found += 1
        if found == FAR:
            return


def _drawn(p: Parameter, rng: np.random.Generator) -> Any:
    """A hyperparameter's value: a whole number up to 3, a fraction below 1, or its default.

    0 only where that is the default: a count that is not 0 by default is divided by.
    """
    least = int(p.default != 0)
    one = {"Int": lambda: int(rng.integers(least, 4)), "Real": lambda: float(rng.integers(1, 31)) / 32}.get(p.kind)
    if one is None:
        return p.default
    return tuple(one() for _ in range(p.length)) if p.length else one()


@dataclass(frozen=True)
class Original:
    """The right program at one case: its inputs and values in each arithmetic, computed once for all mutants."""

    program: Program
    case: Case
    seed: int
    kept: dict

    def values(self, field: Field) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | str]:
        """Inputs, and the outputs or why there are none."""
        key = (self.program.derived, id(self.case), self.seed, field.name)
        if key not in self.kept:
            rng = np.random.default_rng([self.seed, 23])
            exact = field is FIELD
            inputs = _filled(self.program, self.case, _residues(rng) if exact else _reals(rng), exact)
            self.kept[key] = inputs, _run(self.program, inputs, self.case, field)
        return self.kept[key]


def _run(program: Program, inputs: dict[str, np.ndarray], case: Case, field: Field) -> dict[str, np.ndarray] | str:
    try:
        return interpreter.run(program, inputs, case.hypers, field)
    except (DeriveError, ZeroDivisionError) as error:
        return str(error)


def _points(case: Case) -> int:
    """Points that one evaluation visits."""
    return work(case.program, case.numbers)


def _difference(original: Original, mutant: Program, slow: bool) -> Shown | dict[str, int]:
    """A value that differs, in words, or how many agree and in which arithmetic; in digits where ``slow`` may be.

    A difference modulo a prime proves nothing where there are functions (exp(a + b) is not exp(a)·exp(b) there), or
    where values are compared (residues have no order).
    """
    if original.case.smooth:
        found = _compared(original, mutant, FIELD)
        if isinstance(found, int):
            return {"mod p": found}
        if isinstance(found, Shown) and all(is_rational(p) and not _orders(p) for p in (original.program, mutant)):
            return found
    found = _compared(original, mutant, DECIDED) if slow else ""
    if isinstance(found, str):
        return {}
    return found if isinstance(found, Shown) else {"digits": found}


def _orders(program: Program) -> bool:
    """Whether real values are compared with one another, or with numbers."""
    tensors = program.tensors
    compared = (
        n for s in program.statements for p in s.pieces for e in piece_expressions(p) for n in walk(e)
        if isinstance(n, Compare)
    )  # fmt: skip
    return any(tensors[r.tensor].kind in ("real", "const") for n in compared for r in reads(n))


def _compared(original: Original, mutant: Program, field: Field) -> Shown | int | str:
    """How many values agree, the first that does not, or why there are none."""
    case = original.case
    inputs, right = original.values(field)
    if isinstance(right, str):
        return right
    try:
        wrong = interpreter.run(mutant, inputs, case.hypers, field)
    except (NotRational, Doubtful) as error:
        return str(error)
    except Exception as error:
        return Shown(False, f"{case.title()}: {type(error).__name__}: {error}")
    count = 0
    for name, values in right.items():
        for index in np.ndindex(values.shape):
            a, b = values[index], wrong[name][index]
            if not _equal(a, b, field):
                words = f"{name}{list(index)} is {_number(b)}, not {_number(a)}"
                return Shown(False, f"{case.title()}: {words}")
            count += 1
    return count


def _equal(a: Any, b: Any, field: Field) -> bool:
    if field is not DECIDED or isinstance(a, (bool, int, np.bool_, np.integer)):
        return bool(a == b)
    if mpmath.isnan(a) or mpmath.isnan(b) or mpmath.isinf(a) or mpmath.isinf(b):
        return bool(a == b) or bool(mpmath.isnan(a) and mpmath.isnan(b))
    return bool(abs(a - b) <= mpmath.mpf(10) ** -DIGITS * (1 + abs(a)))


def _number(value: Any) -> str:
    return str(value) if isinstance(value, int) else mpmath.nstr(value, 12)


def _filled(program: Program, case: Case, draw: Any, again: bool) -> dict[str, np.ndarray]:
    """The case's inputs (real ones drawn again if so wished) and a cotangent for each real output."""
    inputs = dict(case.inputs)
    for t in case.program.inputs:
        if again and t.kind in ("real", "const"):
            inputs[t.name] = draw(case.inputs[t.name].shape)
    extra = program.inputs[len(case.program.inputs) :]
    if extra:
        shapes = {n: y.shape for n, y in interpreter.run(case.program, case.inputs, case.hypers).items()}
        outputs = [n for n in case.program.outputs if case.program.tensor(n).kind == "real"]
        inputs |= {t.name: draw(shapes[n]) for t, n in zip(extra, outputs, strict=True)}
    return inputs


def _residues(rng: np.random.Generator) -> Any:
    def draw(shape: tuple[int, ...]) -> np.ndarray:
        values = np.empty(shape, dtype=object)
        for index in np.ndindex(*shape):
            values[index] = int(rng.integers(1, FIELD.prime))
        return values

    return draw


def _reals(rng: np.random.Generator) -> Any:
    return lambda shape: rng.normal(size=shape)
