"""Array operations that Torch lacks.  Generated files carry the ones they use; nothing here is imported by them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # generated files import torch; derive itself never does to print them
    import torch


def axes(name, array, letters):
    """The lengths of the array's axes, as many as there are letters (``...`` and ``*A``: any number)."""
    shape = tuple(array.shape)
    packs = sum(letter.startswith(("...", "*")) for letter in letters)
    if len(shape) < len(letters) - packs or (not packs and len(shape) != len(letters)):
        raise ValueError(f"{name} has shape {shape}; expected axes [{', '.join(letters)}]")
    return shape


def expect(name, array, letters, sizes):
    """Raises ValueError unless the array has these sizes, naming the axis that differs."""
    shape = axes(name, array, letters)
    if shape == tuple(sizes):
        return
    if len(shape) == len(sizes) == len(letters):
        for letter, got, wanted in zip(letters, shape, sizes):
            if got != wanted:
                raise ValueError(f"{name} axis {letter} has size {got}; expected {wanted}")
    raise ValueError(f"{name} has shape {shape}; expected {tuple(sizes)} for axes [{', '.join(letters)}]")


def divided(name, letter, size, by):
    """The other factor of an axis's size."""
    if by == 0 or size % by:
        raise ValueError(f"{name} axis {letter} has size {size}; expected a multiple of {by}")
    return size // by


def several(value, count):
    """One number for all, or as many as there are."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    if len(values) != count:
        raise ValueError(f"expected {count} numbers, got {values}")
    return values


def padded(x, axis, before, after, fill=0):
    """The axis grown at both ends, or cropped where negative."""
    if before or after:
        x = torch.nn.functional.pad(x, [0, 0] * (x.ndim - 1 - axis) + [before, after], value=fill)
    return x


def window(x, axis, start, counts, steps, fill=0):
    """One axis made several: position start + Σ step·i; outside the array it reads ``fill``."""
    shape = x.shape[:axis] + tuple(counts) + x.shape[axis + 1 :]
    if min(counts) <= 0:
        return x.new_empty([max(n, 0) for n in shape])
    for k, (count, step) in enumerate(zip(counts, steps)):
        if step < 0:
            flipped = [-s if n == k else s for n, s in enumerate(steps)]
            return window(x, axis, start + (count - 1) * step, counts, flipped, fill).flip(axis + k)
    reach = sum((n - 1) * step for n, step in zip(counts, steps)) + 1
    x = padded(x, axis, -start, start + reach - x.shape[axis], fill)
    for k, (count, step) in enumerate(zip(counts[:-1], steps[:-1])):
        reach -= (count - 1) * step
        x = x.unfold(axis + k, reach, max(step, 1)).movedim(-1, axis + k + 1)
        x = x if step else x.narrow(axis + k, 0, 1).expand(*x.shape[: axis + k], count, *x.shape[axis + k + 1 :])
    last = (slice(None),) * (axis + len(counts) - 1)
    x = x[(*last, slice(None, None, max(steps[-1], 1)))]
    return x if steps[-1] else x.expand(*shape)


def fold(values, axis, start, size, steps):
    """The adjoint of ``window``: several axes summed into one of ``size`` points; those outside are dropped."""
    counts, rest = values.shape[axis : axis + len(steps)], values.shape[axis + len(steps) :]
    out = values.new_zeros((*values.shape[:axis], size, *rest))
    lead = (slice(None),) * axis
    for taps in itertools.product(*map(range, counts[1:])):
        at = start + sum(i * step for i, step in zip(taps, steps[1:]))
        first = max(0, -(at // steps[0]))
        stop = min(counts[0], (size - 1 - at) // steps[0] + 1)
        if first < stop:
            here = slice(at + first * steps[0], at + (stop - 1) * steps[0] + 1, steps[0])
            out[(*lead, here)] += values[(*lead, slice(first, stop), *taps)]
    return out


def largest_along(x, dims):
    """The largest value along the dims, −inf without points."""
    if all(x.shape[d] for d in dims):
        return x.amax(dim=dims)
    return x.new_full([n for d, n in enumerate(x.shape) if d not in dims], -math.inf)


def smallest_along(x, dims):
    """The smallest value along the dims, inf without points."""
    return -largest_along(-x, dims)


def place(rows, largest, allowed=None):
    """The position of the first winner along the last axis; −1 where nothing is allowed."""
    if not rows.shape[-1]:
        return rows.new_full(rows.shape[:-1], -1, dtype=torch.int64)
    if allowed is None:
        return rows.argmax(dim=-1) if largest else rows.argmin(dim=-1)
    allowed = allowed.expand(rows.shape)
    best = rows.amax(dim=-1, keepdim=True) if largest else rows.amin(dim=-1, keepdim=True)
    found = (allowed & (rows == best)).to(torch.uint8).argmax(dim=-1)
    return torch.where(allowed.any(dim=-1), found, -1)


def scatter_add(shape, indices, values):
    """Zeros of ``shape``, with values added at index arrays for the first axes; negative places are left out."""
    rows = math.prod(shape[: len(indices)])
    out = values.new_zeros((rows + 1, *shape[len(indices) :]))
    flat, inside = 0, True
    for index, size in zip(indices, shape):
        flat, inside = flat * size + index, (index >= 0) & (index < size) & inside
    flat = torch.where(inside, flat, rows)
    return out.index_put((flat,), values, accumulate=True)[:-1].reshape(shape)
