"""torch's own operation: similarities and distances."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference, of


def _norm(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    x, dim = inputs["x"], hypers["dim"] % inputs["x"].ndim
    along = tuple(range(dim, dim + hypers["axes"]))
    return (torch.linalg.vector_norm(x, hypers["p"], dim=along, keepdim=hypers["keepdim"]),)


def _cosine(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    """torch lets the gradient through to a norm below eps, by decree: there, the sentence of its documentation."""
    x1, x2, dim, eps = inputs["x1"], inputs["x2"], hypers["dim"], hypers["eps"]
    n1, n2 = (torch.linalg.vector_norm(x, dim=dim) for x in (x1, x2))
    if bool((n1 > eps).all()) and bool((n2 > eps).all()):
        return (F.cosine_similarity(x1, x2, dim=dim, eps=eps),)
    return ((x1 * x2).sum(dim) / (n1.clamp_min(eps) * n2.clamp_min(eps)),)


REFERENCES: dict[str, Reference] = {
    "cosine_similarity": _cosine,
    "pairwise_distance": of(F.pairwise_distance, "x1", "x2"),
    "vector_norm": _norm,
}
