"""A call with everything decided but the numbers, and calls like one before, which need no deciding again.

Two calls are alike when their tensors have the same shapes, dtypes and places, and what is not a tensor is equal.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from derive.draws import Noise
from derive.errors import InputError
from derive.lower.residuals import returned
from derive.program import Program
from derive.tower import Array, Tower

#: Calls remembered before the oldest is dropped.
REMEMBERED = 1024


@dataclass(frozen=True, eq=False)
class Call:
    """A tower, its inputs in order, its hyperparameters.

    ``buffers`` are inputs that results are written back to, ``drawn`` tells how random inputs were drawn;
    ``lasting``: calls like this one differ from it in the numbers of their tensors alone.
    """

    tower: Tower
    tensors: Sequence[Array]
    hypers: Mapping[str, Any]
    buffers: tuple[tuple[int, int], ...] = ()
    drawn: Mapping[int, Noise] = field(default_factory=dict)
    lasting: bool = True

    def __call__(self) -> Any:
        """The program's outputs: one tensor, or a tuple."""
        tensors = self.tensors
        if self.buffers:  # copies go in: what autograd saves must not change
            own = dict(self.buffers)
            tensors = [x.clone() if k in own else x for k, x in enumerate(tensors)]
        try:
            results = self.tower.apply(tensors, self.hypers)
        except IndexError as error:
            raise _out_of_range(self.tower.program, tensors, error) from error
        if self.buffers:
            self._write_back(results)
        outputs = len(self.tower.program.outputs)
        return results[0] if outputs == 1 else results[:outputs]

    def _write_back(self, results: tuple[Array, ...]) -> None:
        """What a module keeps between calls (running statistics), outside the gradient."""
        import torch

        with torch.no_grad():
            for place, result in self.buffers:
                self.tensors[place].copy_(results[result])


def buffers_of(program: Program, given: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """Which inputs are written back from which results; only those that were given."""
    import torch

    for name in (buffer for buffer, _ in program.updates):
        if name in given and not isinstance(given[name], torch.Tensor):
            raise InputError(f"{name} is written back, so it cannot be a {type(given[name]).__name__}",
                             mend=f"give a torch tensor: torch.tensor({name})")  # fmt: skip
    inputs, results = [t.name for t in program.inputs], returned(program)
    return tuple((inputs.index(b), results.index(r)) for b, r in program.updates if b in given)


def _out_of_range(program: Program, tensors: Sequence[Array], error: IndexError) -> InputError:
    """Which inputs are indices, and what they hold."""
    held = [
        f"{t.name} holds {int(x.min())} to {int(x.max())}"
        for t, x in zip(program.inputs, tensors, strict=True)
        if t.kind == "index" and x.numel()
    ]
    mend = f"{', '.join(held)}; indices count from 0" if held else "indices count from 0"
    return InputError(f"{program.name} reads out of range: {error}", mend=mend)


# ------------------------------------------------------------------------------ calls like one before


@dataclass
class Seen:
    """Lasting calls by their likeness, the oldest dropped first; each input is an argument, or is drawn."""

    calls: dict[tuple, tuple[Call, tuple[int | None, ...]]] = field(default_factory=dict)

    def like(self, likeness: tuple | None, leaves: Sequence[Array]) -> Call | None:
        """The call that was made with arguments like these, with these tensors."""
        try:
            found = self.calls.get(likeness) if likeness is not None else None
        except TypeError:  # an argument has no hash
            return None
        if found is None:
            return None
        call, places = found
        tensors = [None if k is None else leaves[k] for k in places]
        if call.drawn:
            _draw(call, tensors)
        return Call(call.tower, tensors, call.hypers, call.buffers)

    def keep(self, likeness: tuple | None, leaves: Sequence[Array], call: Call) -> None:
        """Remembers a call whose tensors are those of its arguments, each one once."""
        place = {id(x): k for k, x in enumerate(leaves)}
        given = [id(x) for k, x in enumerate(call.tensors) if k not in call.drawn]
        if likeness is None or not call.lasting or len(place) != len(leaves) or sorted(given) != sorted(place):
            return
        if len(self.calls) >= REMEMBERED:
            self.calls.pop(next(iter(self.calls)))
        places = tuple(place.get(id(x)) for x in call.tensors)
        try:
            self.calls[likeness] = Call(call.tower, (), call.hypers, call.buffers, call.drawn), places
        except TypeError:  # an argument has no hash
            return


def _draw(call: Call, tensors: list[Array]) -> None:
    """Puts random inputs in their places."""
    inputs = call.tower.program.inputs
    given = {t.name: x for t, x in zip(inputs, tensors, strict=True) if x is not None}
    like = first_real([given.get(t.name) for t in inputs if t.kind in ("real", "const")])
    for k, noise in call.drawn.items():
        tensors[k] = noise(given, like)


def first_real(tensors: Sequence[Any]) -> Array | None:
    """The first floating-point tensor."""
    import torch

    return next((x for x in tensors if isinstance(x, torch.Tensor) and x.is_floating_point()), None)


def likeness(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple | None, list[Array]]:
    """What calls have in common that are alike, and their tensors; None where there is more to a tensor."""
    leaves: list[Array] = []
    parts: list[Any] = []
    plain = _plain()
    try:
        for value in args:
            _take(value, plain, leaves, parts)
        for name, value in kwargs.items():
            parts.append(name)
            _take(value, plain, leaves, parts)
    except _More:
        return None, leaves
    return tuple(parts), leaves


class _More(Exception):
    """A tensor of a kind of its own, or a size that is not a number."""


@functools.cache
def _plain() -> tuple[frozenset[type], type]:
    import torch

    return frozenset((torch.Tensor, torch.nn.Parameter)), torch.Tensor


def _take(value: Any, plain: tuple[frozenset[type], type], leaves: list[Array], parts: list[Any]) -> None:
    kind = type(value)
    if kind in plain[0]:
        leaves.append(value)
        parts.append((value.shape, value.dtype, value.device, value.layout))
    elif kind is tuple or kind is list:
        parts.append((kind, len(value)))
        for v in value:
            _take(v, plain, leaves, parts)
    elif isinstance(value, plain[1]):
        raise _More
    else:
        parts.append((kind, value))
