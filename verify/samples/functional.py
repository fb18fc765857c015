"""Settings: functions along one axis."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "cumsum": ({}, {"dim": 0}),
    "cumprod": ({}, {"dim": 0}),
    "logsumexp": ({}, {"dim": 1}),
    "prod_along": ({}, {"dim": 0}),
    "gather": ({}, {"dim": 0}),
    "scatter_add": ({}, {"dim": 0}),
}
