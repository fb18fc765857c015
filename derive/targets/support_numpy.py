"""Array operations that NumPy lacks.  Generated files carry the ones they use; nothing here is imported by them."""
# ruff: noqa: B905
# mypy: ignore-errors

from __future__ import annotations

import itertools
import math

import numpy as np


def _axes(name, array, letters):
    """The lengths of the array's axes, as many as there are letters (``...`` and ``*A``: any number)."""
    shape = np.shape(array)
    packs = sum(letter.startswith(("...", "*")) for letter in letters)
    if len(shape) < len(letters) - packs or (not packs and len(shape) != len(letters)):
        raise ValueError(f"{name} has shape {shape}; expected axes [{', '.join(letters)}]")
    return shape


def _expect(name, array, letters, sizes):
    """Raises ValueError unless the array has these sizes, naming the axis that differs."""
    shape = _axes(name, array, letters)
    if shape == tuple(sizes):
        return
    if len(shape) == len(sizes) == len(letters):
        for letter, got, wanted in zip(letters, shape, sizes):
            if got != wanted:
                raise ValueError(f"{name} axis {letter} has size {got}; expected {wanted}")
    raise ValueError(f"{name} has shape {shape}; expected {tuple(sizes)} for axes [{', '.join(letters)}]")


def _divided(name, letter, size, by):
    """The other factor of an axis's size."""
    if by == 0 or size % by:
        raise ValueError(f"{name} axis {letter} has size {size}; expected a multiple of {by}")
    return size // by


