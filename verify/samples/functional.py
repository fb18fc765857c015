"""Settings: functions along one axis."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "cumsum": ({}, {"dim": 0}),
    "cumprod": ({}, {"dim": 0}),
    "logsumexp": ({}, {"dim": 1, "keepdim": True}, {"dim": 0, "axes": 2}),
    "prod_along": ({}, {"dim": 0, "keepdim": True}, {"dim": -2, "axes": 2}),
    "gumbel_softmax": ({"tau": 0.7}, {"hard": True, "dim": 0}),
    "gather": ({}, {"dim": 0}),
    "scatter_add": ({}, {"dim": 0}),
}
