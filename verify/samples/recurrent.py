"""Settings: recurrent."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "rnn": ({}, {"nonlinearity": "relu"}, {"bias_ih": None, "bias_hh": None}),
}
