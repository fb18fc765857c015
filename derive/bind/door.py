"""The door: what a user gives, checked against a program, with every size solved.

Sizes come from the inputs' shapes (``K + 1`` and composite axes are solved for their one unknown),
packs from their ranks, derived sizes from their equations.  Everything that does not fit is an
``InputError`` that names the axis as the definition does.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from derive.bind.bound import Bound
from derive.bind.hypers import bind_hypers
from derive.bind.sizes import Solver
from derive.bind.words import axis_text, declared, nearest
from derive.closures import Compiler
from derive.errors import InputError
from derive.fields import FLOAT
from derive.language.notation import expression_text
from derive.program import Draw, Program, Tensor


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
    _check_requirements(program, hyper_values)
    sizes, packs = Solver(program, arrays, hyper_values).solve()
    bound = Bound(sizes, hyper_values, {}, packs)
    _check_requirements(program, bound.values)
    _check_extents(program, bound)
    for tensor in program.inputs:
        if tensor.name in arrays:
            bound.tensors[tensor.name] = _in_parts(tensor, arrays[tensor.name], bound)
        else:
            bound.tensors[tensor.name] = _default(tensor, bound, random)
    return bound


# ------------------------------------------------------------------------------ inputs


def _given(program: Program, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that were given; unknown and missing ones are errors."""
    known = [t.name for t in program.inputs]
    for name in inputs:
        if name not in known:
            raise InputError(f"{program.name} has no input {name}", mend=nearest(name, known))
    given = {name: value for name, value in inputs.items() if value is not None}
    for tensor in program.inputs:
        if tensor.name not in given and tensor.default is None:
            raise InputError(f"input {tensor.name} of {program.name} is missing", mend=f"give {declared(tensor)}")
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
            f"{tensor.name} has dtype {data.dtype}, expected {words}", mend=f"{tensor.name} is {declared(tensor)}"
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
    values = bound.values
    if isinstance(tensor.default, Draw):
        if random is None:
            raise InputError(f"input {tensor.name} is drawn at random and was not given", mend=f"give {tensor.name}")
        arguments = [float(Compiler(FLOAT, values).number(a)({})) for a in tensor.default.arguments]
        return draw(random, tensor.default.distribution, arguments, shape)
    assert tensor.default is not None
    compiler = Compiler(FLOAT, values)
    return np.broadcast_to(np.asarray(compiler.reading(tensor.kind)(tensor.default)({})), shape)


def draw(random: np.random.Generator, distribution: str, arguments: list[float], shape: list[int]) -> np.ndarray:
    """Random data of a named distribution."""
    if distribution == "bernoulli":
        return random.random(shape) < arguments[0]
    drawn: dict[str, Callable[..., np.ndarray]] = {"uniform": random.uniform, "normal": random.normal}
    return drawn[distribution](*arguments, size=shape)


def _check_requirements(program: Program, values: Mapping[Any, Any]) -> None:
    """The requirements whose sizes and hyperparameters are known hold."""
    for requirement in program.requirements:
        symbols = sorted(requirement.free_symbols, key=str)
        if all(s in values for s in symbols) and not Compiler(FLOAT, values).truth(requirement)({}):
            given = ", ".join(f"{s} = {values[s]}" for s in symbols)
            raise InputError(f"{program.name} requires {expression_text(requirement)}, but {given}",
                             mend="choose sizes and hyperparameters that satisfy it")  # fmt: skip


def _check_extents(program: Program, bound: Bound) -> None:
    for tensor in program.tensors.values():
        for axis in tensor.axes:
            for part in axis:
                if bound.extent(part.extent) < 0:
                    given = ", ".join(f"{s} = {bound.values[s]}" for s in sorted(part.extent.free_symbols, key=str))
                    message = f"axis {axis_text(axis)} of {tensor.name} has a negative extent, from {given}"
                    raise InputError(message, mend="extents are 0 or more")
