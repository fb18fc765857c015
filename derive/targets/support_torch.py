"""Array operations that Torch lacks.  Generated files carry the ones they use; nothing here is imported by them."""
# ruff: noqa: B905
# mypy: ignore-errors

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # generated files import torch; derive itself never does to print them
    import torch


def _axes(name, array, letters):
    """The lengths of the array's axes, as many as there are letters (``...`` and ``*A``: any number)."""
    shape = tuple(array.shape)
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


def _common_dtype(first, *others):
    """The precision that holds all of the arrays."""
    dtype = first.dtype
    for other in others:
        dtype = torch.promote_types(dtype, other.dtype)
    return dtype


def _by_rows(f, *arrays):
    """f of the arrays, on a CPU a cache's worth of rows at a time: its first results are rows, the others sums."""
    rows, entries = arrays[0].shape[0], max(a.numel() for a in arrays)
    block, threads = 32768, torch.get_num_threads()  # torch runs so few entries in one thread: none waits for another
    if entries <= 64 * block or threads > 2 or arrays[0].device.type != "cpu":
        by_row, sums = f(*arrays)
        return (*by_row, *sums)
    step, out = max(1, block * rows // entries), None
    for first in range(0, rows, step):
        by_row, more = f(*(a[first : first + step] for a in arrays))
        if out is None:
            out = [y if y is None else y.new_empty((rows, *y.shape[1:])) for y in by_row]
            sums = [s if s is None else torch.zeros_like(s) for s in more]
        for y, part in zip(out, by_row):
            if y is not None:
                y[first : first + step] = part
        sums = [s if s is None else s + part for s, part in zip(sums, more)]
    return (*out, *sums)


def _padded(x, axis, before, after, fill=0):
    """The axis grown at both ends, or cropped where negative."""
    size = x.shape[axis]
    first, stop = max(0, -before), min(size, size + after)
    if first >= stop:
        return x.new_full((*x.shape[:axis], max(0, before + size + after), *x.shape[axis + 1 :]), fill)
    x = x if stop - first == size else x.narrow(axis, first, stop - first)
    if before > 0 or after > 0:
        ends = [max(0, before), max(0, after)]
        x = torch.nn.functional.pad(x, [0, 0] * (x.ndim - 1 - axis) + ends, value=fill)
    return x


def _nonempty(x, axes):
    """x, with one point of zeros on axes that have none: what a guard leaves out may be read there."""
    if all(x.shape[k] for k in axes):
        return x
    return x.new_zeros([max(n, int(k in axes)) for k, n in enumerate(x.shape)])


def _rows(index, size):
    """An index that is data, in a form that torch judges: −1 is not the last row, but out of range."""
    return torch.where(index < 0, size, index)


def _window(x, axis, start, counts, steps, fill=0):
    """One axis made several: position start + Σ step·i; outside the array it reads ``fill``."""
    shape = x.shape[:axis] + tuple(counts) + x.shape[axis + 1 :]
    if min(counts) <= 0:
        return x.new_empty([max(n, 0) for n in shape])
    for k, (count, step) in enumerate(zip(counts, steps)):
        if step < 0:
            flipped = [-s if n == k else s for n, s in enumerate(steps)]
            return _window(x, axis, start + (count - 1) * step, counts, flipped, fill).flip(axis + k)
    reach = sum((n - 1) * step for n, step in zip(counts, steps)) + 1
    x = _padded(x, axis, -start, start + reach - x.shape[axis], fill)
    for k, (count, step) in enumerate(zip(counts[:-1], steps[:-1])):
        reach -= (count - 1) * step
        x = x.unfold(axis + k, reach, max(step, 1)).movedim(-1, axis + k + 1)
        x = x if step else x.narrow(axis + k, 0, 1).expand(*x.shape[: axis + k], count, *x.shape[axis + k + 1 :])
    last = (slice(None),) * (axis + len(counts) - 1)
    x = x[(*last, slice(None, None, steps[-1]))] if steps[-1] > 1 else x
    return x if steps[-1] else x.expand(*shape)


def _fold(values, axis, start, size, steps):
    """The adjoint of ``_window``: several axes summed into one of ``size`` points; those outside are dropped."""
    counts, rest = values.shape[axis : axis + len(steps)], values.shape[axis + len(steps) :]
    out = values.new_zeros((*values.shape[:axis], size, *rest))
    lead = (slice(None),) * axis
    for taps in itertools.product(*map(range, counts[1:])):
        offset = sum(i * step for i, step in zip(taps, steps[1:]))
        ours, theirs = _seen((size,), counts[:1], (start,), steps[:1], (offset,))
        if ours:
            out[(*lead, *ours)] += values[(*lead, *theirs, *taps)]
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


def _correlate(x, w, starts, counts, strides, dilations):
    """y[b, g, f, p…] = Σ c, i… w[g, f, c, i…] · x[b, g, c, start + p·stride + i·dilation…]."""
    rank, taps, sizes = len(starts), w.shape[3:], x.shape[3:]
    shape = (x.shape[0], w.shape[0], w.shape[1], *counts)
    if not 0 < rank <= 3 or math.prod(shape) * w.numel() * x.numel() == 0 or min(strides) <= 0 or 0 in dilations:
        return _matmul_windows(x, w, starts, counts, strides, dilations)
    starts, dilations = list(starts), list(dilations)
    for k, d in enumerate(dilations):
        if d < 0:
            w, starts[k], dilations[k] = w.flip(3 + k), starts[k] + (taps[k] - 1) * d, -d
    x = x.reshape(x.shape[0], x.shape[1] * x.shape[2], *sizes)
    reach = [(p - 1) * s + (i - 1) * d + 1 for p, s, i, d in zip(counts, strides, taps, dilations)]
    padding = [-start for start in starts]
    fits = [
        b >= 0 and n + 2 * b >= r and (n + 2 * b - (i - 1) * d - 1) // s + 1 == p
        for b, n, r, i, d, s, p in zip(padding, sizes, reach, taps, dilations, strides, counts)
    ]
    for k in range(rank):
        if not fits[k]:
            x, padding[k] = _padded(x, 2 + k, -starts[k], starts[k] + reach[k] - sizes[k]), 0
    convolve = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[rank - 1]
    kernel = w.reshape(w.shape[0] * w.shape[1], *w.shape[2:])
    y = convolve(x, kernel, None, tuple(strides), tuple(padding), tuple(dilations), w.shape[0])
    return y.reshape(shape)


def _matmul_windows(x, w, starts, counts, strides, dilations):
    """``correlate`` as windows and a matrix product."""
    rank, taps = len(starts), w.shape[3:]
    for k in range(rank):
        x = _window(x, 3 + 2 * k, starts[k], (counts[k], taps[k]), (strides[k], dilations[k]))
    x = x.permute(0, 1, 2, *range(4, 4 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2))
    inner = math.prod(w.shape[2:])
    columns = x.reshape(*x.shape[:2], inner, math.prod(counts))
    y = w.reshape(*w.shape[:2], inner) @ columns
    return y.reshape(*y.shape[:3], *counts)


def _spread(y, w, starts, sizes, strides, dilations):
    """The adjoint of ``correlate``: x[b, g, c, start + p·stride + i·dilation…] += w[g, f, c, i…] · y[b, g, f, p…].

    Points a stride apart see the same taps: each residue class of the strides is a correlation of stride 1.
    """
    classes = [_residues(*axis) for axis in zip(starts, sizes, strides, dilations, w.shape[3:])]
    w, ones, out = w.transpose(1, 2), (1,) * len(starts), None
    for axes in itertools.product(*classes):
        places, taps, firsts, counts, steps = zip(*axes)
        part = w[(..., *taps)].flip(tuple(range(3, w.ndim)))
        part = _correlate(y, part, firsts, counts, ones, steps)
        if part.shape[3:] == tuple(sizes):
            return part
        out = part.new_zeros((*part.shape[:3], *sizes)) if out is None else out
        out[(..., *places)] = part
    return y.new_zeros((*y.shape[:2], w.shape[1], *sizes)) if out is None else out


def _residues(start, size, stride, dilation, taps):
    """For each residue of one axis: (its points, its taps, first position read, how many points, step between taps)."""
    shared = math.gcd(stride, dilation)
    found = []
    for first_tap in range(min(stride // shared, taps)):
        chosen = slice(first_tap, None, stride // shared)
        residue, turns = first_tap * dilation % stride, first_tap * dilation // stride
        lowest = -((start + residue) // stride)
        count = (size - 1 - start - residue) // stride - lowest + 1
        begin = start + residue + lowest * stride
        if count > 0:
            step, extra = dilation // shared, len(range(taps)[chosen]) - 1
            found.append((slice(begin, None, stride), chosen, lowest - turns - extra * step, count, step))
    return found


def _slide(x, op, axis, start, count, stride, taps, dilation):
    """Reduces windows of one axis, one pass a tap: y[p] = op i of x[start + p·stride + i·dilation]."""
    if taps <= 0 or count <= 0:
        fill = {"sum": 0, "max": -math.inf, "min": math.inf}[op]
        return x.new_full((*x.shape[:axis], max(count, 0), *x.shape[axis + 1 :]), fill)
    fill, combine = {"sum": (0, torch.add), "max": (-math.inf, torch.maximum), "min": (math.inf, torch.minimum)}[op]
    last = start + (count - 1) * stride + (taps - 1) * dilation
    x = _padded(x, axis, -start, last + 1 - x.shape[axis], fill)
    lead = (slice(None),) * axis
    y = x[(*lead, slice(0, (count - 1) * stride + 1, stride))]
    for i in range(1, taps):
        y = combine(y, x[(*lead, slice(i * dilation, i * dilation + (count - 1) * stride + 1, stride))])
    return y if taps > 1 else y.clone()


def _slide_place(x, op, starts, counts, strides, taps, dilations):
    """The first winner of each window over the last axes: row-major position of its tap, −1 without any."""
    lead = x.ndim - len(starts)
    inside = torch.ones([1] * lead + list(x.shape[lead:]), dtype=torch.bool, device=x.device)
    for k in range(len(starts)):
        after = starts[k] + (counts[k] - 1) * strides[k] + (taps[k] - 1) * dilations[k] + 1 - x.shape[lead + k]
        x, inside = (_padded(a, lead + k, -starts[k], after) for a in (x, inside))
    best = found = None
    for position, tap in enumerate(itertools.product(*map(range, taps))):
        here = [slice(i * d, i * d + (p - 1) * s + 1, s) for i, d, p, s in zip(tap, dilations, counts, strides)]
        seen, counted = x[(..., *here)], inside[(..., *here)]
        if best is None:
            best, found = seen, torch.where(counted, 0, -1).expand(seen.shape)
            continue
        won = counted & ((seen > best if op == "argmax" else seen < best) | (found < 0))
        best, found = torch.where(won, seen, best), torch.where(won, position, found)
    if found is None:
        found = torch.full(x.shape[:lead] + tuple(counts), -1, device=x.device)
    return found


def _fold_matching(values, keys, starts, sizes, strides, taps, dilations, coefficients):
    """Adds each value at the tap its key names: x[start + p·stride + i·dilation] += value[p] where key[p] = Σ c·i."""
    lead = values.ndim - len(starts)
    out = values.new_zeros(values.shape[:lead] + tuple(sizes))
    for tap in itertools.product(*map(range, taps)):
        ours, theirs = _seen(sizes, values.shape[lead:], starts, strides, [i * d for i, d in zip(tap, dilations)])
        if ours:
            chosen = keys[(..., *theirs)] == sum(c * i for c, i in zip(coefficients, tap))
            out[(..., *ours)] += torch.where(chosen, values[(..., *theirs)], 0)
    return out


def _stacked(steps, axis, shape, dtype, device):
    """The steps as one array; those never taken are 0."""
    rest = [n for k, n in enumerate(shape) if k != axis]
    if not steps:
        return torch.zeros(shape, dtype=dtype, device=device)
    zero = torch.zeros(rest, dtype=dtype, device=device)
    return torch.stack([zero if s is None else s.expand(rest) for s in steps], axis)


def _largest(x):
    """The largest entry as a Python int, 0 without entries."""
    return int(x.max()) if x.numel() else 0


def _largest_along(x, dims):
    """The largest value along the dims, −inf without points."""
    if all(x.shape[d] for d in dims):
        return x.amax(dim=dims)
    return x.new_full([n for d, n in enumerate(x.shape) if d not in dims], -math.inf)


def _smallest_along(x, dims):
    """The smallest value along the dims, inf without points."""
    return -_largest_along(-x, dims)


def _place(rows, largest, allowed=None):
    """The position of the first winner along the last axis; −1 where nothing is allowed."""
    if not rows.shape[-1]:
        return rows.new_full(rows.shape[:-1], -1, dtype=torch.int64)
    if allowed is None:
        return rows.argmax(dim=-1) if largest else rows.argmin(dim=-1)
    allowed = allowed.expand(rows.shape)
    best = rows.amax(dim=-1, keepdim=True) if largest else rows.amin(dim=-1, keepdim=True)
    found = (allowed & (rows == best)).to(torch.uint8).argmax(dim=-1)
    return torch.where(allowed.any(dim=-1), found, -1)


def _scatter_add(shape, indices, values):
    """Zeros of ``shape``, with values added at index arrays for the first axes; places outside are left out."""
    rows, rest = math.prod(shape[: len(indices)]), shape[len(indices) :]
    if len(indices) == 1:
        flat = indices[0].clamp(-1, rows) % (rows + 1)
    else:
        flat, inside = 0, True
        for index, size in zip(indices, shape):
            flat, inside = flat * size + index, (index >= 0) & (index < size) & inside
        flat = torch.where(inside, flat, rows)
    like = values.new_zeros(()) + flat.new_zeros(())  # of a batch where either is
    out = like.new_zeros((rows + 1, *rest))
    out.index_add_(0, flat.reshape(-1), values.reshape(flat.numel(), *rest))
    return out[:-1].reshape(shape)
