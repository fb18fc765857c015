"""The autograd wrapper of a generated Torch file, as a template: read as a tree, never imported.

A name in capitals stands for the file's own expression; starred, or as an argument of a function, for several.
"""

from __future__ import annotations

import torch


class CLASS(torch.autograd.Function):
    """TITLE for autograd and torch.func; a gradient of a gradient goes through the lines above."""

    generate_vmap_rule = True

    @staticmethod
    def forward(INPUTS, HYPERS):
        RESULT, saved = FORWARD
        (*SAVED,) = saved
        return (*RETURNED,)

    @staticmethod
    def setup_context(ctx, inputs, output):
        (*INPUTS, *HYPERS) = inputs
        (*RETURNED,) = output
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*FIXED)
        ctx.save_for_backward(*INPUTS, *RESIDUALS)
        ctx.save_for_forward(*INPUTS, *RESIDUALS)
        ctx.hypers = (*HYPERS,)
        ctx.like = (*LIKE,)

    @staticmethod
    def backward(ctx, COTANGENTS):
        (*INPUTS, *RESIDUALS) = ctx.saved_tensors
        (*HYPERS,) = ctx.hypers
        FILL_COTANGENTS
        if torch.is_grad_enabled():  # this gradient's own gradient is wanted: nothing saved may count as a constant
            _, saved = FORWARD
        else:
            saved = (*SAVED,)
        needs = (*NEEDS,)
        GRADIENTS = BACKWARD
        return (*EVERY_GRADIENT,)

    @staticmethod
    def jvp(ctx, TANGENTS):
        (*INPUTS, *RESIDUALS) = ctx.saved_tensors
        (*HYPERS,) = ctx.hypers
        FILL_TANGENTS
        PUSHED = TANGENT
        return (*EVERY_TANGENT,)


def NAME(ARGUMENTS):
    (*RETURNED,) = CLASS.apply(*INPUTS, *HYPERS)
    WRITE_BACK
    return RESULT
