"""``derive.function``: a definition as a torch callable, differentiable to any order.

The door: names and defaults are matched, structural choices taken (one tower each, kept), shapes and
dtypes checked before anything runs, random inputs drawn.  Behind it stands a ``Tower``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr

from derive.bind import bind
from derive.bind.hypers import bind_hypers
from derive.bind.words import declared, nearest
from derive.calculus.hyperparameters import with_inputs
from derive.calls import REMEMBERED, Call, Seen, buffers_of, first_real, likeness
from derive.draws import Noise, noise_of
from derive.errors import DeriveError, InputError
from derive.lower.residuals import map_expressions
from derive.moving import moving_hypers, opened
from derive.program import Draw, Hyper, Program, Tensor
from derive.targets.files import is_fixed, without_fixed
from derive.tower import Tower


def function(target: str | Program, **choices: Any) -> Function:
    """The torch callable of a catalogue name, a ``path.py:name``, a definition's text, or a Program.

    ``f(x, weight, bias, stride=2)`` takes inputs by position or name and hyperparameters by name; an input
    left out takes its default.  Its gradients, of every order, are derived from the definition.
    """
    if isinstance(target, Program):
        return Function(_Fixed(target, choices))
    from derive.language import load_definition

    return Function(_Open(load_definition(target), choices))


# ------------------------------------------------------------------------------ what is called


@dataclass(frozen=True)
class Names:
    """Names a call may use: inputs in order (with whether they may be left out), and hyperparameters."""

    inputs: tuple[str, ...]
    hypers: tuple[str, ...]


class Function:
    """A callable of torch tensors; ``program(...)`` tells which program a call would run."""

    def __init__(self, source: _Fixed | _Open) -> None:
        self._source = source
        self.__name__ = self.__qualname__ = source.name
        self.__doc__ = source.doc
        self.__signature__ = _signature(source.parameters)
        self._seen = Seen()
        self._checked: dict[tuple, None] = {}
        self._moving: dict[tuple, tuple[Tower, Tower]] = {}

    def __repr__(self) -> str:
        return f"derive.function({self.__name__}{self.__signature__})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Outputs as the definition returns them: one tensor, or a tuple."""
        alike, leaves = likeness(args, kwargs)
        call = self._seen.like(alike, leaves)
        if call is None:
            call = self.prepared(args, kwargs)
            self._seen.keep(alike, leaves, call)
        return call()

    def prepared(self, args: tuple, kwargs: Mapping[str, Any]) -> Call:
        """The call with its names matched, its program chosen, its inputs checked and drawn."""
        given, hypers = _sorted_out(self._source, args, kwargs)
        moving = moving_hypers(hypers)
        tower, given, hypers = self._source.specialised(given, {**hypers, **opened(moving)})
        if moving:
            tower = self._by_hypers(tower, tuple(moving))
            given, hypers = {**given, **moving}, {n: v for n, v in hypers.items() if n not in moving}
        program = tower.program
        numbers = _numbers(program, hypers)
        buffers = buffers_of(program, given)
        tensors, drawn = self._tensors(program, given, hypers, numbers)
        return Call(tower, tensors, numbers, buffers, drawn, lasting=not moving)

    def _tensors(
        self, program: Program, given: dict[str, Any], hypers: Mapping[str, Any], numbers: Mapping[str, Any]
    ) -> tuple[list[Any], dict[int, Noise]]:
        """The inputs in order, checked; how random ones are drawn, and these drawn."""
        real = [given.get(t.name) for t in program.inputs if t.kind in ("real", "const")]
        like = first_real(real)
        tensors = {t.name: _as_tensor(t, given[t.name], like) for t in program.inputs if t.name in given}
        missing = [t for t in program.inputs if t.name not in given]
        shapes: dict[str, Any] = dict.fromkeys(t.name for t in missing)
        if not _symbolic(tensors.values()):  # else a graph is captured for any size: the code checks
            key = (id(program), tuple(sorted(numbers.items())), *((n, v.shape, v.dtype) for n, v in tensors.items()))
            if missing or key not in self._checked:
                shapes = _checked(program, tensors, hypers, missing)
                self._remember(key)
        drawn = {t.name: noise_of(program, t, shapes[t.name], numbers, tensors) for t in missing}
        tensors |= {name: noise(tensors, like) for name, noise in drawn.items()}
        places = {t.name: k for k, t in enumerate(program.inputs)}
        return [tensors[t.name] for t in program.inputs], {places[name]: noise for name, noise in drawn.items()}

    def _by_hypers(self, tower: Tower, names: tuple[str, ...]) -> Tower:
        """The tower of the program that has these hyperparameters among its inputs."""
        key = (id(tower.program), *names)
        if key not in self._moving:
            self._moving[key] = (tower, Tower(with_inputs(tower.program, names)))  # the first keeps its id alive
        return self._moving[key][1]

    def _remember(self, key: tuple) -> None:
        if len(self._checked) >= REMEMBERED:
            self._checked.pop(next(iter(self._checked)))
        self._checked[key] = None


