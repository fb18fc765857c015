"""The door: what a user gives, checked against a program, with every size solved.

Sizes come from the inputs' shapes (``K + 1`` and composite axes are solved for their one unknown),
packs from their ranks, derived sizes from their equations.  Everything that does not fit is an
``InputError`` that names the axis as the definition does.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Basic, Expr, Symbol

from derive.closures import Compiler
from derive.errors import InputError
from derive.fields import FLOAT
from derive.program import INF, Axis, Draw, Hyper, Letter, Parameter, Part, Program, Size, Tensor

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Bound:
    """Sizes, hyperparameters and data (one axis per part, halo included); ``packs``: the axes a pack stands for."""

    sizes: dict[Size, int]
    hypers: dict[Hyper, Any]
    tensors: dict[str, np.ndarray]
    packs: dict[Size, Shape] = field(default_factory=dict)

    def extent(self, e: Expr) -> int:
        """The value of an extent."""
        return _evaluate(e, {**self.sizes, **self.hypers})

    def shape(self, tensor: Tensor) -> Shape:
        """The shape a user sees: composite axes merged, packs spread, the halo left out."""
        dims: list[int] = []
        for axis in tensor.axes:
            pack = _lone_pack(axis)
            if pack is not None and pack in self.packs:
                dims += self.packs[pack]
            else:
                dims.append(math.prod(self.extent(part.extent) for part in axis))
        return tuple(dims)

    def user_shape(self, tensor: Tensor, data: np.ndarray) -> np.ndarray:
        """Data in part shape (no halo) as the user sees it."""
        return data.reshape(self.shape(tensor))


def bind(
    program: Program,
    inputs: Mapping[str, Any],
    hypers: Mapping[str, Any] | None = None,
    random: np.random.Generator | None = None,
) -> Bound:
    """Check and solve; absent inputs take their defaults (random ones are drawn if a generator is given)."""
    hyper_values = bind_hypers(program, hypers or {})
    given = _given(program, inputs)
    arrays = {t.name: _array(t, given[t.name]) for t in program.inputs if t.name in given}
    sizes, packs = _Solver(program, arrays, hyper_values).solve()
    bound = Bound(sizes, hyper_values, {}, packs)
    _check_requirements(program, bound)
    for tensor in program.inputs:
        if tensor.name in arrays:
            bound.tensors[tensor.name] = _in_parts(tensor, arrays[tensor.name], bound)
        else:
            bound.tensors[tensor.name] = _default(tensor, bound, random)
    return bound


# ------------------------------------------------------------------------------ hyperparameters


def bind_hypers(program: Program, given: Mapping[str, Any]) -> dict[Hyper, Any]:
    """A number for every symbolic hyperparameter, defaults filled in."""
    known = [p.name for p in program.parameters]
    for name in given:
        if name not in known:
            raise InputError(f"{program.name} has no hyperparameter {name}", mend=_nearest(name, known))
    values: dict[Hyper, Any] = {}
    for parameter in program.parameters:
        if parameter.value is not None:
            _check_fixed(program, parameter, given)
        elif parameter.kind in _KINDS:
            values.update(_parameter_values(program, parameter, given, values))
    return values


def _check_fixed(program: Program, parameter: Parameter, given: Mapping[str, Any]) -> None:
    name = parameter.name
    if name in given and given[name] != parameter.value:
        raise InputError(
            f"{name} was fixed at {parameter.value} when {program.name} was loaded, but is given as {given[name]}",
            mend=f"choose it when loading: load({program.name!r}, {name}={given[name]!r})",
        )


def _parameter_values(
    program: Program, parameter: Parameter, given: Mapping[str, Any], earlier: dict[Hyper, Any]
) -> dict[Hyper, Any]:
    value = given.get(parameter.name, parameter.default)
    if value is None:
        raise InputError(
            f"hyperparameter {parameter.name} of {program.name} is missing", mend=f"give {parameter.name}=..."
        )
    symbols = parameter.symbols
    listed = isinstance(value, (tuple, list, np.ndarray))
    if listed and (not parameter.length or len(value) != parameter.length):
        wanted = f"{parameter.length} numbers" if parameter.length else "one number"
        raise InputError(f"{parameter.name} is {value}, expected {wanted}")
    each = list(value) if listed else [value] * len(symbols)
    return {s: _hyper_number(parameter, v, earlier) for s, v in zip(symbols, each, strict=True)}


#: kind of hyperparameter -> what Python value it takes
_KINDS = {"Int": numbers.Integral, "Real": numbers.Number, "Bool": (bool, np.bool_)}


def _hyper_number(parameter: Parameter, value: Any, earlier: dict[Hyper, Any]) -> Any:
    if isinstance(value, Basic):
        if value == INF or -value == INF:
            return math.inf if value == INF else -math.inf
        value = Compiler(FLOAT, earlier).exact(value)({})
        value = float(value) if isinstance(value, Fraction) else value
    if isinstance(value, np.generic):
        value = value.item()
    boolean = isinstance(value, bool)
    fits = isinstance(value, _KINDS[parameter.kind]) or hasattr(value, "_mpf_")
    if not fits or boolean != (parameter.kind == "Bool"):
        raise InputError(f"{parameter.name} is {value!r}, expected {_KIND_WORDS[parameter.kind]}")
    return value


_KIND_WORDS = {"Int": "an integer", "Real": "a number", "Bool": "True or False"}

# ------------------------------------------------------------------------------ inputs


def _given(program: Program, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that were given; unknown and missing ones are errors."""
    known = [t.name for t in program.inputs]
    for name in inputs:
        if name not in known:
            raise InputError(f"{program.name} has no input {name}", mend=_nearest(name, known))
    given = {name: value for name, value in inputs.items() if value is not None}
    for tensor in program.inputs:
        if tensor.name not in given and tensor.default is None:
            raise InputError(f"input {tensor.name} of {program.name} is missing", mend=f"give {_declared(tensor)}")
    return given


