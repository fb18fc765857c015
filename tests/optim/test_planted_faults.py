"""Wrong update rules, those that shipped among them: each is told from torch's path by the pairs of options."""

from __future__ import annotations

import numpy as np
import pytest

from derive import interpreter
from derive.language import load_definition, parse_text, specialise
from derive.verify.references import optimizer
from tests.optim.grid import OPTIONS, settings
from tests.optim.paths import TOLERANCE, distance
from tests.optim.test_trajectories import torchs

#: fault -> (class, the right text, the wrong one).
FAULTS = {
    # ml-explore/mlx#473: the first step was dampened, and without momentum the decay was left out
    "mlx 473, first step dampened": ("SGD", "where(t == 1, g[t, ...], ", "where(t == 0, g[t, ...], "),
    "mlx 473, no decay without momentum": (
        "SGD",
        "theta[t, ...] = theta[t - 1, ...] - lr*g[t, ...]",
        "theta[t, ...] = theta[t - 1, ...] - lr*s*grad[t, ...]",
    ),
    # tensorflow/tensorflow#35102: eps, too, was divided by the root of the bias correction
    "tensorflow 35102, eps corrected": (
        "Adam",
        "(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps)",
        "((sqrt(v[t, ...]) + eps)/sqrt(1 - betas[1]**t))",
    ),
    # google-deepmind/optax#1389: the maximum of corrected means instead of the correction of the maximum
    "optax 1389, maximum of corrected means": (
        "Adam",
        "max(u[t - 1, ...], v[t, ...])",
        "max(u[t - 1, ...]*(1 - betas[1]**t)/(1 - betas[1]**(t - 1) + where(t == 1, 1, 0)), v[t, ...])",
    ),
    # huggingface/transformers#14539 (and 3407): the decay came after the step, of parameters already moved
    "transformers 14539, decay after the step": (
        "AdamW",
        "keep*theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps)",
        "keep*(theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps))",
    ),
    "decay without the rate": ("AdamW", "keep = 1 - lr*weight_decay", "keep = 1 - weight_decay"),
    "decoupled decay in the gradient": (
        "AdamW",
        "g[t, ...] = s*grad[t, ...]",
        "g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]",
    ),
    "eps inside the root": (
        "Adam",
        "(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps)",
        "sqrt(v[t, ...]/(1 - betas[1]**t) + eps)",
    ),
    "no first correction": ("Adam", "lr/(1 - betas[0]**t)*m", "lr*m"),
    "correction one step late": ("Adam", "lr/(1 - betas[0]**t)*m", "lr/(1 - betas[0]**(t + 1))*m"),
    "no second correction": ("Adam", "sqrt(v[t, ...]/(1 - betas[1]**t))", "sqrt(v[t, ...])"),
    "maximize forgets the decay's sign": (
        "Adam",
        "s*grad[t, ...] + weight_decay*theta[t - 1, ...]",
        "s*(grad[t, ...] + weight_decay*theta[t - 1, ...])",
    ),
    "maximum forgotten": ("Adam", "max(u[t - 1, ...], v[t, ...])", "v[t, ...]"),
    "state not kept": ("Adam", "betas[1]*v[t - 1, ...] + (1 - betas[1])*g", "(1 - betas[1])*g"),
    "betas exchanged": (
        "Adam",
        "betas[0]*m[t - 1, ...] + (1 - betas[0])*g",
        "betas[1]*m[t - 1, ...] + (1 - betas[1])*g",
    ),
    "Nesterov of the old momentum": (
        "SGD",
        "lr*(g[t, ...] + momentum*b[t, ...])",
        "lr*(g[t, ...] + momentum*b[t - 1, ...])",
    ),
    "eps after the maximum": (
        "Adamax",
        "max(betas[1]*u[t - 1, ...], abs(g[t, ...]) + eps)",
        "max(betas[1]*u[t - 1, ...], abs(g[t, ...])) + eps",
    ),
    "look-ahead by this step's momentum": ("NAdam", "0.96**((t + 1)*momentum_decay)", "0.96**(t*momentum_decay)"),
    "rectified from 4 on": ("RAdam", "where(rho[t] > 5, c", "where(rho[t] > 4, c"),
    "new mean of steps": ("Adadelta", "sqrt(a[t - 1, ...] + eps)", "sqrt(a[t - 1, ...]) + eps"),
    "rate decays a step early": ("Adagrad", "(1 + (t - 1)*lr_decay)", "(1 + t*lr_decay)"),
    "centred by the old mean": ("RMSprop", "sqrt(v[t, ...] - a[t, ...]**2)", "sqrt(abs(v[t, ...] - a[t - 1, ...]**2))"),
    "momentum times the rate twice": (
        "RMSprop",
        "momentum*b[t - 1, ...] + d[t, ...]",
        "momentum*b[t - 1, ...] + lr*d[t, ...]",
    ),
    "turned gradient not forgotten": ("Rprop", "where(turn[t, ...] < 0, 0, s*grad[t, ...])", "s*grad[t, ...]"),
    "step size before its bounds": ("Rprop", ", step_sizes[0], step_sizes[1])", ", step_sizes[0], 2*step_sizes[1])"),
    "this step's eta": ("ASGD", "eta[t - 1]*g[t, ...]", "eta[t]*g[t, ...]"),
    "rows and whole exchanged": ("Adafactor", "max(1, root(lengths[t])/d)", "max(1, root(lengths[t]))"),
}


def text_of(name):
    """One definition's text and those of its file after it, with the fault in place."""
    definition = load_definition(name)
    first = definition.node.decorator_list[0].lineno
    return "\n".join(definition.source.lines[first - 1 : definition.node.end_lineno]) + "\n"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_rule_is_told(fault):
    name, right, wrong = FAULTS[fault]
    text = text_of(OPTIONS[name][0])
    assert right in text
    definition = parse_text(text.replace(right, wrong))[-1]
    theta, grads = optimizer.gradients((3,), 7)
    worst = 0.0
    for options in settings(name):
        options = {"eps": (2.220446049250313e-16, 1e-3), **options} if name == "Adafactor" else options
        found = interpreter.run(specialise(definition, **options), {"theta_0": theta, "grad": grads}, {})["theta"]
        with np.errstate(all="ignore"):
            worst = max(worst, distance(found, torchs(name, options, theta, grads)))
        if worst > 1e3 * TOLERANCE:
            return
    pytest.fail(f"no setting tells {fault!r}: {worst:.1e}")
