"""Windows in Torch: convolutions as matrix products or Torch's own forward ones, sliding reductions, folds."""
# ruff: noqa: B905
# mypy: ignore-errors

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # generated files import torch; derive itself never does to print them
    import torch


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


def _ends(x, first, ends):
    """The axes from the first on, each grown or cropped at both ends, at once."""
    sizes = x.shape[first:]
    inside = [(max(0, -before), min(n, n + after)) for n, (before, after) in zip(sizes, ends)]
    if any(lo >= hi for lo, hi in inside):
        for k, (before, after) in enumerate(ends):
            x = _padded(x, first + k, before, after)
        return x
    for k, (n, (lo, hi)) in enumerate(zip(sizes, inside)):
        x = x if hi - lo == n else x.narrow(first + k, lo, hi - lo)
    grown = [max(0, end) for pair in reversed(ends) for end in pair]
    return torch.nn.functional.pad(x, grown) if any(grown) else x


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


def _fold(values, starts, sizes, strides, dilations):
    """Positions and taps, the last axes, added where they fall: x[start + p·stride + i·dilation…] += value[p…, i…].

    Those that fall outside are dropped.
    """
    rank, lead = len(starts), values.ndim - 2 * len(starts)
    counts, taps = values.shape[lead : lead + rank], values.shape[lead + rank :]
    if math.prod(counts) < math.prod(taps) and min(dilations) > 0:  # the fewer run in Python
        values = values.permute(*range(lead), *range(lead + rank, values.ndim), *range(lead, lead + rank))
        return _fold(values, starts, sizes, dilations, strides)
    if rank > 1 and math.prod(taps) > 64:  # one axis after the other
        values = values.movedim((lead, lead + rank), (-2, -1))
        values = _fold(values, starts[:1], sizes[:1], strides[:1], dilations[:1]).movedim(-1, lead)
        return _fold(values, starts[1:], sizes[1:], strides[1:], dilations[1:])
    out = values.new_zeros((*values.shape[:lead], *sizes))
    for tap in itertools.product(*map(range, taps)):
        ours, theirs = _seen(sizes, counts, starts, strides, [i * d for i, d in zip(tap, dilations)])
        if ours:
            out[(..., *ours)] += values[(..., *theirs, *tap)]
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


def _correlate(x, w, starts, counts, strides, dilations, bias=None):
    """y[b, g, f, p…] = Σ c, i… w[g, f, c, i…] · x[b, g, c, start + p·stride + i·dilation…] + bias[(g, f)]."""
    way = _way(x, w, counts, strides, dilations)
    if way is _convolved and (bias is None or bias.dtype == x.dtype):
        return _convolved(x, w, starts, counts, strides, dilations, bias)
    y = way(x, w, starts, counts, strides, dilations)
    return y if bias is None else y + bias.reshape(*y.shape[1:3], *[1] * len(starts))


def _way(x, w, counts, strides, dilations):
    """How windows of these sizes are best correlated; a gradient's are few, and the kernel long."""
    rank, windows, points = len(counts), math.prod(counts), math.prod(w.shape[3:])
    (samples, groups, channels), filters = x.shape[:3], w.shape[1]
    if not 0 < rank <= 3 or windows * w.numel() * x.numel() == 0 or min(strides) <= 0 or 0 in dilations:
        return _matmul_windows
    double = x.dtype == torch.float64  # for which kernels, be they long or of one channel, are slow
    if samples == 1 < min(groups, channels) and not double:
        return _by_group
    few = windows <= (64 if double else 4) and samples * filters * windows <= (samples + filters) * points
    return _by_channel if few else _convolved


def _convolved(x, w, starts, counts, strides, dilations, bias=None):
    """``correlate`` as Torch's own forward convolution."""
    rank, taps, sizes, shape = len(starts), w.shape[3:], x.shape[3:], (x.shape[0], *w.shape[:2], *counts)
    starts, dilations = list(starts), list(dilations)
    for k, d in enumerate(dilations):
        if d < 0:
            w, starts[k], dilations[k] = w.flip(3 + k), starts[k] + (taps[k] - 1) * d, -d
    padding, ends = [0] * rank, [(0, 0)] * rank
    for k, (n, p, s, i, d) in enumerate(zip(sizes, counts, strides, taps, dilations)):
        last = starts[k] + (p - 1) * s + (i - 1) * d
        if starts[k] <= 0 and 0 <= n - 1 - starts[k] - last < s:  # as convolutions have it: both ends alike
            padding[k] = -starts[k]
        else:
            ends[k] = (-starts[k], last + 1 - n)
    x = _ends(x.reshape(x.shape[0], x.shape[1] * x.shape[2], *sizes), 2, ends)
    functional = torch.nn.functional
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
    kernel = w.reshape(w.shape[0] * w.shape[1], *w.shape[2:])
    y = convolve(x, kernel, bias, tuple(strides), tuple(padding), tuple(dilations), w.shape[0])
    return y.reshape(shape)


