"""Array operations that NumPy lacks.  Generated files carry the ones they use; nothing here is imported by them."""

from __future__ import annotations

import itertools
import math

import numpy as np


def axes(name, array, letters):
    """The lengths of the array's axes, as many as there are letters (``...`` and ``*A``: any number)."""
    shape = np.shape(array)
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


def window(x, axis, start, counts, steps, fill=0):
    """A view with one axis made several: position start + Σ step·i; outside the array it reads ``fill``."""
    shape = x.shape[:axis] + tuple(counts) + x.shape[axis + 1 :]
    if min(counts) <= 0:
        return np.empty([max(n, 0) for n in shape], x.dtype)
    reach = [(n - 1) * step for n, step in zip(counts, steps)]
    before = max(0, -start - sum(min(r, 0) for r in reach))
    after = max(0, start + sum(max(r, 0) for r in reach) + 1 - x.shape[axis])
    if before or after:
        wide = np.full((*x.shape[:axis], before + x.shape[axis] + after, *x.shape[axis + 1 :]), fill, x.dtype)
        wide[(slice(None),) * axis + (slice(before, before + x.shape[axis]),)] = x
        x = wide
    first = x[(slice(None),) * axis + (slice(start + before, None),)]
    strides = x.strides[:axis] + tuple(step * x.strides[axis] for step in steps) + x.strides[axis + 1 :]
    return np.lib.stride_tricks.as_strided(first, shape, strides, writeable=False)


def fold(values, axis, start, size, steps):
    """The adjoint of ``window``: several axes summed into one of ``size`` points; those outside are dropped."""
    counts, rest = values.shape[axis : axis + len(steps)], values.shape[axis + len(steps) :]
    out = np.zeros((*values.shape[:axis], size, *rest), values.dtype)
    lead = (slice(None),) * axis
    for taps in itertools.product(*map(range, counts[1:])):
        at = start + sum(i * step for i, step in zip(taps, steps[1:]))
        first = max(0, -(at // steps[0]))
        stop = min(counts[0], (size - 1 - at) // steps[0] + 1)
        if first < stop:
            here = slice(at + first * steps[0], at + (stop - 1) * steps[0] + 1, steps[0])
            out[(*lead, here)] += values[(*lead, slice(first, stop), *taps)]
    return out


def correlate(x, w, starts, counts, strides, dilations):
    """y[b, g, f, p…] = Σ c, i… w[g, f, c, i…] · x[b, g, c, start + p·stride + i·dilation…]."""
    rank, taps = len(starts), w.shape[3:]
    for k in range(rank):
        x = window(x, 3 + 2 * k, starts[k], (counts[k], taps[k]), (strides[k], dilations[k]))
    order = (0, 1, 2, *range(4, 4 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2))
    inner = math.prod(w.shape[2:])
    columns = x.transpose(order).reshape(*x.shape[:2], inner, math.prod(counts))
    y = np.matmul(w.reshape(*w.shape[:2], inner), columns)
    return y.reshape(*y.shape[:3], *counts)


def spread(y, w, starts, sizes, strides, dilations):
    """The adjoint of ``correlate``: x[b, g, c, start + p·stride + i·dilation…] += w[g, f, c, i…] · y[b, g, f, p…]."""
    rank, taps, counts = len(starts), w.shape[3:], y.shape[3:]
    inner = math.prod(w.shape[2:])
    columns = np.matmul(
        w.reshape(*w.shape[:2], inner).transpose(0, 2, 1), y.reshape(*y.shape[:3], math.prod(counts))
    )
    x = columns.reshape(*y.shape[:2], w.shape[2], *taps, *counts)
    order = [axis for k in range(rank) for axis in (3 + rank + k, 3 + k)]
    x = x.transpose(0, 1, 2, *order)
    for k in range(rank):
        x = fold(x, 3 + k, starts[k], sizes[k], (strides[k], dilations[k]))
    return x


def place(rows, largest, allowed=None):
    """The position of the first winner along the last axis; −1 where nothing is allowed."""
    if not rows.shape[-1]:
        return np.full(rows.shape[:-1], -1)
    if allowed is None:
        return rows.argmax(axis=-1) if largest else rows.argmin(axis=-1)
    allowed = np.broadcast_to(allowed, rows.shape)
    best = rows.max(axis=-1, keepdims=True) if largest else rows.min(axis=-1, keepdims=True)
    found = (allowed & (rows == best)).argmax(axis=-1)
    return np.where(allowed.any(axis=-1), found, -1)


def scatter_add(shape, indices, values):
    """Zeros of ``shape``, with values added at index arrays for the first axes; negative places are left out."""
    out = np.zeros((math.prod(shape[: len(indices)]) + 1, *shape[len(indices) :]), values.dtype)
    flat, inside = 0, True
    for index, size in zip(indices, shape):
        flat, inside = flat * size + index, inside & (index >= 0) & (index < size)
    flat = np.where(inside, flat, len(out) - 1)
    np.add.at(out, flat, values)
    return out[:-1].reshape(shape)
