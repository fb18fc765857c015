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


def slide(x, op, axis, start, count, stride, taps, dilation):
    """Reduces windows of one axis, one pass a tap: y[p] = op i of x[start + p·stride + i·dilation]."""
    fill, combine = {"sum": (0, np.add), "max": (-np.inf, np.maximum), "min": (np.inf, np.minimum)}[op]
    y = np.full((*x.shape[:axis], count, *x.shape[axis + 1 :]), fill, x.dtype)
    lead = (slice(None),) * axis
    for i in range(taps):
        at = start + i * dilation
        first, stop = max(0, -(at // stride)), min(count, (x.shape[axis] - 1 - at) // stride + 1)
        if first < stop:
            here = y[(*lead, slice(first, stop))]
            seen = x[(*lead, slice(at + first * stride, at + (stop - 1) * stride + 1, stride))]
            combine(here, seen, out=here)
    return y


def slide_place(x, op, starts, counts, strides, taps, dilations):
    """The first winner of each window over the last axes: row-major position of its tap, −1 without any."""
    lead = x.ndim - len(starts)
    best = np.zeros(x.shape[:lead] + tuple(counts), x.dtype)
    found = np.full(best.shape, -1)
    for position, tap in enumerate(itertools.product(*map(range, taps))):
        ours, theirs = [...], [...]
        for size, start, count, stride, i, dilation in zip(x.shape[lead:], starts, counts, strides, tap, dilations):
            at = start + i * dilation
            first, stop = max(0, -(at // stride)), max(0, min(count, (size - 1 - at) // stride + 1))
            ours.append(slice(first, max(first, stop)))
            theirs.append(slice(at + first * stride, max(0, at + (stop - 1) * stride + 1), stride) if first < stop else slice(0))
        b, f, seen = best[tuple(ours)], found[tuple(ours)], x[tuple(theirs)]
        if seen.size:
            won = (f < 0) | (seen > b if op == "argmax" else seen < b)
            np.copyto(b, seen, where=won)
            f[won] = position
    return found


def fold_matching(values, keys, starts, sizes, strides, taps, dilations, coefficients):
    """Adds each value at the tap its key names: x[start + p·stride + i·dilation] += value[p] where key[p] = Σ c·i."""
    lead = values.ndim - len(starts)
    out = np.zeros(values.shape[:lead] + tuple(sizes), values.dtype)
    counts = values.shape[lead:]
    for tap in itertools.product(*map(range, taps)):
        ours, theirs = [...], [...]
        for size, start, count, stride, i, dilation in zip(sizes, starts, counts, strides, tap, dilations):
            at = start + i * dilation
            first, stop = max(0, -(at // stride)), min(count, (size - 1 - at) // stride + 1)
            if first >= stop:
                break
            theirs.append(slice(first, stop))
            ours.append(slice(at + first * stride, at + (stop - 1) * stride + 1, stride))
        else:
            chosen = keys[tuple(theirs)] == sum(c * i for c, i in zip(coefficients, tap))
            here = out[tuple(ours)]
            np.add(here, values[tuple(theirs)], out=here, where=chosen)
    return out


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


def sigmoid(x):
    """1/(1 + exp(−x))."""
    return 1 / (1 + np.exp(-x))


def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def logsigmoid(x):
    """log(1/(1 + exp(−x))), without overflow."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))
