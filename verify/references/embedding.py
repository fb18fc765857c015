"""torch's own operation: embedding."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _embedding(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    options = {n: hypers[n] for n in ("padding_idx", "scale_grad_by_freq")}
    return (F.embedding(inputs["token"], inputs["weight"], **options),)


def _embedding_bag(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    weights = inputs.get("per_sample_weights") if hypers["mode"] == "sum" else None
    token, weight = inputs["token"], _by_frequency(inputs, hypers)
    return (F.embedding_bag(token, weight, mode=hypers["mode"], per_sample_weights=weights,
                            padding_idx=hypers["padding_idx"]),)  # fmt: skip


def _by_frequency(inputs: Inputs, hypers: Hypers) -> Array:
    """The table, its gradient divided as ``scale_grad_by_freq`` says; torch's bags divide by another row's count."""
    weight = inputs["weight"]
    if not hypers["scale_grad_by_freq"]:
        return weight
    times = inputs["token"].reshape(-1).bincount(minlength=len(weight)).clamp(min=1)[:, None]
    return weight.detach() + (weight - weight.detach()) / times


def _embedding_bag_offsets(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch's bags one by one, so that offsets need not rise; its own offsets where they do is the test's."""
    token, offsets = inputs["token"], inputs["offsets"].tolist()
    if not hypers["include_last_offset"]:
        offsets = [*offsets, len(token)]
    options = {"mode": hypers["mode"], "padding_idx": hypers["padding_idx"]}
    weight = _by_frequency(inputs, hypers)
    rows = [weight.new_zeros(0, weight.shape[1])]
    for start, end in itertools.pairwise(offsets):
        bag = slice(start, max(start, min(end, start + hypers["longest"])))
        weights = inputs.get("per_sample_weights") if hypers["mode"] == "sum" else None
        row = F.embedding_bag(
            token[bag][None], weight, per_sample_weights=None if weights is None else weights[bag][None],
            **options,
        )  # fmt: skip
        rows.append(row)
    return (torch.cat(rows),)


REFERENCES: dict[str, Reference] = {
    "embedding": _embedding,
    "embedding_bag": _embedding_bag,
    "embedding_bag_offsets": _embedding_bag_offsets,
}
