"""Settings: recurrent networks."""

from __future__ import annotations

from derive.verify.samples.form import Settings

SETTINGS: Settings = {
    "rnn": ({}, {"nonlinearity": "relu"}, {"bias_ih": None, "bias_hh": None}),
    "rnn_direction": ({"lengths": None, "reverse": True}, {"nonlinearity": "relu", "bias_ih": None, "bias_hh": None}),
    "lstm_direction": (
        {"reverse": True, "weight_hr": None},
        {"lengths": None, "proj_size": 2, "bias_ih": None, "bias_hh": None},
    ),
    "gru_direction": ({"reverse": True}, {"lengths": None, "bias_ih": None, "bias_hh": None}),
    "rnn_layers": (
        {"num_layers": 2, "bidirectional": True, "lengths": None},
        {"num_layers": 2, "dropout": 0.3, "batch_first": True, "h0": None, "nonlinearity": "relu"},
    ),
    "lstm_layers": (
        {"bidirectional": True, "proj_size": 2, "lengths": None, "bias_ih": None, "bias_hh": None},
        {"batch_first": True, "h0": None, "c0": None},
    ),
    "gru_layers": (
        {"num_layers": 2, "lengths": None, "batch_first": True},
        {"bidirectional": True, "h0": None, "training": False},
    ),
}
