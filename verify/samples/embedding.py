"""Settings: embedding."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "embedding": ({}, {"padding_idx": 1}),
}
