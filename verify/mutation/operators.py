"""The mutation operators, one row each: what it is called, and the rewrite, which is its function's docstring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sympy import Rational

from derive.program import Program
from derive.verify.mutation import breaches, indices, reductions, terms, updates
from derive.verify.mutation.places import Edit, Place, places

Operator = Callable[[Place], Iterator[Edit]]

#: Of any program: a gradient, or a forward whose gradient follows it.
ANYWHERE: dict[str, Operator] = {
    "sign flip": terms.sign_flip,
    "dropped term": terms.dropped_term,
    "dropped factor": terms.dropped_factor,
    "wrong reduction axis": indices.wrong_axis,
    "missing reduction": reductions.missing_reduction,
    "sum for mean or 1/N": terms.sum_for_mean,
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
    "eps inside or outside the root": updates.eps_moved,
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


#: Of update rules, beside those of any forward.
UPDATES: dict[str, Operator] = {
    "bias not corrected": updates.bias_uncorrected,
    "decay L2 or decoupled": updates.decay_decoupled,
    "decay order": updates.decay_order,
    "first step damped": updates.first_step,
    "state not stored": updates.state_not_stored,
    "running maximum": updates.running_maximum,
    "maximize": updates.maximized,
}

#: Of torch functions: what only code can do wrong.  None where there is no place for it.
BREACHES: dict[str, Callable[[breaches.Right], Callable[..., Any] | None]] = {
    "float32 inside": breaches.float32_inside,
    "bfloat16 inside": breaches.bfloat16_inside,
    "float32 forward": breaches.float32_forward,
    "float32 gradient": breaches.float32_gradient,
    "mutates an input": breaches.mutates_an_input,
    "forward mutates an input": breaches.forward_mutates_an_input,
    "mutates the cotangent": breaches.mutates_the_cotangent,
    "assumes contiguous cotangent": breaches.assumes_contiguous_cotangent,
    "assumes contiguous inputs": breaches.assumes_contiguous_inputs,
    "one output buffer": breaches.one_output_buffer,
    "one gradient buffer": breaches.one_gradient_buffer,
    "saved by the first call": breaches.stale_first,
    "saved by the latest call": breaches.stale_latest,
    "second call accumulates": breaches.gradient_accumulates,
    "wrong for a subset": breaches.subset_wrong,
    "input detached": breaches.detached_input,
    "cotangent clipped": breaches.clipped_cotangent,
    "cotangent ignored": breaches.cotangent_ignored,
}

#: Breaches of what was saved: without a place where the gradient reads nothing of the inputs.
OF_WHAT_WAS_SAVED = ("assumes contiguous inputs", "saved by the first call", "saved by the latest call")

#: A breach of how a cotangent lies in memory: without a place where it is a single number.
OF_THE_LAYOUT = "assumes contiguous cotangent"

#: A fault of the forward that its gradient follows: any of these in the definition itself.
TOGETHER = "forward and backward wrong together"

NAMES: tuple[str, ...] = (*BACKWARD, TOGETHER, *UPDATES, *BREACHES)


def edits(operator: Operator, program: Program, known: frozenset[str]) -> Iterator[Edit]:
    """Every mutant that an operator makes of a program."""
    for place in places(program, known):
        yield from operator(place)
