"""What a wrong gradient suggests: rules over the whole of it, the first that fits speaks.

Each rule looks at all entries, claimed and true, so that one entry's chance ratio is never taken for a cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, permutations

import numpy as np

from derive.verify import footprint, localise
from derive.verify.probes import Claim

_CLOSE = 1e-6
_RATIO = 1e-5


@dataclass(frozen=True)
class Picture:
    """One gradient as claimed and as it should be; ``sizes``: lengths that may have slipped in as a factor."""

    name: str
    analytic: np.ndarray
    numeric: np.ndarray
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        finite = np.abs(self.numeric[np.isfinite(self.numeric)])
        return float(finite.max()) if finite.size else 0.0

    def same(self, other: np.ndarray) -> bool:
        """Whether the claimed gradient is this one."""
        return self.equal(self.analytic, other)

    def equal(self, a: np.ndarray, b: np.ndarray) -> bool:
        return a.shape == b.shape and bool(np.all(np.abs(a - b) <= _CLOSE * self.largest))

    @property
    def zero(self) -> np.ndarray:
        """Where the claimed gradient is 0, as a mask."""
        return np.abs(self.analytic) <= _CLOSE * self.largest

    @property
    def none(self) -> np.ndarray:
        """Where the true gradient is 0, as a mask."""
        return np.abs(self.numeric) <= _CLOSE * self.largest

    @property
    def agrees(self) -> np.ndarray:
        """Where both agree, as a mask."""
        return np.abs(self.analytic - self.numeric) <= _CLOSE * self.largest


# ------------------------------------------------------------------------------ the rules


def not_a_number(p: Picture) -> str:
    bad = ~np.isfinite(p.analytic)
    return f"not a finite number at {_of(bad)}: 0·inf, or a division by zero" if bad.any() else ""


def nothing_arrives(p: Picture) -> str:
    return f"a path is dropped: no gradient arrives at {p.name} at all" if p.zero.all() and not p.none.all() else ""


def one_ratio(p: Picture) -> str:
    """analytic = r · numeric everywhere: −1, 2, ½, N, 1/N, or some constant."""
    seen = ~p.none
    if not seen.any() or not p.zero[p.none].all():
        return ""
    ratios = p.analytic[seen] / p.numeric[seen]
    ratio = float(np.median(ratios))
    if ratio == 0 or not p.same(ratio * p.numeric) or abs(ratio - 1) < _RATIO:
        return ""
    return next(_known(ratio, p.sizes), f"everything is {ratio:.7g} times what it should be: a constant factor")


def _known(ratio: float, sizes: Mapping[str, int]) -> Iterator[str]:
    for size, n in sizes.items():
        if n > 2 or (n == 2 and len(sizes) == 1):
            if abs(ratio - n) < _RATIO * n:
                yield f"{n} times too large: a sum over {size} where a mean is meant"
            if abs(ratio * n - 1) < _RATIO:
                yield f"an extra 1/{n}: a mean over {size} where a sum is meant"
    for value, words in ((-1.0, "the sign"), (2.0, "counted twice"), (0.5, "half is missing")):
        if abs(ratio - value) < _RATIO:
            yield words
    for size, n in sizes.items():
        some = round(ratio * n)
        if 1 < some < n <= 64 and abs(ratio * n - some) < _RATIO:
            yield f"{some}/{n} of what it should be: divided by {n}, {size}, where {some} count"


def transposed(p: Picture) -> str:
    if p.numeric.ndim > 4:
        return ""
    for order in permutations(range(p.numeric.ndim)):
        moved = p.numeric.transpose(order)
        if moved.size == p.analytic.size and p.same(moved.reshape(p.analytic.shape)):
            return f"transposed: axes in the order {_listed(order)}"
    return ""


def flipped(p: Picture) -> str:
    axes = [a for a, n in enumerate(p.numeric.shape) if n > 1]
    for count in range(1, len(axes) + 1):
        for chosen in combinations(axes, count):
            if p.same(np.flip(p.numeric, chosen)):
                return f"flipped along {_axes(chosen)}: a kernel read backwards"
    return ""


def shifted(p: Picture) -> str:
    """Moved by one or two places along an axis, what falls off the end lost or come round."""
    for axis, n in enumerate(p.numeric.shape):
        for by in (1, -1, 2, -2):
            if n <= abs(by) + 1:
                continue
            kept = _cut(p.numeric, axis, max(0, -by), n - max(0, by))
            landed = _cut(p.analytic, axis, max(0, by), n - max(0, -by))
            if p.equal(landed, kept) and not p.equal(kept, np.zeros_like(kept)) and not p.agrees.all():
                return (
                    f"shifted by {by:+d} along {_axes((axis,))}: an index, or the padding, is off by {_number(abs(by))}"
                )
    return ""


def all_in_one_row(p: Picture) -> str:
    for axis, n in enumerate(p.numeric.shape):
        total = p.numeric.sum(axis)
        for k in (0, n - 1) if n > 1 else ():
            only = np.zeros_like(p.numeric)
            only[(slice(None),) * axis + (k,)] = total
            if p.same(only):
                return f"every row's gradient lands in row {k} of {_axes((axis,))}"
    return ""


def mask_inverted(p: Picture) -> str:
    both = p.zero != p.none
    if p.none.any() and not p.none.all() and both.all():
        return "a mask is inverted: gradient exactly where there should be none"
    return ""


def mask_missing(p: Picture) -> str:
    extra = p.none & ~p.zero
    if extra.any() and p.agrees[~p.none].all():
        return f"gradient where there should be none, at {_of(extra)}: a mask is missing in the backward"
    return ""


def part_lost(p: Picture) -> str:
    """0 in places, right everywhere else: the last one, the first one, or those listed."""
    lost = p.zero & ~p.none
    if not lost.any() or not p.agrees[~lost].all():
        return ""
    for axis, n in enumerate(p.numeric.shape):
        for k, word in ((n - 1, "last"), (0, "first")):
            slab = np.zeros(p.numeric.shape, bool)
            slab[(slice(None),) * axis + (k,)] = True
            if n > 1 and (lost == (slab & ~p.none)).all():
                return f"the {word} one along {_axes((axis,))} gets no gradient: a loop is one short"
    return f"a path is dropped: no gradient at {_of(lost)}"


def overwritten(p: Picture) -> str:
    return _whole_ratios(p, p.numeric, p.analytic, "overwritten where contributions should add")


def counted_often(p: Picture) -> str:
    return _whole_ratios(p, p.analytic, p.numeric, "counted more than once")


def _whole_ratios(p: Picture, more: np.ndarray, less: np.ndarray, words: str) -> str:
    """``more`` is a whole number of times ``less`` in every entry, not always the same."""
    seen = ~p.none
    if seen.sum() < 2 or p.zero[seen].any() or not p.zero[p.none].all():
        return ""
    ratios = more[seen] / less[seen]
    counts = np.round(ratios)
    varied = (counts >= 1).all() and counts.max() > 1 and counts.min() < counts.max()
    whole = bool(np.all(np.abs(ratios - counts) < _RATIO * counts))
    return f"{words}: off by whole factors from 1 to {int(counts.max())}" if varied and whole else ""


def common_term(p: Picture) -> str:
    """The difference is one number along an axis: a reduction's share is missing."""
    wrong = p.numeric - p.analytic
    for axis, n in enumerate(p.numeric.shape):
        level = np.broadcast_to(wrong.mean(axis, keepdims=True), wrong.shape)
        if n > 2 and p.equal(wrong, level) and not p.agrees.all():
            return (
                f"off by the same amount all along {_axes((axis,))}: the path through a sum or mean over it is dropped"
            )
    return ""