def _symbolic(tensors: Iterable[Any]) -> bool:
    """Whether a size is not a number: ``torch.compile`` captures for sizes to come."""
    import torch

    return any(isinstance(n, torch.SymInt) for x in tensors for n in x.shape)


def _signature(parameters: Names) -> inspect.Signature:
    positional = [
        inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for n in parameters.inputs
    ]
    keyword = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=None) for n in parameters.hypers]
    return inspect.Signature([*positional, *keyword])


# ------------------------------------------------------------------------------ where programs come from


class _Fixed:
    """A program, already specialised."""

    def __init__(self, program: Program, hypers: Mapping[str, Any]) -> None:
        self.name, self.doc, self._program, self._hypers = program.name, program.doc, program, dict(hypers)
        inputs = tuple(t.name for t in program.inputs)
        self.parameters = Names(inputs, tuple(p.name for p in program.parameters))
        _known(self.name, hypers, self.parameters)
        self._towers: dict[tuple[str, ...], Tower] = {}

    def specialised(self, given: dict[str, Any], hypers: dict[str, Any]) -> tuple[Tower, dict, dict]:
        """The tower for the inputs that are there; a constant default is read in the others' place."""
        absent = tuple(t.name for t in self._program.inputs if t.name not in given and isinstance(t.default, Expr))
        if absent not in self._towers:
            self._towers[absent] = Tower(without_inputs(self._program, absent))
        return self._towers[absent], given, {**self._hypers, **hypers}


class _Open:
    """A definition: structural hyperparameters and the presence of inputs choose the program."""

    def __init__(self, definition: Any, choices: Mapping[str, Any]) -> None:
        self.name, self.doc, self._definition, self._choices = (
            definition.name,
            definition.doc,
            definition,
            dict(choices),
        )
        self.parameters = Names(tuple(i.name for i in definition.inputs), tuple(h.name for h in definition.hypers))
        _known(self.name, choices, self.parameters)
        self._structural: dict[str, bool] = {}
        self._towers: dict[tuple, Tower] = {}

    def specialised(self, given: dict[str, Any], hypers: dict[str, Any]) -> tuple[Tower, dict, dict]:
        """The tower of these structural choices, the inputs under the program's own names, the other hypers."""
        hypers = {**self._choices, **hypers}
        hypers = {n: v for n, v in hypers.items() if n in self.parameters.hypers}
        absent = self._absent(given)
        structural = {n: v for n, v in hypers.items() if self._is_structural(n, hypers, absent)}
        key = (*((n, repr(v)) for n, v in sorted(structural.items())), *absent)  # 2.0 is not 2 here
        if key not in self._towers:
            self._towers[key] = Tower(self._specialise({**structural, **absent}))
        tower = self._towers[key]
        rest = {n: v for n, v in hypers.items() if n not in structural}
        own = {n: v for name, value in given.items() for n, v in self._own(name, value, tower.program).items()}
        return tower, own, rest

    def _is_structural(self, name: str, hypers: dict[str, Any], absent: dict[str, None]) -> bool:
        """Whether the program's structure depends on a hyperparameter: it is fixed, or missed, when not chosen."""
        if name not in self._structural:
            required = [h.name for h in self._definition.hypers if h.default is None and h.name != name]
            others = {n: hypers[n] for n in required if n in hypers}
            try:
                program = self._specialise({**others, **absent})
            except DeriveError:
                self._structural[name] = True
            else:
                own = next((p for p in program.parameters if p.name == name), None)
                self._structural[name] = own is None or is_fixed(own)
        return self._structural[name]

    def _absent(self, given: dict[str, Any]) -> dict[str, None]:
        """Inputs left out whose default is a constant, or whose presence the definition asks about."""
        absent: dict[str, None] = {}
        for i in self._definition.inputs:
            if i.name not in given and i.default is not None and not _is_draw(i.default):
                absent[i.name] = None
        return absent

    def _specialise(self, choices: dict[str, Any]) -> Program:
        from derive.language import specialise

        return specialise(self._definition, **choices)

    def _own(self, name: str, value: Any, program: Program) -> dict[str, Any]:
        """What is given under the program's names: an optimizer's ``theta`` is ``theta_0``, a family is its members."""
        inputs = [t.name for t in program.inputs]
        declared = next(i for i in self._definition.inputs if i.name == name)
        if declared.family is None:
            return {name if name in inputs else f"{name}_0": value}
        members = [n for n in inputs if n.rpartition("_")[0] == name and n.rpartition("_")[2].isdigit()]
        if not isinstance(value, (list, tuple)) or len(value) != len(members):
            found = f"{len(value)}" if isinstance(value, (list, tuple)) else type(value).__name__
            message = f"{name} of {self.name} is a family of {len(members)} tensors, not {found}"
            raise InputError(message, mend=f"give a list: {name}=[{', '.join(members)}]")
        return dict(zip(members, value, strict=True))


