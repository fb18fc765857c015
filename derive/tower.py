"""A program as a torch function, differentiable to any order.

Each floor is a program run by generated code; its gradient is the floor above (the program's vjp), its
tangent another (its jvp), its vmap a third (the program with one more letter).  Floors are derived when
first asked for, and torch differentiates nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from derive.kept import once
from derive.lower.residuals import returned, split
from derive.program import Program, Tensor

Array = Any  # a torch tensor; torch is imported only when a function is called


@dataclass(eq=False)
class Tower:
    """A program, its code, and the towers of its derivatives."""

    program: Program
    _made: dict[tuple, Any] = field(default_factory=dict, repr=False)

    def apply(self, tensors: Sequence[Array], hypers: Mapping[str, Any]) -> tuple[Array, ...]:
        """What the program returns at these inputs, attached to autograd."""
        import torch

        wanted: tuple[str, ...] = ()
        if torch.is_grad_enabled() and not torch._C._are_functorch_transforms_active():
            pairs = zip(self.program.inputs, tensors, strict=True)
            wanted = tuple(t.name for t, x in pairs if x.requires_grad and is_real(t))
        results = _autograd_function().apply(_Call(self, dict(hypers), wanted), *tensors)
        if not wanted:
            return results
        by_name = dict(zip(returned(self.cut(wanted).forward.program), results, strict=True))
        return tuple(by_name[name] for name in returned(self.program))

    def run(self, tensors: Sequence[Array], hypers: Mapping[str, Any]) -> tuple[Array, ...]:
        """The outputs, by the generated code alone."""
        return self._once(("code",), lambda: _compiled(self.program))(*tensors, **hypers)

    def vjp(self, wrt: tuple[str, ...]) -> Tower:
        """The tower of the vector-Jacobian product by these inputs."""
        return self._once(("vjp", wrt), lambda: Tower(_derivative("adjoint", self.program, wrt)))

    def jvp(self, wrt: tuple[str, ...]) -> Tower:
        """The tower of the Jacobian-vector product along these inputs."""
        return self._once(("jvp", wrt), lambda: Tower(_derivative("tangent", self.program, wrt)))

    def cut(self, wrt: tuple[str, ...]) -> Cut:
        """Forward and backward with what the one saves for the other."""
        return self._once(("cut", wrt), lambda: Cut.of(self, wrt))

    def batched(self, names: tuple[str, ...]) -> tuple[Tower, tuple[bool, ...]]:
        """The tower over a batch of these inputs, and which outputs are batched."""
        return self._once(("batch", names), lambda: _batched(self.program, names))

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


@dataclass(frozen=True, eq=False)
class Cut:
    """Towers of a forward that returns what it saves, and of the backward that reads it."""

    forward: Tower
    backward: Tower
    kept: tuple[str, ...]
    saved: tuple[str, ...]
    cotangents: tuple[str, ...]

    @staticmethod
    def of(tower: Tower, wrt: tuple[str, ...]) -> Cut:
        s = split(tower.program, tower.vjp(wrt).program)
        return Cut(Tower(s.forward), Tower(s.backward), s.kept, s.saved, s.cotangents)


@dataclass(frozen=True, eq=False)
class _Call:
    """One application: which tower, its hyperparameters, and the inputs whose gradient is expected."""

    tower: Tower
    hypers: dict[str, Any]
    wanted: tuple[str, ...]

    def forward(self, tensors: Sequence[Array]) -> tuple[Array, ...]:
        tower = self.tower.cut(self.wanted).forward if self.wanted else self.tower
        results: list[Array] = []
        taken = {id(_root(x)) for x in tensors}
        for y in tower.run(tensors, self.hypers):
            root = _root(y)
            results.append(_own(y) if id(root) not in taken else y.clone().contiguous())
            taken.add(id(root))
        return tuple(results)


def _root(x: Array) -> Array:
    """What x is a view of, or x."""
    return x._base if x._is_view() else x


def _own(y: Array) -> Array:
    """A tensor of its own, laid out without gaps: whoever writes into a result changes nothing else.

    (Forward mode wants tangents laid out like their primals, and autograd lets nobody write into a view.)
    """
    import torch

    if not y._is_view():
        return y
    if not y.is_contiguous():
        return y.contiguous()
    return y if torch._C._functorch.is_functorch_wrapped_tensor(y) else y.data


def is_real(tensor: Tensor) -> bool:
    """Whether gradient flows through it."""
    return tensor.kind == "real"


def _derivative(rule: str, program: Program, wrt: tuple[str, ...]) -> Program:
    every = wrt == tuple(t.name for t in program.inputs if t.differentiable)
    return derivative(program, rule, None if every else wrt)


@once
def derivative(program: Program, rule: str, wrt: tuple[str, ...] | None) -> Program:
    """The simplified adjoint or tangent by these inputs, by all differentiable ones if None."""
    from derive.calculus.adjoint import adjoint
    from derive.calculus.tangent import tangent
    from derive.simplify import simplify

    if rule == "adjoint":
        return simplify(adjoint(program, wrt), program)
    return simplify(tangent(program, wrt), program)


def _batched(program: Program, names: tuple[str, ...]) -> tuple[Tower, tuple[bool, ...]]:
    from derive.lower.batch import batch

    grown, flags = batch(program, names)
    return Tower(grown), flags


def _compiled(program: Program) -> Callable[..., tuple[Array, ...]]:
    from derive.targets.files import callable_of
    from derive.targets.kernels.function import callable_of as by_kernels

    return by_kernels(program, callable_of(program, "torch"))


# ------------------------------------------------------------------------------ autograd


@functools.cache
def _autograd_function() -> Any:
    """The one ``autograd.Function``; made when torch is first needed."""
    import torch

    class Derived(torch.autograd.Function):
        """outputs, saved = forward(call, *inputs); everything else is another tower."""

        @staticmethod
        def forward(call: _Call, *tensors: Array) -> tuple[Array, ...]:  # type: ignore[override]
            return call.forward(tensors)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: tuple) -> None:
            _remember(ctx, inputs[0], inputs[1:], output)

        @staticmethod
        def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:  # type: ignore[override]
            return (None, *_pull_back(ctx, cotangents))

        @staticmethod
        def jvp(ctx: Any, _: None, *tangents: Array | None) -> tuple[Array | None, ...]:  # type: ignore[override]
            return _push_forward(ctx, tangents)

        @staticmethod
        def vmap(info: Any, in_dims: tuple, call: _Call, *tensors: Array) -> tuple[tuple, tuple]:  # type: ignore[override]
            return _over_a_batch(call, in_dims[1:], tensors)

    return Derived


def _remember(ctx: Any, call: _Call, tensors: tuple, output: tuple) -> None:
    """Saves the inputs, what the cut asks for, and what zero cotangents are made of."""
    program = call.tower.program
    cut = call.tower.cut(call.wanted) if call.wanted else None
    by_name = dict(zip(returned(cut.forward.program if cut else program), output, strict=True))
    moving = [o for o in program.outputs if is_real(program.tensor(o))]
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*(y for name, y in by_name.items() if name not in moving))
    ctx.call, ctx.names = call, tuple(by_name)
    ctx.outputs = {name: (by_name[name].shape, by_name[name].dtype, by_name[name].device) for name in moving}
    ctx.save_for_backward(*tensors, *(by_name[name] for name in (cut.saved if cut else ())))
    ctx.save_for_forward(*tensors)


def _pull_back(ctx: Any, cotangents: tuple) -> tuple:
    """Gradients of the inputs that need one: by the saved tensors, or differentiably, from the inputs alone."""
    import torch

    call, program = ctx.call, ctx.call.tower.program
    inputs = ctx.saved_tensors[: len(program.inputs)]
    needed = zip(program.inputs, ctx.needs_input_grad[1:], strict=True)
    wrt = tuple(t.name for t, needs in needed if needs and is_real(t))
    by_output = dict(zip(ctx.names, cotangents, strict=True))
    if not wrt or all(by_output[name] is None for name in ctx.outputs):
        return (None,) * len(program.inputs)
    dys = [_zeros(like) if by_output[name] is None else by_output[name] for name, like in ctx.outputs.items()]
    if wrt == call.wanted and not torch.is_grad_enabled():
        cut = call.tower.cut(wrt)
        kept = [x for t, x in zip(program.inputs, inputs, strict=True) if t.name in cut.kept]
        gradients = cut.backward.apply((*kept, *ctx.saved_tensors[len(inputs) :], *dys), call.hypers)
    else:
        gradients = call.tower.vjp(wrt).apply((*inputs, *dys), call.hypers)
    by_name = dict(zip(wrt, gradients, strict=True))
    return tuple(by_name.get(t.name) for t in program.inputs)


def _zeros(like: tuple) -> Array:
    import torch

    shape, dtype, device = like
    return torch.zeros((), dtype=dtype, device=device).expand(shape)


def _push_forward(ctx: Any, tangents: tuple) -> tuple:
    """Tangents of the real outputs; None for the others and for what is only saved."""
    call, program = ctx.call, ctx.call.tower.program
    moving = [(t, v) for t, v in zip(program.inputs, tangents, strict=True) if v is not None and is_real(t)]
    wrt = tuple(t.name for t, _ in moving)
    results = call.tower.jvp(wrt).apply((*ctx.saved_tensors, *(v for _, v in moving)), call.hypers)
    by_output = dict(zip(ctx.outputs, results, strict=True))
    return tuple(by_output.get(name) for name in ctx.names)


def _over_a_batch(call: _Call, in_dims: tuple, tensors: tuple) -> tuple[tuple, tuple]:
    """The program with one more letter, in front, on what is batched."""
    names = tuple(t.name for t, d in zip(call.tower.program.inputs, in_dims, strict=True) if d is not None)
    tower, flags = call.tower.batched(names)
    moved = [x if d is None else x.movedim(d, 0) for x, d in zip(tensors, in_dims, strict=True)]
    return tower.apply(moved, call.hypers), tuple(0 if flag else None for flag in flags)