def _by_group(x, w, starts, counts, strides, dilations):
    """``correlate`` of one sample with a group for each channel, then their sums: a convolution channel by channel."""
    groups, filters, channels = w.shape[:3]
    x = x.reshape(1, groups * channels, 1, *x.shape[3:])
    w = w.transpose(1, 2).reshape(groups * channels, filters, 1, *w.shape[3:])
    y = _convolved(x, w, starts, counts, strides, dilations)
    return y.reshape(1, groups, channels, filters, *counts).sum(dim=2)


def _by_channel(x, w, starts, counts, strides, dilations):
    """``correlate`` as a matrix product for each channel, then their sum: for few windows of many taps."""
    rank, points = len(starts), math.prod(w.shape[3:])
    for k in range(rank):
        x = _window(x, 3 + 2 * k, starts[k], (counts[k], w.shape[3 + k]), (strides[k], dilations[k]))
    windows = x.permute(1, 2, 0, *range(3, 3 + 2 * rank, 2), *range(4, 4 + 2 * rank, 2))
    windows = windows.reshape(*windows.shape[:2], x.shape[0] * math.prod(counts), points)
    y = (w.reshape(*w.shape[:3], points).transpose(1, 2) @ windows.transpose(2, 3)).sum(dim=1)
    return y.reshape(*y.shape[:2], x.shape[0], *counts).permute(2, 0, 1, *range(3, 3 + rank))


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


def _spread(y, w, starts, sizes, strides, dilations, bias=None):
    """The adjoint of ``correlate``: x[b, g, c, start + p·stride + i·dilation…] += w[g, f, c, i…] · y[b, g, f, p…].

    Then ``bias[(g, c)]`` everywhere: Torch's own forward transposed convolution where it has those ends.
    """
    rank, groups, counts, taps = len(starts), w.shape[0], y.shape[3:], w.shape[3:]
    plain = 0 < rank <= 3 and math.prod(sizes) * y.numel() * w.numel() and min(*strides, *dilations) > 0
    plain = plain and max(taps) > 1
    ends = [_paddings(*axis) if plain else None for axis in zip(starts, sizes, strides, dilations, counts, taps)]
    if bias is not None and (None in ends or bias.dtype != y.dtype):
        return _spread(y, w, starts, sizes, strides, dilations) + bias.reshape(groups, w.shape[2], *[1] * rank)
    if not plain:
        return _spread_by_residue(y, w, starts, sizes, strides, dilations)
    if None in ends:  # all of it, then what is asked for
        whole = [(p - 1) * s + (i - 1) * d + 1 for p, s, i, d in zip(counts, strides, taps, dilations)]
        x = _spread(y, w, (0,) * rank, whole, strides, dilations)
        return _ends(x, 3, [(start, n - start - m) for start, n, m in zip(starts, sizes, whole)])
    padding, more = zip(*ends)
    functional = torch.nn.functional
    convolve = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[rank - 1]
    x, kernel = y.reshape(y.shape[0], groups * y.shape[2], *counts), w.reshape(groups * w.shape[1], *w.shape[2:])
    x = convolve(x, kernel, bias, tuple(strides), padding, more, groups, tuple(dilations))
    return x.reshape(y.shape[0], groups, w.shape[2], *sizes)


def _paddings(start, size, stride, dilation, count, taps):
    """Padding and output padding that give a transposed convolution's axis this start and size; None if none do."""
    more = size - (count - 1) * stride - (taps - 1) * dilation - 1 - 2 * start
    return (-start, more) if start <= 0 <= more < max(stride, dilation) else None


def _spread_by_residue(y, w, starts, sizes, strides, dilations):
    """``spread`` as correlations: points a stride apart see the same taps, at stride 1."""
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
