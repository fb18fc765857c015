"""torch's own operation: cells."""

from __future__ import annotations

import torch
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference

_WEIGHTS = ("w_ih", "w_hh", "b_ih", "b_hh")


def _cell(name: str, *states: str) -> Reference:
    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        state = tuple(inputs[s] for s in states)
        weights = [inputs.get(w) for w in _WEIGHTS]
        result = getattr(torch._VF, name)(inputs["x"], state if len(state) > 1 else state[0], *weights)
        return result if isinstance(result, tuple) else (result,)

    return call


REFERENCES: dict[str, Reference] = {
    "rnn_tanh_cell": _cell("rnn_tanh_cell", "hx"),
    "rnn_relu_cell": _cell("rnn_relu_cell", "hx"),
    "gru_cell": _cell("gru_cell", "hx"),
    "lstm_cell": _cell("lstm_cell", "hx", "cx"),
}
