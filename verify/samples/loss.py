"""Settings: losses."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "cross_entropy": (
        {},
        {"weight": None},
        {"reduction": "sum", "label_smoothing": 0.2},
        {"reduction": "none", "weight": None, "label_smoothing": 0.1},
        {"label_smoothing": 0.3},
        {"ignore_index": 1},
        {"ignore_index": 0, "label_smoothing": 0.1, "reduction": "none"},
    ),
    "soft_cross_entropy": (
        {},
        {"weight": None, "label_smoothing": 0.2, "reduction": "sum"},
        {"label_smoothing": 0.1, "reduction": "none"},
    ),
    "nll_loss": ({}, {"weight": None, "ignore_index": 1}, {"reduction": "sum"}, {"reduction": "none"}),
    "binary_cross_entropy": ({}, {"weight": None, "reduction": "sum"}, {"reduction": "none"}),
    "binary_cross_entropy_with_logits": (
        {},
        {"reduction": "sum", "weight": None},
        {"reduction": "none", "pos_weight": None},
    ),
    "smooth_l1_loss": ({}, {"beta": 0.3, "reduction": "sum"}, {"reduction": "none"}),
    "huber_loss": ({}, {"delta": 0.3, "reduction": "sum"}, {"reduction": "none"}),
    "kl_div": (
        {},
        {"reduction": "batchmean"},
        {"reduction": "sum", "log_target": True},
        {"reduction": "none", "log_target": True},
    ),
    "hinge_embedding_loss": ({}, {"margin": 0.6, "reduction": "sum"}, {"reduction": "none"}),
    # the default 1e-12 leaves the gradient of a vector that is 0, or of one component, to rounding
    "cosine_embedding_loss": (
        {"eps": 0.1},
        {"eps": 0.2, "margin": 0.3, "reduction": "sum"},
        {"eps": 0.1, "margin": -0.2, "reduction": "none"},
    ),
    "margin_ranking_loss": ({}, {"margin": 0.6, "reduction": "sum"}, {"reduction": "none"}),
    "multi_margin_loss": ({}, {"p": 2, "margin": 0.7, "reduction": "sum"}, {"weight": None, "reduction": "none"}),
    "triplet_margin_loss": (
        {},
        {"swap": True, "margin": 0.6, "reduction": "sum"},
        {"p": 1, "reduction": "none"},
        {"p": 3, "swap": True},
    ),
    "poisson_nll_loss": ({}, {"log_input": False, "reduction": "sum"}, {"full": True, "reduction": "none"}),
    "gaussian_nll_loss": ({}, {"full": True, "reduction": "sum"}, {"eps": 0.4, "reduction": "none"}),
    "ctc_loss": (
        {"zero_infinity": True},
        {"zero_infinity": True, "blank": 1, "reduction": "none"},
    ),
}
