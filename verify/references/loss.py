"""torch's own operation: losses."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def reduced(e: Array, reduction: str) -> Array:
    """The values, their sum or their mean."""
    return e if reduction == "none" else e.sum() if reduction == "sum" else e.mean()


def _reduced(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (reduced(inputs["x"], hypers["reduction"]),)


def _bce_with_logits(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    x, target, weight = inputs["x"], inputs["target"], inputs.get("weight")
    return (
        F.binary_cross_entropy_with_logits(x, target, weight, pos_weight=inputs.get("pos_weight"), **hypers),
    )  # fmt: skip


def _bce(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch's gradient at probabilities of exactly 0 or 1 is by decree, not a derivative: left out there."""
    x = inputs["x"]
    if bool(((x == 0) | (x == 1)).any()):
        raise ValueError("the gradient at probabilities of exactly 0 or 1 is by decree")
    return (F.binary_cross_entropy(x, inputs["target"], inputs.get("weight"), **hypers),)


def _labels(inputs: Inputs) -> Array:
    return inputs["target"].to(torch.float64)


def _hinge(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (F.hinge_embedding_loss(inputs["x"], _labels(inputs), **hypers),)


def _cosine(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch's 1e-12 under the root cannot be chosen; with another number there, the sentence of its documentation."""
    x1, x2, target = (inputs[n] for n in ("x1", "x2", "target"))
    n1, n2 = ((x**2).sum(-1) + hypers["eps"] for x in (x1, x2))
    cos = (x1 * x2).sum(-1) / torch.sqrt(n1 * n2)
    e = torch.where(target == 1, 1 - cos, torch.where(target == -1, (cos - hypers["margin"]).clamp_min(0), 0))
    if hypers["eps"] == 1e-12:
        flat = F.cosine_embedding_loss(
            x1.reshape(-1, x1.shape[-1]), x2.reshape(-1, x2.shape[-1]), target.reshape(-1),
            margin=hypers["margin"], reduction="none",
        )  # fmt: skip
        e = flat.reshape(target.shape)
    return (reduced(e, hypers["reduction"]),)


def _multilabel_soft(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """A weight of torch's holds for every class."""
    return (F.multilabel_soft_margin_loss(inputs["x"], inputs["target"], inputs.get("weight"), **hypers),)


def _multi_margin(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    return (F.multi_margin_loss(inputs["x"], inputs["target"], weight=inputs.get("weight"), **hypers),)


def _kl(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    if not hypers["log_target"] and bool((inputs["target"] == 0).any()):
        raise ValueError("its gradient by a target of exactly 0 is NaN")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # on what 'mean' may come to mean
        return (F.kl_div(inputs["x"], inputs["target"], **hypers),)


def _poisson(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """Of targets up to 1 torch takes no Stirling term, but its gradient by one that is not positive is NaN."""
    x, target = inputs["x"], inputs["target"]
    e = F.poisson_nll_loss(x, target, **{**hypers, "full": False, "reduction": "none"})
    if hypers["full"]:
        above = torch.where(target > 1, target, 2)
        stirling = F.poisson_nll_loss(x, above, **{**hypers, "reduction": "none"}) - F.poisson_nll_loss(
            x, above, **{**hypers, "full": False, "reduction": "none"}
        )
        e = e + torch.where(target > 1, stirling, 0)
    return (reduced(e, hypers["reduction"]),)


def _gaussian(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch lets the gradient through to a variance below eps, by decree; one clamped before has none."""
    var = torch.where(inputs["var"] < hypers["eps"], hypers["eps"], inputs["var"])
    return (F.gaussian_nll_loss(inputs["x"], inputs["target"], var, **hypers),)


def _ctc(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch's raw gradient adds exp(log_probs), which a log-softmax before it takes away again: taken away here."""
    x, lengths, count = inputs["log_probs"], inputs["input_lengths"], inputs["target_lengths"]
    used = torch.arange(inputs["targets"].shape[1]) < count[:, None]
    if bool((used & (inputs["targets"] == hypers["blank"])).any()):
        raise ValueError("a target is blank")
    e = F.ctc_loss(x, inputs["targets"], lengths, count, hypers["blank"], "none", hypers["zero_infinity"])
    if bool((e == torch.inf).any()):
        raise ValueError("its gradient of an infinite loss is NaN")
    inside = torch.arange(len(x))[:, None] < lengths
    extra = torch.where(inside, (x.exp() - x.exp().detach()).sum(-1), 0).sum(0)
    if hypers["zero_infinity"]:
        kept = F.ctc_loss(x, inputs["targets"], lengths, count, hypers["blank"], "none") < torch.inf
        extra = torch.where(kept, extra, 0)
    e = e - extra
    return ((e / count.clamp_min(1)).mean() if hypers["reduction"] == "mean" else reduced(e, hypers["reduction"]),)


REFERENCES: dict[str, Reference] = {
    **{
        name: of(getattr(F, name), "x", "target")
        for name in (
            "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss",
            "multilabel_margin_loss",
        )
    },
    "reduced": _reduced,
    "ctc_loss": _ctc,
    "kl_div": _kl,
    "cross_entropy": of(F.cross_entropy, "logits", "target", "weight"),
    "soft_cross_entropy": of(F.cross_entropy, "logits", "target", "weight"),
    "nll_loss": of(F.nll_loss, "x", "target", "weight"),
    "binary_cross_entropy": _bce,
    "binary_cross_entropy_with_logits": _bce_with_logits,
    "multilabel_soft_margin_loss": _multilabel_soft,
    "hinge_embedding_loss": _hinge,
    "cosine_embedding_loss": _cosine,
    "margin_ranking_loss": of(F.margin_ranking_loss, "x1", "x2", "target"),
    "multi_margin_loss": _multi_margin,
    "triplet_margin_loss": of(F.triplet_margin_loss, "anchor", "positive", "negative"),
    "poisson_nll_loss": _poisson,
    "gaussian_nll_loss": _gaussian,
}  # fmt: skip
