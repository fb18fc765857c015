"""torch's own operation: recurrent."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference


def _recurrent(operation: Callable[[Hypers], Callable], *states: str) -> Reference:
    """One layer of torch's recurrent operation over these initial states."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        zero = torch.zeros(inputs["weight_ih"].shape[0], dtype=inputs["x"].dtype)
        weights = [inputs["weight_ih"], inputs["weight_hh"], inputs.get("bias_ih", zero), inputs.get("bias_hh", zero)]
        first = [inputs[name][None] for name in states]
        y, *last = operation(hypers)(
            inputs["x"], first if len(first) > 1 else first[0], weights, True, 1, 0.0, False, False, False
        )
        return (y, *(s[0] for s in last))

    return call


REFERENCES: dict[str, Reference] = {
    "rnn": _recurrent(lambda hypers: getattr(torch, "rnn_" + hypers["nonlinearity"]), "h0"),
    "lstm": _recurrent(lambda hypers: torch.lstm, "h0", "c0"),
    "gru": _recurrent(lambda hypers: torch.gru, "h0"),
}
