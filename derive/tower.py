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

        functions = _autograd_functions()
        if torch._C._are_functorch_transforms_active():
            return functions.transformed.apply(_Call(self, hypers), *tensors)
        if torch.is_grad_enabled():
            wanted = tuple([n for n, x in zip(self.real, tensors, strict=True) if n and x.requires_grad])
            if wanted:
                cut = self.cut(wanted)
                results = functions.plain.apply(_Call(self, hypers, cut), *tensors)
                return tuple([results[k] for k in cut.returned])
        if torch.autograd.forward_ad._current_level >= 0:
            return functions.plain.apply(_Call(self, hypers), *tensors)
        return _separate(self.run(tensors, hypers), tensors)

    @functools.cached_property
    def real(self) -> tuple[str, ...]:
        """The inputs' names, empty for those that carry no gradient."""
        return tuple(t.name if is_real(t) else "" for t in self.program.inputs)

    def run(self, tensors: Sequence[Array], hypers: Mapping[str, Any]) -> tuple[Array, ...]:
        """The outputs, by the generated code alone."""
        return self._code(*tensors, **hypers)

    @functools.cached_property
    def _code(self) -> Callable[..., tuple[Array, ...]]:
        return _compiled(self.program)

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

    @functools.cached_property
    def moving(self) -> tuple[int, ...]:
        """Which results carry gradient: the real outputs."""
        return _moving(self.program, self.program.outputs)

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


@dataclass(frozen=True, eq=False)
class Cut:
    """Towers of a forward that returns what it saves, and of the backward that reads it, for gradients by ``wrt``.

    ``moving``, ``returned``, ``saved``: which of the forward's results are the program's real outputs, which it
    returns, and which the backward reads; ``kept``: which of the program's inputs it reads.
    """

    wrt: tuple[str, ...]
    forward: Tower
    backward: Tower
    moving: tuple[int, ...]
    returned: tuple[int, ...]
    saved: tuple[int, ...]
    kept: tuple[int, ...]

    @staticmethod
    def of(tower: Tower, wrt: tuple[str, ...]) -> Cut:
        s = split(tower.program, tower.vjp(wrt).program)
        inputs, results = [t.name for t in tower.program.inputs], returned(s.forward)
        return Cut(
            wrt,
            Tower(s.forward),
            Tower(s.backward),
            _moving(s.forward, tower.program.outputs),
            tuple(results.index(name) for name in returned(tower.program)),
            tuple(results.index(name) for name in s.saved),
            tuple(k for k, name in enumerate(inputs) if name in s.kept),
        )


@dataclass(eq=False, slots=True)
class _Call:
    """One application: which tower, its hyperparameters, and the cut for the gradients that are expected."""

    tower: Tower
    hypers: Mapping[str, Any]
    cut: Cut | None = None

    def forward(self, tensors: Sequence[Array]) -> tuple[Array, ...]:
        running = self.cut.forward if self.cut else self.tower
        return _separate(running.run(tensors, self.hypers), tensors)


def _separate(results: tuple[Array, ...], tensors: Sequence[Array]) -> tuple[Array, ...]:
    """Results of their own: none a view, an input, or another result."""
    if _are_whole(results, tensors):
        return results
    separate: list[Array] = []
    taken = {id(_root(x)) for x in tensors}
    for y in results:
        root = _root(y)
        separate.append(_own(y) if id(root) not in taken else y.clone().contiguous())
        taken.add(id(root))
    return tuple(separate)


def _are_whole(results: Sequence[Array], tensors: Sequence[Array]) -> bool:
    """Whether no result is a view, or an input, or another result."""
    seen = set(map(id, tensors))
    for y in results:
        if y._is_view() or id(y) in seen:
            return False
        seen.add(id(y))
    return True


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
    if torch.compiler.is_exporting():  # whose graph does not see through .data
        return y.clone()
    return y if torch._C._functorch.is_functorch_wrapped_tensor(y) else y.data


def _moving(program: Program, outputs: Sequence[str]) -> tuple[int, ...]:
    results = returned(program)
    return tuple(results.index(name) for name in outputs if is_real(program.tensor(name)))


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
    from derive.targets.kernels.choice import callable_of as by_kernels

    return by_kernels(program, callable_of(program, "torch"))


# ------------------------------------------------------------------------------ autograd


@dataclass(frozen=True)
class _Functions:
    """``transformed`` knows vmap, and costs a matching of signatures at every call; ``plain`` does not."""

    plain: Any
    transformed: Any


