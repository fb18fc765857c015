"""Sizes: solved from the shapes of the inputs, one unknown at a time, until nothing is open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol

from derive.bind.words import Shape, axis_text, declared, evaluate, lone_pack, shape_text
from derive.errors import InputError
from derive.program import Axis, Hyper, Letter, Part, Program, Size, Tensor


@dataclass(frozen=True)
class _Equation:
    """Axis ``place`` of a given input: the product of its parts' extents is ``length``."""

    tensor: Tensor
    place: int
    axis: Axis
    length: int

    @property
    def unknowns(self) -> dict[Symbol, None]:
        found = (s for part in self.axis for s in sorted(part.extent.free_symbols, key=str))
        return dict.fromkeys(found)


class Solver:
    """Solves the sizes of a program from the shapes of the inputs given."""

    def __init__(self, program: Program, arrays: Mapping[str, Any], hypers: Mapping[Hyper, Any]) -> None:
        self.program, self.arrays = program, arrays
        self.values: dict[Symbol, Any] = dict(hypers)
        self.derived = dict(program.sizes)
        self.packs: dict[Size, Shape] = {}
        self.givers: dict[Symbol, str] = {}

    def solve(self) -> tuple[dict[Size, int], dict[Size, Shape]]:
        """Ranks first, then axis by axis, until nothing is open."""
        ranks = self._ranks()
        open_equations = [e for t in self.program.inputs if t.name in self.arrays for e in self._equations(t, ranks)]
        pending = dict(self.program.sizes)
        progress = True
        while (open_equations or pending) and progress:
            left = [e for e in open_equations if not self._settle(e)]
            done = [size for size, formula in pending.items() if self._derive(size, formula)]
            progress = len(left) < len(open_equations) or bool(done)
            pending = {s: f for s, f in pending.items() if s not in done}
            open_equations = left
        self._refuse_open(open_equations)
        return {s: v for s, v in self.values.items() if isinstance(s, Size)}, self.packs

    def _ranks(self) -> dict[Size, int]:
        """How many axes each pack stands for, from the inputs' ranks."""
        ranks: dict[Size, int] = {}
        tensors = [t for t in self.program.inputs if t.name in self.arrays]
        for _ in range(len(tensors) + 1):
            for tensor in tensors:
                packs = [p for p in map(lone_pack, tensor.axes) if p is not None]
                unknown = [p for p in packs if p not in ranks]
                spare = self.arrays[tensor.name].ndim - (len(tensor.axes) - len(packs))
                spare -= sum(ranks[p] for p in packs if p in ranks)
                if len(set(unknown)) == 1 and spare >= 0 and spare % len(unknown) == 0:
                    ranks[unknown[0]] = spare // len(unknown)
                elif (not unknown and spare != 0) or spare < 0:
                    raise self._wrong_rank(tensor, ranks)
        return ranks

    def _wrong_rank(self, tensor: Tensor, ranks: Mapping[Size, int]) -> InputError:
        shape = self.arrays[tensor.name].shape
        packs = [p for p in map(lone_pack, tensor.axes) if p is not None]
        count = len(tensor.axes) - len(packs) + sum(ranks.get(p, 0) for p in packs)
        wanted = f"{'at least ' if any(p not in ranks for p in packs) else ''}{count}"
        return InputError(
            f"{tensor.name} has {len(shape)} axes {shape_text(shape)}, expected {wanted}",
            mend=f"{tensor.name} is {declared(tensor)}",
        )

    def _equations(self, tensor: Tensor, ranks: Mapping[Size, int]) -> list[_Equation]:
        """One equation an axis; lone packs are settled here."""
        shape, at, equations = self.arrays[tensor.name].shape, 0, []
        for axis in tensor.axes:
            pack = lone_pack(axis)
            if pack is None:
                equations.append(_Equation(tensor, at, axis, shape[at]))
                at += 1
            elif pack not in ranks:
                raise InputError(f"the number of axes of {pack} is not known", mend=f"give an input with axes {pack}")
            else:
                dims = shape[at : at + ranks[pack]]
                if self.packs.setdefault(pack, dims) != dims:
                    raise InputError(
                        f"axes {pack} of {tensor.name} are {shape_text(dims)}, "
                        f"but {self.givers[pack]} gave {shape_text(self.packs[pack])}"
                    )
                self.givers.setdefault(pack, tensor.name)
                self.values[pack] = math.prod(dims)
                at += ranks[pack]
        return equations

    def _settle(self, equation: _Equation) -> bool:
        """Check an axis that is known, or solve it for its one unknown; False if it must wait."""
        unknown = [s for s in equation.unknowns if s not in self.values]
        if not unknown:
            if self._length(equation) != equation.length:
                raise self._wrong_size(equation)
            return True
        if len(unknown) > 1 or unknown[0] in self.derived or not isinstance(unknown[0], Size):
            return False
        solution = self._root(equation, unknown[0])
        if solution is None:
            raise self._wrong_size(equation)
        self.values[unknown[0]] = solution
        self.givers[unknown[0]] = equation.tensor.name
        return True

    def _length(self, equation: _Equation) -> int:
        return math.prod(evaluate(part.extent, self.values) for part in equation.axis)

    def _root(self, equation: _Equation, unknown: Symbol) -> int | None:
        """The natural number n with length(n) = the given one, where length is affine in n."""

        def length(n: int) -> int:
            return math.prod(evaluate(part.extent, {**self.values, unknown: n}) for part in equation.axis)

        base = length(0)
        slope = length(1) - base
        if slope == 0 or (equation.length - base) % slope:
            return None
        n = (equation.length - base) // slope
        return n if n >= 0 and length(n) == equation.length else None

    def _wrong_size(self, equation: _Equation) -> InputError:
        name, lengths = equation.tensor.name, [self._shown(part) for part in equation.axis]
        axis = axis_text(equation.axis)
        givers = [f"{self.givers[s]} gave {s} = {self.values[s]}" for s in equation.unknowns if s in self.givers]
        message = f"axis {axis} of {name} is {equation.length}"
        if givers:
            message += f", but {', '.join(givers)}"
        else:
            message += f", expected {' * '.join(lengths)}"
        return InputError(message, mend=f"{name} is {declared(equation.tensor)}")

    def _shown(self, part: Part) -> str:
        known = all(s in self.values for s in part.extent.free_symbols)
        return str(evaluate(part.extent, self.values)) if known else str(part.extent)

    def _derive(self, size: Size, formula: Expr) -> bool:
        """Evaluate a size equation once all it needs is known."""
        if any(s not in self.values for s in formula.free_symbols if not isinstance(s, Letter)):
            return False
        given = ", ".join(f"{s} = {self.values[s]}" for s in sorted(formula.free_symbols, key=str))
        try:
            value = evaluate(formula, self.values)
        except ZeroDivisionError:
            raise InputError(f"{size} divides by zero, from {given}", mend="give a divisor other than 0") from None
        if value < 0:
            raise InputError(
                f"{size} = {value} is negative, from {given}",
                mend="a window larger than the padded input leaves no output: make the input or its padding larger",
            )
        self.values[size] = value
        self.givers[size] = f"its equation in {self.program.name}"
        return True

    def _refuse_open(self, open_equations: list[_Equation]) -> None:
        if open_equations:
            equation = open_equations[0]
            names = ", ".join(str(s) for s in equation.unknowns if s not in self.values)
            raise InputError(
                f"axis {axis_text(equation.axis)} of {equation.tensor.name} leaves {names} open",
                mend=f"give another input whose shape shows {names}, or choose it when loading",
            )
