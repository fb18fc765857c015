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
    rows, entries = arrays[0].shape[0], max(a.size for a in arrays)
    if entries <= 262144:
        by_row, sums = f(*arrays)
        return (*by_row, *sums)
    step, out = max(1, 65536 * rows // entries), None
    for first in range(0, rows, step):
        by_row, more = f(*(a[first : first + step] for a in arrays))
        if out is None:
            out = [np.empty((rows, *y.shape[1:]), y.dtype) for y in by_row]
            sums = [np.zeros_like(s) for s in more]
        for y, part in zip(out, by_row):
            y[first : first + step] = part
        sums = [s + part for s, part in zip(sums, more)]
    return (*out, *sums)


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


def _fold(values, axis, start, size, steps):
    """The adjoint of ``_window``: several axes summed into one of ``size`` points; those outside are dropped."""
    counts, rest = values.shape[axis : axis + len(steps)], values.shape[axis + len(steps) :]
    out = np.zeros((*values.shape[:axis], size, *rest), values.dtype)
    lead = (slice(None),) * axis
    for taps in itertools.product(*map(range, counts[1:])):
        offset = sum(i * step for i, step in zip(taps, steps[1:]))
        ours, theirs = _seen((size,), counts[:1], (start,), steps[:1], (offset,))
        if ours:
            out[(*lead, *ours)] += values[(*lead, *theirs, *taps)]
    return out


def _correlate(x, w, starts, counts, strides, dilations):
    """y[b, g, f, p…] = Σ c, i… w[g, f, c, i…] · x[b, g, c, start + p·stride + i·dilation…]."""
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


def _samples(x):
    """How many entries of the first axis fit a cache together."""
    return max(1, 2**16 // max(1, math.prod(x.shape[1:])))


def _spread(y, w, starts, sizes, strides, dilations):
    """The adjoint of ``_correlate``: x[b, g, c, start + p·stride + i·dilation…] += w[g, f, c, i…] · y[b, g, f, p…]."""
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


def _sigmoid(x):
    """1/(1 + exp(−x))."""
    return 1 / (1 + np.exp(-x))


def _softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _logsigmoid(x):
    """log(1/(1 + exp(−x))), without overflow."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def _by_blocks(f, x):
    """f of x, a cache's worth of entries at a time."""
    x = np.asarray(x)
    flat = np.ascontiguousarray(x).reshape(-1)
    y = np.empty_like(flat)
    for k in range(0, flat.size, 8192):
        y[k : k + 8192] = f(flat[k : k + 8192])
    return y.reshape(x.shape)


def _rational(x, above, below):
    """A quotient of polynomials, highest power first."""
    top, bottom = np.full_like(x, above[0]), np.full_like(x, below[0])
    for value, coefficients in ((top, above), (bottom, below)):
        for a in coefficients[1:]:
            value *= x
            value += a
    top /= bottom
    return top


def _erf_small(x):
    """erf(x) for |x| ≤ 0.46875 (Cody, 1969)."""
    above = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
             3.20937758913846947e3)  # fmt: skip
    below = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
    return x * _rational(x * x, above, below)


def _erfc_large(y):
    """erfc(y) for y > 0.46875 (Cody, 1969)."""
    above = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
             2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
             1.23033935479799725e3)  # fmt: skip
    below = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
             3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip
    far_above = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
                 1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
    far_below = (1.0, 2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2,
                 2.33520497626869185e-3)  # fmt: skip
    near = np.minimum(y, 4)
    value = _rational(near, above, below)
    if (y > 4).any():
        z = 1 / np.square(np.maximum(y, 4))
        value = np.where(y > 4, (1 / math.sqrt(math.pi) - z * _rational(z, far_above, far_below)) / y, value)
    coarse = np.floor(y * 16) / 16
    return np.exp(-coarse * coarse) * np.exp(-(y - coarse) * (y + coarse)) * value


def _erf_single(x):
    """erf(x) to single precision: an odd rational function on [−4, 4]."""
    above = (-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
             -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02)  # fmt: skip
    below = (-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
             -1.42647390514189e-02)  # fmt: skip
    x = np.clip(x, -4, 4)
    return x * _rational(x * x, above, below)


def _erf(x):
    """The error function."""

    def block(x):
        y = np.abs(x)
        large = np.sign(x) * (1 - _erfc_large(np.minimum(np.maximum(y, 0.25), 26)))
        return np.where(y <= 0.46875, _erf_small(np.clip(x, -0.5, 0.5)), large)

    return _by_blocks(_erf_single if np.asarray(x).dtype == np.float32 else block, x)


def _erfc(x):
    """1 − erf(x)."""

    def block(x):
        y = np.abs(x)
        large = _erfc_large(np.minimum(np.maximum(y, 0.25), 27))
        return np.where(y <= 0.46875, 1 - _erf_small(np.clip(x, -0.5, 0.5)), np.where(x < 0, 2 - large, large))

    return _by_blocks(block, x)


def _lgamma(x):
    """log|Γ(x)|: shifted up to 16, then Stirling's series."""
    x = np.asarray(x)
    y = np.where(x < 0.5, 1 - x, x)
    shift, z = np.ones_like(y), y
    for _ in range(16):
        low = z < 16
        shift, z = np.where(low, shift * z, shift), np.where(low, z + 1, z)
    w = 1 / (z * z)
    series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / z
    value = (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi) + series - np.log(shift)
    return np.where(x < 0.5, math.log(math.pi) - np.log(np.abs(np.sin(math.pi * x))) - value, value)


def _digamma(x):
    """The derivative of lgamma: shifted up to 16, then its asymptotic series."""
    x = np.asarray(x)
    y = np.where(x < 0.5, 1 - x, x)
    shift, z = np.zeros_like(y), y
    for _ in range(16):
        low = z < 16
        shift, z = np.where(low, shift + 1 / z, shift), np.where(low, z + 1, z)
    w = 1 / (z * z)
    value = np.log(z) - 0.5 / z - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w / 132)))) - shift
    return np.where(x < 0.5, value - math.pi / np.tan(math.pi * x), value)


def _polygamma(n, x):
    """The n-th derivative of digamma for x > 0: shifted up to 24, then its asymptotic series."""
    n = int(n)
    z = np.asarray(x)
    shift = np.zeros_like(z)
    for _ in range(24):
        low = z < 24
        shift, z = np.where(low, shift + z ** (-n - 1.0), shift), np.where(low, z + 1, z)
    even = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)  # Bernoulli's numbers
    tail = sum(
        b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) * z ** (-2.0 * k - n) for k, b in enumerate(even, 1)
    )
    value = math.factorial(n - 1) * z ** -float(n) + math.factorial(n) / 2 * z ** (-n - 1.0) + tail
    return (-1) ** (n + 1) * (value + math.factorial(n) * shift)