@functools.cache
def _autograd_functions() -> _Functions:
    """outputs, saved = forward(call, *inputs); everything else is another tower.  Made when torch is first needed."""
    import torch

    class Derivatives(torch.autograd.Function):
        @staticmethod
        def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:  # type: ignore[override]
            return (None, *_pull_back(ctx, cotangents))

        @staticmethod
        def jvp(ctx: Any, _: None, *tangents: Array | None) -> tuple[Array | None, ...]:  # type: ignore[override]
            return _push_forward(ctx, tangents)

    class Derived(Derivatives):
        @staticmethod
        def forward(ctx: Any, call: _Call, *tensors: Array) -> tuple[Array, ...]:  # type: ignore[override]
            results = call.forward(tensors)
            _remember(ctx, call, tensors, results)
            return results

    class Transformed(Derivatives):
        @staticmethod
        def forward(call: _Call, *tensors: Array) -> tuple[Array, ...]:  # type: ignore[override]
            return call.forward(tensors)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: tuple) -> None:
            _remember(ctx, inputs[0], inputs[1:], output)

        @staticmethod
        def vmap(info: Any, in_dims: tuple, call: _Call, *tensors: Array) -> tuple[tuple, tuple]:  # type: ignore[override]
            return _over_a_batch(call, in_dims[1:], tensors)

    return _Functions(Derived, Transformed)


def _remember(ctx: Any, call: _Call, tensors: Sequence[Array], results: tuple) -> None:
    """Saves the inputs, what the cut asks for, and what zero cotangents are made of."""
    import torch

    moving, saved = (call.cut.moving, call.cut.saved) if call.cut else (call.tower.moving, ())
    if len(results) > 1:
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*[y for k, y in enumerate(results) if k not in moving])
    ctx.call, ctx.results = call, len(results)
    ctx.outputs = [(k, results[k].shape, results[k].dtype, results[k].device) for k in moving]
    ctx.save_for_backward(*tensors, *[results[k] for k in saved])
    if torch.autograd.forward_ad._current_level >= 0:
        ctx.save_for_forward(*tensors)


def _pull_back(ctx: Any, cotangents: tuple) -> Sequence[Array | None]:
    """Gradients of the inputs that need one: by the saved tensors, or differentiably, from the inputs alone."""
    import torch

    call, real = ctx.call, ctx.call.tower.real
    wrt = tuple([name for name, needs in zip(real, ctx.needs_input_grad[1:], strict=True) if needs and name])
    if not wrt or all([cotangents[k] is None for k, *_ in ctx.outputs]):  # noqa: C419
        return [None] * len(real)
    dys = [cotangents[k] if cotangents[k] is not None else _zeros(*like) for k, *like in ctx.outputs]
    tensors = ctx.saved_tensors
    inputs, cut = tensors[: len(real)], call.cut
    if cut and wrt == cut.wrt and not torch.is_grad_enabled():
        kept = [inputs[k] for k in cut.kept]
        gradients = cut.backward.apply((*kept, *tensors[len(inputs) :], *dys), call.hypers)
    else:
        gradients = call.tower.vjp(wrt).apply((*inputs, *dys), call.hypers)
    by_name = dict(zip(wrt, gradients, strict=True))
    return [by_name.get(name) for name in real]


def _zeros(shape: Sequence[int], dtype: Any, device: Any) -> Array:
    import torch

    return torch.zeros((), dtype=dtype, device=device).expand(shape)


def _push_forward(ctx: Any, tangents: tuple) -> tuple:
    """Tangents of the real outputs; None for the others and for what is only saved."""
    call, program = ctx.call, ctx.call.tower.program
    moving = [(t, v) for t, v in zip(program.inputs, tangents, strict=True) if v is not None and is_real(t)]
    wrt = tuple(t.name for t, _ in moving)
    results = call.tower.jvp(wrt).apply((*ctx.saved_tensors, *(v for _, v in moving)), call.hypers)
    by_output = {k: v for (k, *_), v in zip(ctx.outputs, results, strict=True)}
    return tuple(by_output.get(k) for k in range(ctx.results))


def _over_a_batch(call: _Call, in_dims: tuple, tensors: tuple) -> tuple[tuple, tuple]:
    """The program with one more letter, in front, on what is batched."""
    names = tuple(t.name for t, d in zip(call.tower.program.inputs, in_dims, strict=True) if d is not None)
    tower, flags = call.tower.batched(names)
    moved = [x if d is None else x.movedim(d, 0) for x, d in zip(tensors, in_dims, strict=True)]
    return tower.apply(moved, call.hypers), tuple(0 if flag else None for flag in flags)