def _array(tensor: Tensor, value: Any) -> np.ndarray:
    """The value as an array of the right kind of number."""
    try:
        data = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{tensor.name} is not an array of numbers: {error}") from error
    if data.size == 0 and isinstance(value, (list, tuple)):
        data = data.astype({"index": np.int64, "bool": np.bool_}.get(tensor.kind, np.float64))
    allowed, words = _DTYPES[tensor.kind]
    if data.dtype.kind not in allowed or (data.dtype == object and not _all_numbers(data)):
        raise InputError(
            f"{tensor.name} has dtype {data.dtype}, expected {words}", mend=f"{tensor.name} is {_declared(tensor)}"
        )
    return data


#: kind of tensor -> NumPy dtype kinds that fit, in words
_DTYPES = {
    "real": ("fiucO", "real numbers"),
    "const": ("fiucO", "real numbers"),
    "index": ("iu", "integers"),
    "bool": ("b", "booleans"),
}


def _all_numbers(data: np.ndarray) -> bool:
    return all(isinstance(v, numbers.Number) or hasattr(v, "_mpf_") for v in data.flat)


def _in_parts(tensor: Tensor, data: np.ndarray, bound: Bound) -> np.ndarray:
    """One axis per part; halo points of an input are 0."""
    parts = tensor.parts
    data = data.reshape([bound.extent(part.extent) for part in parts])
    if any(part.below for part in parts):
        data = np.pad(data, [(part.below, 0) for part in parts])
    return data


def _default(tensor: Tensor, bound: Bound, random: np.random.Generator | None) -> np.ndarray:
    shape = [bound.extent(part.extent) + part.below for part in tensor.parts]
    values = {**bound.sizes, **bound.hypers}
    if isinstance(tensor.default, Draw):
        if random is None:
            raise InputError(f"input {tensor.name} is drawn at random and was not given", mend=f"give {tensor.name}")
        arguments = [float(Compiler(FLOAT, values).number(a)({})) for a in tensor.default.arguments]
        return draw(random, tensor.default.distribution, arguments, shape)
    assert tensor.default is not None
    compiler = Compiler(FLOAT, values)
    reading = {"index": compiler.index, "bool": compiler.truth}.get(tensor.kind, compiler.number)
    return np.broadcast_to(np.asarray(reading(tensor.default)({})), shape)


def draw(random: np.random.Generator, distribution: str, arguments: list[float], shape: list[int]) -> np.ndarray:
    """Random data of a named distribution."""
    if distribution == "bernoulli":
        return random.random(shape) < arguments[0]
    return {"uniform": random.uniform, "normal": random.normal}[distribution](*arguments, size=shape)


# ------------------------------------------------------------------------------ sizes


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