def _is_draw(default: Any) -> bool:
    """Whether a default's text is a call: ``bernoulli(1 - p)``."""
    import ast

    return isinstance(default, ast.Call)


def without_inputs(program: Program, absent: tuple[str, ...]) -> Program:
    """The program with these inputs replaced by their constant defaults."""
    from derive.program import Read, with_statements

    defaults = {t.name: t.default for t in program.inputs if t.name in absent}
    if not defaults:
        return program

    def constant(e: Any) -> Any:
        return defaults[e.tensor] if isinstance(e, Read) and e.tensor in defaults else e

    statements = tuple(map_expressions(s, constant) for s in program.statements)
    inputs = tuple(t for t in program.inputs if t.name not in defaults)
    return replace(with_statements(program, statements), inputs=inputs)


# ------------------------------------------------------------------------------ one call


def _sorted_out(
    source: _Fixed | _Open, args: tuple, kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs that are there, and hyperparameters, by name."""
    names = source.parameters.inputs
    if len(args) > len(names):
        raise InputError(
            f"{source.name} takes {len(names)} inputs ({', '.join(names)}), but {len(args)} were given",
            mend="give hyperparameters by name",
        )
    inputs = dict(zip(names, args, strict=False))
    hypers = {}
    for name, value in kwargs.items():
        if name in inputs:
            raise InputError(f"{name} of {source.name} is given twice", mend="give it by position or by name")
        if name in names:
            inputs[name] = value
        elif name in source.parameters.hypers:
            hypers[name] = tuple(value) if isinstance(value, list) else value
        else:
            raise unknown_name(source.name, name, source.parameters)
    return {n: v for n, v in inputs.items() if v is not None}, hypers


def _known(owner: str, choices: Mapping[str, Any], parameters: Names) -> None:
    for name in choices:
        if name not in (*parameters.inputs, *parameters.hypers):
            raise unknown_name(owner, name, parameters)


def unknown_name(owner: str, name: str, parameters: Names) -> InputError:
    """A name that is neither an input nor a hyperparameter."""
    known = [*parameters.inputs, *parameters.hypers]
    return InputError(f"{owner} has no input or hyperparameter {name}", mend=nearest(name, known))


def _numbers(program: Program, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every symbolic hyperparameter's value, defaults filled in; tuples where it has a length."""
    program = without_fixed(program)
    values: dict[Hyper, Any] = bind_hypers(program, given) if program.parameters or given else {}
    numbers = {}
    for p in program.parameters:
        if p.symbols[0] in values:
            each = tuple(values[s] for s in p.symbols)
            numbers[p.name] = each if p.length else each[0]
    return numbers


def _as_tensor(tensor: Tensor, value: Any, like: Any) -> Any:
    """A torch tensor; Python numbers take the other inputs' dtype and device."""
    import torch

    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided:
            raise InputError(f"{tensor.name} is sparse", mend=f"give a dense one: {tensor.name}.to_dense()")
        if tensor.kind in ("real", "const") and not value.is_floating_point():
            raise InputError(
                f"{tensor.name} has dtype {_word(value.dtype)}, expected a floating-point one",
                mend=f"{tensor.name} is {declared(tensor)}: convert it, as in {tensor.name}.float()",
            )
        real = tensor.kind in ("real", "const")
        if like is not None and (value.device != like.device or (real and value.dtype != like.dtype)):
            raise InputError(
                f"{tensor.name} is {_word(value.dtype)} on {value.device}, "
                f"but another input is {_word(like.dtype)} on {like.device}",
                mend="give all inputs on one device, and the real ones in one dtype",
            )
        whole = tensor.kind == "index" and not (value.is_floating_point() or value.is_complex())
        return value.long() if whole and value.dtype not in (torch.bool, torch.int32, torch.int64) else value
    device = like.device if like is not None else None
    dtype = like.dtype if like is not None and tensor.kind in ("real", "const") else None
    try:
        return torch.as_tensor(value, dtype=dtype, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{tensor.name} is not a tensor: {error}", mend=f"it is {declared(tensor)}") from error


def _word(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _checked(program: Program, tensors: Mapping[str, Any], hypers: Mapping[str, Any], missing: list[Tensor]) -> dict:
    """Shapes of the missing inputs, once those given fit; sizes are solved on arrays without memory."""
    stand_ins = {name: np.broadcast_to(_stand_in(value), tuple(value.shape)) for name, value in tensors.items()}
    random = np.random.default_rng(0) if any(isinstance(t.default, Draw) for t in missing) else None
    bound = bind(without_fixed(program), stand_ins, hypers, random)
    return {t.name: bound.shape(t) for t in missing}


def _stand_in(value: Any) -> Any:
    """A NumPy number of the tensor's kind."""
    if value.is_floating_point() or value.is_complex():
        return np.float64(0)
    return np.bool_(False) if "bool" in str(value.dtype) else np.int64(0)
