"""torch's own operation: recurrent networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor as Array
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from derive.verify.references.form import Hypers, Inputs, Reference

_STATES = {"rnn": ("h0",), "gru": ("h0",), "lstm": ("h0", "c0")}


def _operation(kind: str, hypers: Hypers) -> Callable:
    return getattr(torch, f"rnn_{hypers['nonlinearity']}" if kind == "rnn" else kind)


def _run(
    operation: Callable, x: Array, states: list[Array], weights: list[Array], lengths: Array | None, both: bool
) -> tuple[Array, ...]:
    """One layer, in one direction or both, over a padded batch or a packed one."""
    first: Any = states if len(states) > 1 else states[0]
    if lengths is None:
        return operation(x, first, weights, True, 1, 0.0, False, both, False)
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    place, back = packed.sorted_indices, packed.unsorted_indices
    ordered = [s[:, place] for s in states]
    first = ordered if len(ordered) > 1 else ordered[0]
    y, *last = operation(packed.data, packed.batch_sizes, first, weights, True, 1, 0.0, False, both)
    whole = PackedSequence(y, packed.batch_sizes, place, back)
    padded, _ = pad_packed_sequence(whole, total_length=len(x))
    return (padded, *(s[:, back] for s in last))


def _weights(inputs: Inputs, end: str) -> list[Array]:
    """Weights, biases (zeros where absent) and the projection, in torch's order."""
    w = inputs["weight_ih" + end]
    zero = torch.zeros(len(w), dtype=w.dtype)
    biases = [inputs.get(f"bias_{part}{end}", zero) for part in ("ih", "hh")]
    more = [inputs["weight_hr" + end]] if "weight_hr" + end in inputs else []
    return [w, inputs["weight_hh" + end], *biases, *more]


def _one(kind: str) -> Reference:
    """One layer of torch's operation; the reversed direction is torch's second of two."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        weights = _weights(inputs, "")
        if kind == "lstm" and "weight_hr" in inputs and not hypers["proj_size"]:
            weights = weights[:-1]
        states = [inputs[name][None] for name in _STATES[kind]]
        reverse = hypers.get("reverse", False)
        if reverse:
            weights, states = weights * 2, [torch.cat([s, s]) for s in states]
        y, *last = _run(_operation(kind, hypers), inputs["x"], states, weights, inputs.get("lengths"), reverse)
        return (y.chunk(2, -1)[1] if reverse else y, *(s[-1] for s in last))

    return call


def _layers(kind: str) -> Reference:
    """torch's operation layer by layer, what is kept between them as given."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        z = inputs["x"].transpose(0, 1) if hypers["batch_first"] else inputs["x"]
        both, p = hypers["bidirectional"], hypers["dropout"]
        ways, ends = 1 + both, []
        for i in range(hypers["num_layers"]):
            weights = _weights(inputs, f"_{i}") + (_weights(inputs, f"_reverse_{i}") if both else [])
            states = []
            for name, wide in zip(_STATES[kind], (weights[1].shape[1], len(weights[0]) // 4), strict=False):
                zero = torch.zeros(ways * hypers["num_layers"], z.shape[1], wide, dtype=z.dtype)
                states.append(inputs.get(name, zero)[ways * i : ways * (i + 1)])
            z, *last = _run(_operation(kind, hypers), z, states, weights, inputs.get("lengths"), both)
            ends.append(last)
            if f"keep_{i}" in inputs:
                z = z * inputs[f"keep_{i}"] / (1 - p)
        y = z.transpose(0, 1) if hypers["batch_first"] else z
        return (y, *(torch.cat(s) for s in zip(*ends, strict=True)))

    return call


REFERENCES: dict[str, Reference] = {
    **{kind: _one(kind) for kind in _STATES},
    **{f"{kind}_direction": _one(kind) for kind in _STATES},
    **{f"{kind}_layers": _layers(kind) for kind in _STATES},
}