def rearranged(p: Picture) -> str:
    a, b = np.sort(p.analytic, axis=None), np.sort(p.numeric, axis=None)
    if p.equal(a, b) and not p.agrees.all() and p.numeric.size > 2:
        return "the right values in the wrong places: an index, a stride or a layout"
    return ""


def few_wrong(p: Picture) -> str:
    wrong = ~p.agrees
    if 0 < wrong.sum() <= max(1, wrong.size // 4) and wrong.size > 4:
        return f"only {_of(wrong)} {'is' if wrong.sum() == 1 else 'are'} wrong"
    return ""


#: The rules, from the most particular to the least.
RULES: tuple[Callable[[Picture], str], ...] = (
    not_a_number, nothing_arrives, one_ratio, transposed, flipped, shifted, all_in_one_row, mask_inverted,
    mask_missing, part_lost, overwritten, counted_often, common_term, rearranged, few_wrong,
)  # fmt: skip


def of_picture(p: Picture) -> str:
    """What the whole gradient suggests; "" if it is right or nothing fits."""
    if p.analytic.shape != p.numeric.shape or not p.analytic.size or (np.isfinite(p.analytic).all() and p.agrees.all()):
        return ""
    if not np.isfinite(p.analytic).all():
        return not_a_number(p)
    return next((words for words in (rule(p) for rule in RULES) if words), "")


def of_arrays(name: str, found: np.ndarray, expected: np.ndarray, sizes: Mapping[str, int]) -> str:
    """What two arrays that should be equal suggest."""
    if not np.isfinite(expected).all():
        return ""
    return of_picture(Picture(name, np.asarray(found, dtype=float), np.asarray(expected, dtype=float), sizes))


# ------------------------------------------------------------------------------ of a claim


def of_gradients(claim: Claim, name: str) -> str:
    """What the gradient by one input suggests: what it does with cotangents, its entries, where they come from."""
    for rule in (cotangent_ignored, output_ignored, _of_entries, footprint.words):
        words = rule(claim, name)
        if words:
            return words
    return ""


def cotangent_ignored(claim: Claim, name: str) -> str:
    """Jᵀ(3 dy) = Jᵀ dy ≠ 0."""
    if claim.pullback is None:
        return ""
    before = np.asarray(claim.gradient[name])
    after = np.asarray(claim.pullback({n: 3 * dy for n, dy in claim.cotangents.items()})[name])
    return "the cotangent is ignored" if before.any() and np.allclose(before, after, rtol=1e-9) else ""


def output_ignored(claim: Claim, name: str) -> str:
    """Under the cotangent of one output alone nothing arrives, though it should; under the others what should does."""
    if claim.pullback is None or len(claim.cotangents) < 2:
        return ""
    silent = []
    for output in claim.cotangents:
        alone = {n: dy if n == output else np.zeros_like(dy) for n, dy in claim.cotangents.items()}
        p = Picture(name, *localise.whole(claim.under(alone), name))
        if p.zero.all() and not p.none.all():
            silent.append(output)
        elif not p.agrees.all():
            return ""
    return f"the cotangent of {', '.join(silent)} is ignored" if silent else ""


def _of_entries(claim: Claim, name: str) -> str:
    analytic, numeric = localise.whole(claim, name)
    lengths = {f"an axis of {n}": n for x in claim.inputs.values() for n in np.shape(x)}
    lengths |= {f"the axis of {n} of the output": n for y in claim.cotangents.values() for n in np.shape(y)}
    lengths |= {f"all {np.size(y)} outputs": int(np.size(y)) for y in claim.cotangents.values()}
    lengths |= {f"all {np.size(x)} entries": int(np.size(x)) for x in claim.inputs.values()}
    named = {n: s for s, n in claim.sizes.items()}
    sizes = dict(claim.sizes) | {words: n for words, n in lengths.items() if n not in named}
    return of_picture(Picture(name, analytic, numeric, sizes))


#: What the breach of a promise means.
BREACHES: dict[str, str] = {
    "second call": "something is kept between calls",
    "calls between each other": "what a later call saved is used: keep it in ctx, not in the class or the module",
    "nothing given is changed": "it writes into what it was given: copy before writing",
    "strided cotangent": "the cotangent is taken to be contiguous: read it by its strides, or dy.contiguous() first",
    "sliced cotangent": "the cotangent is taken to be contiguous: read it by its strides, or dy.contiguous() first",
    "expanded cotangent": "the cotangent is taken to be contiguous: one of stride 0, as sum() sends it, is misread",
    "strided inputs": "an input is taken to be contiguous: read it by its strides, or x.contiguous() first",
    "linear in the cotangent": "the gradient is not linear in the cotangent",
    "zero cotangent": "a gradient without a cotangent: the cotangent is ignored",
    "cotangent of some outputs alone": "an output whose cotangent is None still contributes, or takes others with it",
    "alone": "the gradient depends on which others are asked for: needs_input_grad is consulted for the wrong input",
    "vmap": "the rule for vmap is not the function's own",
    "torch.func": "under torch.func another gradient is found",
    "outputs are not inputs": "an output shares memory with an input: whoever changes one changes the other",
    "forward mode": "the tangent is not the derivative of this forward, or belongs to another one",
}


def together(forward_failed: bool, gradient_passed: bool) -> str:
    """Said of a wrong forward whose gradient is its own."""
    if forward_failed and gradient_passed:
        return "the gradient is the derivative of this wrong forward: both are wrong together"
    return ""


# ------------------------------------------------------------------------------ words


def _of(mask: np.ndarray) -> str:
    """``3 of 12 entries`` and where the first is."""
    first = ", ".join(str(int(i)) for i in np.argwhere(mask)[0])
    return f"{int(mask.sum())} of {mask.size} entries (first [{first}])"


def _axes(axes: tuple[int, ...]) -> str:
    return f"{'axis' if len(axes) == 1 else 'axes'} {_listed(axes)}"


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def _number(n: int) -> str:
    return {1: "one", 2: "two"}.get(n, str(n))


def _cut(x: np.ndarray, axis: int, lo: int, hi: int) -> np.ndarray:
    return x[(slice(None),) * axis + (slice(lo, hi),)]
