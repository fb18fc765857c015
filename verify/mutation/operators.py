"""The mutation operators, one row each: what it is called, and the rewrite, which is its function's docstring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sympy import Rational

from derive.program import Program
from derive.verify.mutation import indices, reductions, terms
from derive.verify.mutation.places import Edit, Place, places

Operator = Callable[[Place], Iterator[Edit]]

#: Of any program: a gradient, or a forward whose gradient follows it.
ANYWHERE: dict[str, Operator] = {
    "sign flip": terms.sign_flip,
    "dropped term": terms.dropped_term,
    "dropped factor": terms.dropped_factor,
    "wrong reduction axis": indices.wrong_axis,
    "missing reduction": reductions.missing_reduction,
    "sum for mean, 1/N": terms.sum_for_mean,
    "wrong count": terms.wrong_count,
    "off-by-one index": indices.off_by_one,
    "stride for dilation": indices.stride_for_dilation,
    "height for width": indices.height_for_width,
    "padding crop": indices.padding_crop,
    "kernel flip": indices.kernel_flip,
    "transposed weight": indices.transposed,
    "loop bound": reductions.loop_bound,
    "mask missing": reductions.mask_missing,
    "mask inverted": reductions.mask_inverted,
    "wrong broadcast": indices.wrong_broadcast,
    "every row reads row 0": indices.row_zero,
    "overwrite for accumulate": reductions.overwrite,
    "double count": terms.double_count,
    "scale 1+1e-2": partial(terms.scaled, Rational(1, 100)),
    "scale 1+1e-3": partial(terms.scaled, Rational(1, 1000)),
    "scale 1+5e-4": partial(terms.scaled, Rational(1, 2000)),
    "scale 1+1e-4": partial(terms.scaled, Rational(1, 10000)),
}

#: Of gradients: they change what comes from behind, or what was saved on the way.
BACKWARD: dict[str, Operator] = {
    **ANYWHERE,
    "lost cotangent": terms.lost_cotangent,
    "detached path": terms.detached_path,
    "nonlinear in the cotangent": terms.nonlinear,
    "stale saved value": indices.stale_value,
    "wrong saved value": terms.wrong_saved,
}


def edits(operator: Operator, program: Program, known: frozenset[str]) -> Iterator[Edit]:
    """Every mutant that an operator makes of a program."""
    for place in places(program, known):
        yield from operator(place)
