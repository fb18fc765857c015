"""What arguments torch's functions take: Python tells, or else the first line of their documentation."""

from __future__ import annotations

import ast
import functools
import inspect
from typing import Any

#: Functions that document nothing.
TOLD = {
    "add": "(input, other)",
    "minimum": "(input, other)",
    "conv_tbc": "(input, weight, bias, pad=0)",
    "nn.functional.conv_tbc": "(input, weight, bias, pad=0)",
    "_cross_map_lrn2d.apply": "(input, size, alpha=0.0001, beta=0.75, k=1)",
    "_VF.lstm": "(*args)",
    "_VF.gru": "(*args)",
    "_VF.rnn_tanh": "(*args)",
    "_VF.rnn_relu": "(*args)",
    "_VF.rnn_tanh_cell": "(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)",
    "_VF.rnn_relu_cell": "(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)",
    "_VF.gru_cell": "(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)",
    "_VF.lstm_cell": "(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)",
}


TOLD |= {
    f"_C._nn.{name}": "(input, output_size, scale_factors)"
    for n in (1, 2, 3)
    for name in (f"upsample_nearest{n}d", f"_upsample_nearest_exact{n}d")
}
TOLD |= {
    f"_C._nn.upsample_{name}": "(input, output_size, align_corners, scale_factors)"
    for name in ("linear1d", "bilinear2d", "trilinear3d", "bicubic2d")
}
TOLD |= {
    f"_C._nn._upsample_{name}2d_aa": "(input, output_size, align_corners, scale_factors)"
    for name in ("bilinear", "bicubic", "lanczos")
}


@functools.cache
def signature(name: str) -> inspect.Signature:
    """The signature of a function named under ``torch.``: ``nn.functional.conv2d``."""
    if name in TOLD:
        return _of_text(name, TOLD[name])
    import torch

    function: Any = functools.reduce(getattr, name.split("."), torch)
    last = name.rpartition(".")[2]
    function = getattr(torch.nn.functional, f"{last}_with_indices", function)  # the other half of a choice by flag
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return _of_text(name, _documented(last, function.__doc__ or ""))


def _documented(word: str, doc: str) -> str:
    """``(input, weight, bias=None)`` out of the line that begins with the name."""
    start = doc.index(f"{word}(") + len(word)
    depth = 0
    for k, c in enumerate(doc[start:], start):
        depth += (c == "(") - (c == ")")
        if not depth:
            return doc[start : k + 1]
    raise ValueError(doc)


def _of_text(name: str, text: str) -> inspect.Signature:
    tree = ast.parse(f"def f{text}: ...").body[0]
    assert isinstance(tree, ast.FunctionDef), name
    positional, optional = tree.args.args, tree.args.defaults
    defaults: list[Any] = [inspect.Parameter.empty] * (len(positional) - len(optional))
    defaults += [ast.literal_eval(d) for d in optional]
    if tree.args.vararg:
        return inspect.Signature([inspect.Parameter(tree.args.vararg.arg, inspect.Parameter.VAR_POSITIONAL)])
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [inspect.Parameter(a.arg, kind, default=d) for a, d in zip(positional, defaults, strict=True)]
    )
