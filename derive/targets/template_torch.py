"""The autograd wrapper of a generated Torch file, as a template: read as a tree, never imported.

A name in capitals stands for the file's own expression; starred, or as an argument of a function, for several;
alone on a line, for statements.
"""

from __future__ import annotations

import torch


class CLASS(torch.autograd.Function):
    """NAME under autograd and torch.func; a gradient of its gradient goes through the lines above."""

    generate_vmap_rule = True

    @staticmethod
    def forward(INPUTS, HYPERS):
        RUN
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

    @staticmethod
    def backward(ctx, COTANGENTS):
        REFUSE
        (*INPUTS, *RESIDUALS) = ctx.saved_tensors
        (*HYPERS,) = ctx.hypers
        if torch.is_grad_enabled():
            _, saved = FORWARD
        else:
            saved = (*SAVED,)
        GRADIENTS = BACKWARD
        return (*EVERY_GRADIENT,)

    @staticmethod
    def jvp(ctx, TANGENTS):
        (*INPUTS, *RESIDUALS) = ctx.saved_tensors
        (*HYPERS,) = ctx.hypers
        PUSHED = TANGENT
        return (*EVERY_TANGENT,)


def NAME():
    (*RETURNED,) = CLASS.apply(*GIVEN, *HYPERS)
    WRITE_BACK
    return RESULT