def _several(value, count):
    """One number for all, or as many as there are."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    if len(values) != count:
        raise ValueError(f"expected {count} numbers, got {values}")
    return values


def _by_rows(f, *arrays):
    """f of the arrays, a cache's worth of rows at a time: its first results are rows, the others sums."""
    rows, size = arrays[0].shape[0], max(a.nbytes for a in arrays)
    if size <= 4194304:
        by_row, sums = f(*arrays)
        return (*by_row, *sums)
    step, out = max(1, 524288 * rows // size), None
    for first in range(0, rows, step):
        by_row, more = f(*(a[first : first + step] for a in arrays))
        if out is None:
            out = [np.empty((rows, *y.shape[1:]), y.dtype) for y in by_row]
            sums = [np.zeros_like(s) for s in more]
        for y, part in zip(out, by_row):
            y[first : first + step] = part
        sums = [s + part for s, part in zip(sums, more)]
    return (*out, *sums)


def _where(mask, a, b):
    """a where the mask holds, else b, by their bits: no branch an entry, so that a mask of any pattern is as fast."""
    dtype = np.result_type(a, b)
    if max(map(np.size, (mask, a, b))) < 1024 or dtype.kind not in "fiu" or dtype.itemsize > 8:
        return np.where(mask, a, b)
    word = np.dtype(f"i{dtype.itemsize}")
    a, b = (np.asarray(x, dtype).view(word) for x in (a, b))
    if not a.ndim and not a:
        mask, a, b = ~mask, b, a
    keep = np.negative(np.asarray(mask).view(np.int8)).astype(word)
    room = keep if np.broadcast_shapes(keep.shape, a.shape, b.shape) == keep.shape else None
    if b.ndim or b:
        return np.bitwise_xor(np.bitwise_and(keep, a ^ b, out=room), b, out=room).view(dtype)
    return np.bitwise_and(keep, a, out=room).view(dtype)


def _dots(a, b, axes):
    """(a * b).sum(axes), without the products in memory."""
    if a.shape != b.shape or a.dtype != b.dtype or not a.size:
        return (a * b).sum(axes)
    last = tuple(range(a.ndim - len(axes), a.ndim))
    if axes != last:
        kept = [k for k in range(a.ndim) if k not in axes]
        return np.einsum(a, list(range(a.ndim)), b, list(range(a.ndim)), kept)
    if not (a.flags.c_contiguous and b.flags.c_contiguous):
        return (a * b).sum(axes)
    shape, count = a.shape[: last[0]], math.prod(a.shape[last[0] :])
    return np.matmul(a.reshape(*shape, 1, count), b.reshape(*shape, count, 1)).reshape(shape)


def _put(base, axis, index, value):
    """Adds each value to base at the place along one axis that its index names, −1 none; base itself changes."""
    if base.shape[axis]:
        here = index >= 0
        places = np.expand_dims(np.where(here, index, 0), axis)
        more = np.expand_dims(np.where(here, value, 0).astype(base.dtype), axis)
        np.put_along_axis(base, places, np.take_along_axis(base, places, axis) + more, axis)
    return base


def _cumulate(x, op, axis, after, among):
    """The sum or product of all entries before each one of an axis, or ``after``; it ``among`` them or not."""
    turned = np.flip(x, axis) if after else x
    y = turned.cumsum(axis, x.dtype) if op == "sum" else turned.cumprod(axis, x.dtype)
    if not among:
        y = np.roll(y, 1, axis)
        y[(slice(None),) * axis + (slice(1),)] = 0
    return np.flip(y, axis) if after else y


def _chain(f, x, axis):
    """Σ k ≥ j  f[k] · Π i ≤ k, i ≠ j  x[i] for each j of an axis."""
    f, x = np.ascontiguousarray(np.moveaxis(f, axis, 0)), np.ascontiguousarray(np.moveaxis(x, axis, 0))
    y, before = f.copy(), np.ones_like(x[:1])
    for j in reversed(range(len(f) - 1)):
        y[j] += x[j + 1] * y[j + 1]
    for j in range(1, len(f)):
        before = before * x[j - 1]
        y[j] *= before[0]
    return np.ascontiguousarray(np.moveaxis(y, 0, axis))


def _prod(x, axis):
    """The product along one axis; a short last one goes first, for NumPy takes long rows faster."""
    if x.ndim > 1 and axis == x.ndim - 1 and x.shape[-1] <= 64:
        return np.ascontiguousarray(np.moveaxis(x, -1, 0)).prod(axis=0)
    return x.prod(axis=axis)


def _others(x, axis):
    """The product of all entries along one axis but each one itself."""
    total = np.expand_dims(_prod(x, axis), axis)
    limits = np.finfo(x.dtype)
    if np.all((np.abs(total) > limits.tiny) & (np.abs(total) < limits.max)):
        return total / x
    x = np.moveaxis(x, axis, 0)
    y, after = np.ones_like(x), np.ones_like(x[:1])[0] if len(x) else None
    for k in range(1, len(x)):
        np.multiply(y[k - 1], x[k - 1], out=y[k])
    for k in reversed(range(len(x))):
        y[k] *= after
        after = after * x[k]
    return np.moveaxis(y, 0, axis)


def _nonempty(x, axes):
    """x, with one point of zeros on axes that have none: what a guard leaves out may be read there."""
    if all(x.shape[k] for k in axes):
        return x
    return np.zeros([max(n, int(k in axes)) for k, n in enumerate(x.shape)], x.dtype)


def _rows(index, size):
    """An index that is data, seen to be in range: −1 is not the last row."""
    if np.size(index) and not 0 <= np.min(index) <= np.max(index) < max(size, 1):
        raise IndexError(f"an index runs from {np.min(index)} to {np.max(index)} on an axis of size {size}")
    return index


def _window(x, axis, start, counts, steps, fill=0):
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


def _fold(values, starts, sizes, strides, dilations):
    """Positions and taps, the last axes, added where they fall: x[start + p·stride + i·dilation…] += value[p…, i…].

    Those that fall outside are dropped.
    """
    rank, lead = len(starts), values.ndim - 2 * len(starts)
    counts, taps = values.shape[lead : lead + rank], values.shape[lead + rank :]
    if math.prod(counts) < math.prod(taps) and min(dilations) > 0:  # the fewer run in Python
        values = values.transpose(*range(lead), *range(lead + rank, values.ndim), *range(lead, lead + rank))
        return _fold(values, starts, sizes, dilations, strides)
    if rank > 1 and math.prod(taps) > 64:  # one axis after the other
        values = np.moveaxis(values, (lead, lead + rank), (-2, -1))
        values = np.moveaxis(_fold(values, starts[:1], sizes[:1], strides[:1], dilations[:1]), -1, lead)
        return _fold(values, starts[1:], sizes[1:], strides[1:], dilations[1:])
    out = np.zeros((*values.shape[:lead], *sizes), values.dtype)
    for tap in itertools.product(*map(range, taps)):
        ours, theirs = _seen(sizes, counts, starts, strides, [i * d for i, d in zip(tap, dilations)])
        if ours:
            out[(..., *ours)] += values[(..., *theirs, *tap)]
    return out


def _correlate(x, w, starts, counts, strides, dilations, bias=None):
    """y[b, g, f, p…] = Σ c, i… w[g, f, c, i…] · x[b, g, c, start + p·stride + i·dilation…] + bias[(g, f)]."""
    if bias is not None:
        y = _correlate(x, w, starts, counts, strides, dilations)
        return _offset(y, bias)
    rank, taps = len(starts), w.shape[3:]
    for k in range(rank):
        x = _window(x, 3 + 2 * k, starts[k], (counts[k], taps[k]), (strides[k], dilations[k]))
    places, inner = tuple(range(3, 3 + 2 * rank, 2)), tuple(range(4, 4 + 2 * rank, 2))
    batch, groups = x.shape[:2]
    kernel = w.reshape(*w.shape[:2], math.prod(w.shape[2:]))
    if math.prod(counts) < math.prod(taps):
        rows = x.transpose(1, *places, 0, 2, *inner).reshape(groups, math.prod(counts) * batch, kernel.shape[2])
        y = np.matmul(rows, kernel.transpose(0, 2, 1)).reshape(groups, *counts, batch, w.shape[1])
        return y.transpose(rank + 1, 0, rank + 2, *range(1, rank + 1))
    x = x.transpose(0, 1, 2, *inner, *places)
    y = np.empty((batch, *w.shape[:2], math.prod(counts)), np.result_type(x, w))
    block = _samples(x)
    columns = np.empty((min(block, batch), *x.shape[1:]), x.dtype)
    for k in range(0, batch, block):
        here = columns[: min(block, batch - k)]
        np.copyto(here, x[k : k + block])
        np.matmul(kernel, here.reshape(*here.shape[:2], kernel.shape[2], y.shape[3]), out=y[k : k + block])
    return y.reshape(*y.shape[:3], *counts)


def _offset(y, bias):
    """y[b, g, f, p…] + bias[(g, f)]: into y, which nothing else has."""
    bias = bias.reshape(*y.shape[1:3], *[1] * (y.ndim - 3))
    return np.add(y, bias, out=y if np.result_type(y, bias) == y.dtype else None)


def _samples(x):
    """How many entries of the first axis fit a cache together."""
    return max(1, 2**16 // max(1, math.prod(x.shape[1:])))


def _spread(y, w, starts, sizes, strides, dilations, bias=None):
    """The adjoint of ``_correlate``: x[b, g, c, start + p·stride + i·dilation…] += w[g, f, c, i…] · y[b, g, f, p…].

    Then ``bias[(g, c)]`` everywhere.
    """
    if bias is not None:
        return _offset(_spread(y, w, starts, sizes, strides, dilations), bias)
    counts, taps = y.shape[3:], w.shape[3:]
    out = np.zeros((*y.shape[:2], w.shape[2], *sizes), np.result_type(y, w))
    kernel = w.reshape(*w.shape[:2], math.prod(w.shape[2:])).transpose(0, 2, 1)
    y = y.reshape(*y.shape[:3], math.prod(counts))
    block = max(1, 2**16 // max(1, math.prod(w.shape[2:]) * math.prod(counts)))
    for k in range(0, len(y), block):
        columns = np.matmul(kernel, y[k : k + block])
        columns = columns.reshape(*columns.shape[:2], w.shape[2], *taps, *counts)
        for tap in itertools.product(*map(range, taps)):
            ours, theirs = _seen(sizes, counts, starts, strides, [i * d for i, d in zip(tap, dilations)])
            if ours:
                here = out[(slice(k, k + block), ..., *ours)]
                here += columns[(slice(None),) * 3 + (*tap, *theirs)]
    return out


def _seen(sizes, counts, starts, strides, offsets):
    """Where windows' positions fall for one tap: slices of the axes, and of the positions that are inside."""
    ours, theirs = [], []
    for size, count, start, stride, offset in zip(sizes, counts, starts, strides, offsets):
        at = start + offset
        first, stop = max(0, -(at // stride)), min(count, (size - 1 - at) // stride + 1)
        if first >= stop:
            return None, None
        ours.append(slice(at + first * stride, at + (stop - 1) * stride + 1, stride))
        theirs.append(slice(first, stop))
    return ours, theirs


def _slide(x, op, axis, start, count, stride, taps, dilation):
    """Reduces windows of one axis, one pass a tap: y[p] = op i of x[start + p·stride + i·dilation]."""
    fill, combine = {"sum": (0, np.add), "max": (-np.inf, np.maximum), "min": (np.inf, np.minimum)}[op]
    y = np.full((*x.shape[:axis], count, *x.shape[axis + 1 :]), fill, x.dtype)
    lead = (slice(None),) * axis
    for i in range(taps):
        theirs, ours = _seen((x.shape[axis],), (count,), (start,), (stride,), (i * dilation,))
        if ours:
            here = y[(*lead, *ours)]
            combine(here, x[(*lead, *theirs)], out=here)
    return y


def _slide_place(x, op, starts, counts, strides, taps, dilations):
    """The first winner of each window over the last axes: row-major position of its tap, −1 without any."""
    lead = x.ndim - len(starts)
    best = np.zeros(x.shape[:lead] + tuple(counts), x.dtype)
    found = np.full(best.shape, -1, np.int16 if math.prod(taps) < 2**15 else np.int64)
    for position, tap in enumerate(itertools.product(*map(range, taps))):
        theirs, ours = _seen(x.shape[lead:], counts, starts, strides, [i * d for i, d in zip(tap, dilations)])
        if not ours:
            continue
        b, f, seen = best[(..., *ours)], found[(..., *ours)], x[(..., *theirs)]
        won = seen > b if op == "argmax" else seen < b
        won |= f < 0
        np.copyto(b, seen, where=won)
        np.copyto(f, position, where=won)
    return found.astype(np.int64)


def _fold_matching(values, keys, starts, sizes, strides, taps, dilations, coefficients):
    """Adds each value at the tap its key names: x[start + p·stride + i·dilation] += value[p] where key[p] = Σ c·i."""
    lead = values.ndim - len(starts)
    out = np.zeros(values.shape[:lead] + tuple(sizes), values.dtype)
    for tap in itertools.product(*map(range, taps)):
        ours, theirs = _seen(sizes, values.shape[lead:], starts, strides, [i * d for i, d in zip(tap, dilations)])
        if ours:
            chosen = keys[(..., *theirs)] == sum(c * i for c, i in zip(coefficients, tap))
            here = out[(..., *ours)]
            np.add(here, values[(..., *theirs)], out=here, where=chosen)
    return out


def _place(rows, largest, allowed=None):
    """The position of the first winner along the last axis; −1 where nothing is allowed."""
    if not rows.shape[-1]:
        return np.full(rows.shape[:-1], -1)
    if allowed is None:
        return rows.argmax(axis=-1) if largest else rows.argmin(axis=-1)
    allowed = np.broadcast_to(allowed, rows.shape)
    best = rows.max(axis=-1, keepdims=True) if largest else rows.min(axis=-1, keepdims=True)
    found = (allowed & (rows == best)).argmax(axis=-1)
    return np.where(allowed.any(axis=-1), found, -1)


def _scatter_add(shape, indices, values):
    """Zeros of ``shape``, with values added at index arrays for the first axes; places outside are left out."""
    rest = tuple(shape[len(indices) :])
    out = np.zeros((math.prod(shape[: len(indices)]) + 1, *rest), values.dtype)
    flat, inside = 0, True
    for index, size in zip(indices, shape):
        flat, inside = flat * size + index, inside & (index >= 0) & (index < size)
    flat = np.where(inside, flat, len(out) - 1).reshape(-1)
    if math.prod(rest) < 4 or not flat.size:
        np.add.at(out, flat, values.reshape(flat.size, *rest))
        return out[:-1].reshape(shape)
    # equal places side by side: narrow values by one sum each, wide ones the first of each place, the second, …
    values, order = values.reshape(flat.size, *rest), np.argsort(flat, kind="stable")
    flat = flat[order]
    first = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    counts, places, turn = np.diff(np.r_[first, flat.size]), flat[first], 0
    if math.prod(rest) < 64:
        out[places] = np.add.reduceat(values[order], first, axis=0)
        return out[:-1].reshape(shape)
    while first.size > 64:
        out[places] += values[order[first + turn]]
        turn += 1
        more = counts > turn
        first, counts, places = first[more], counts[more], places[more]
    for place, start, count in zip(places, first, counts):
        out[place] += values[order[start + turn : start + count]].sum(axis=0)
    return out[:-1].reshape(shape)
