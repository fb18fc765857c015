"""Array operations that Torch lacks.  Generated files carry the ones they use; nothing here is imported by them."""
# ruff: noqa: B905
# mypy: ignore-errors

from __future__ import annotations

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


def _put(base, axis, index, value):
    """base, with each value added at the place along one axis that its index names, −1 none."""
    if not base.shape[axis]:
        return base
    here = index >= 0
    more = torch.where(here, torch.as_tensor(value, dtype=base.dtype, device=base.device), 0)
    return base.scatter_add(axis, torch.where(here, index, 0).unsqueeze(axis), more.unsqueeze(axis))


def _cumulate(x, op, axis, after, among):
    """The sum or product of all entries before each one of an axis, or ``after``; it ``among`` them or not."""
    turned = x.flip(axis) if after else x
    y = turned.cumsum(axis) if op == "sum" else turned.cumprod(axis)
    y = y if among else y - turned
    return y.flip(axis) if after else y


def _chain(f, x, axis):
    """Σ k ≥ j  f[k] · Π i ≤ k, i ≠ j  x[i] for each j of an axis."""
    sums, before, total, product = [], [], None, None
    for f_j, x_j in zip(f.unbind(axis), x.unbind(axis)):
        before.append(torch.ones_like(f_j) if product is None else product)
        product = x_j if product is None else product * x_j
    for f_j, x_j in zip(reversed(f.unbind(axis)), reversed(x.unbind(axis))):
        sums.append(f_j if total is None else f_j + total)
        total = x_j * sums[-1]
    return torch.stack([s * b for s, b in zip(reversed(sums), before)], axis) if before else torch.zeros_like(f)


def _others(x, axis):
    """The product of all entries along one axis but each one itself."""
    ones = torch.ones_like(x.narrow(axis, 0, min(1, x.shape[axis])))
    before = torch.cat([ones, x.narrow(axis, 0, max(x.shape[axis] - 1, 0))], axis).cumprod(axis)
    turned = x.flip(axis)
    after = torch.cat([ones, turned.narrow(axis, 0, max(x.shape[axis] - 1, 0))], axis).cumprod(axis)
    return before * after.flip(axis)


def _nonempty(x, axes):
    """x, with one point of zeros on axes that have none: what a guard leaves out may be read there."""
    if all(x.shape[k] for k in axes):
        return x
    return x.new_zeros([max(n, int(k in axes)) for k, n in enumerate(x.shape)])


def _rows(index, size):
    """An index that is data, in a form that torch judges: −1 is not the last row, but out of range."""
    return torch.where(index < 0, size, index)


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