class _Solver:
    """Solves the sizes of a program from the shapes of the inputs given."""

    def __init__(self, program: Program, arrays: Mapping[str, np.ndarray], hypers: Mapping[Hyper, Any]) -> None:
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
                packs = [p for p in map(_lone_pack, tensor.axes) if p is not None]
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
        packs = [p for p in map(_lone_pack, tensor.axes) if p is not None]
        count = len(tensor.axes) - len(packs) + sum(ranks.get(p, 0) for p in packs)
        wanted = f"{'at least ' if any(p not in ranks for p in packs) else ''}{count}"
        return InputError(
            f"{tensor.name} has {len(shape)} axes {_tuple(shape)}, expected {wanted}",
            mend=f"{tensor.name} is {_declared(tensor)}",
        )

    def _equations(self, tensor: Tensor, ranks: Mapping[Size, int]) -> list[_Equation]:
        """One equation an axis; lone packs are settled here."""
        shape, at, equations = self.arrays[tensor.name].shape, 0, []
        for axis in tensor.axes:
            pack = _lone_pack(axis)
            if pack is None:
                equations.append(_Equation(tensor, at, axis, shape[at]))
                at += 1
            elif pack not in ranks:
                raise InputError(f"the number of axes of {pack} is not known", mend=f"give an input with axes {pack}")
            else:
                dims = shape[at : at + ranks[pack]]
                if self.packs.setdefault(pack, dims) != dims:
                    raise InputError(
                        f"axes {pack} of {tensor.name} are {_tuple(dims)}, "
                        f"but {self.givers[pack]} gave {_tuple(self.packs[pack])}"
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
        return math.prod(_evaluate(part.extent, self.values) for part in equation.axis)

    def _root(self, equation: _Equation, unknown: Symbol) -> int | None:
        """The natural number n with length(n) = the given one, where length is affine in n."""

        def length(n: int) -> int:
            return math.prod(_evaluate(part.extent, {**self.values, unknown: n}) for part in equation.axis)

        base = length(0)
        slope = length(1) - base
        if slope == 0 or (equation.length - base) % slope:
            return None
        n = (equation.length - base) // slope
        return n if n >= 0 and length(n) == equation.length else None

    def _wrong_size(self, equation: _Equation) -> InputError:
        name, lengths = equation.tensor.name, [self._shown(part) for part in equation.axis]
        axis = _axis_text(equation.axis)
        givers = [f"{self.givers[s]} gave {s} = {self.values[s]}" for s in equation.unknowns if s in self.givers]
        message = f"axis {axis} of {name} is {equation.length}"
        if givers:
            message += f", but {', '.join(givers)}"
        else:
            message += f", expected {' * '.join(lengths)}"
        return InputError(message, mend=f"{name} is {_declared(equation.tensor)}")

    def _shown(self, part: Part) -> str:
        known = all(s in self.values for s in part.extent.free_symbols)
        return str(_evaluate(part.extent, self.values)) if known else str(part.extent)

    def _derive(self, size: Size, formula: Expr) -> bool:
        """Evaluate a size equation once all it needs is known."""
        if any(s not in self.values for s in formula.free_symbols if not isinstance(s, Letter)):
            return False
        value = _evaluate(formula, self.values)
        if value < 0:
            given = ", ".join(f"{s} = {self.values[s]}" for s in sorted(formula.free_symbols, key=str))
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
                f"axis {_axis_text(equation.axis)} of {equation.tensor.name} leaves {names} open",
                mend=f"give another input whose shape shows {names}, or choose it when loading",
            )


def _check_requirements(program: Program, bound: Bound) -> None:
    values = {**bound.sizes, **bound.hypers}
    for requirement in program.requirements:
        if not Compiler(FLOAT, values).truth(requirement)({}):
            given = ", ".join(f"{s} = {values[s]}" for s in sorted(requirement.free_symbols, key=str))
            raise InputError(f"{program.name} requires {requirement}, but {given}")


# ------------------------------------------------------------------------------ words


def _evaluate(e: Expr, values: Mapping[Symbol, Any]) -> int:
    if e.is_Integer:
        return int(e)
    if isinstance(e, Symbol) and e in values:
        return int(values[e])
    return int(Compiler(FLOAT, values).index(e)({}))


def _lone_pack(axis: Axis) -> Size | None:
    """The pack a whole axis stands for, if it does."""
    extent = axis[0].extent if len(axis) == 1 else None
    return extent if isinstance(extent, Size) and extent.is_pack else None


def _axis_text(axis: Axis) -> str:
    names = [str(part.extent) for part in axis]
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _declared(tensor: Tensor) -> str:
    """The declaration, as the definition has it."""
    kind = tensor.kind.capitalize()
    return f"{kind}[{', '.join(map(_axis_text, tensor.axes))}]" if tensor.axes else kind


def _tuple(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    listed = f"it has {', '.join(known)}" if known else "it has none"
    return f"did you mean {close[0]}?" if close else listed
