"""Settings: similarities and distances."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "cosine_similarity": ({}, {"dim": 0}, {"dim": -1, "eps": 0.9}),
    "pairwise_distance": ({}, {"p": 1, "keepdim": True}, {"p": 3}, {"p": float("inf")}),
    "vector_norm": (
        {},
        {"p": 1, "dim": 0, "keepdim": True},
        {"p": float("inf")},
        {"p": float("-inf")},
        {"p": 0},
        {"p": 3, "dim": 1},
        {"p": 0.5, "dim": 0, "axes": 2},
    ),
    "pdist": ({}, {"p": 1}, {"p": float("inf")}, {"p": 3}),
}
