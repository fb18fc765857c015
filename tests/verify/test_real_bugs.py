"""Bugs that once shipped, replayed: every one is flagged where it should be, and its right twin passes."""

import numpy as np
import pytest
import torch

from derive.verify import check
from tests.verify.real_bugs import BUGS, X, operation


@pytest.mark.parametrize("name", BUGS)
def test_bug_is_flagged(name):
    _, forward, _, wrong, inputs, where = BUGS[name]
    verdict = check(operation("Wrong", forward, wrong), *inputs)
    assert any(where in row.check for row in verdict.failures), verdict.rows
    assert all(row.detail for row in verdict.failures)


@pytest.mark.parametrize("name", BUGS)
def test_right_twin_passes(name):
    _, forward, right, _, inputs, _ = BUGS[name]
    verdict = check(operation("Right", forward, right), *inputs)
    assert verdict.checked and not verdict.failures, verdict.failures


# ------------------------------------------------------------------------------ bugs of another shape


def test_forward_and_backward_wrong_together():
    """FastNN#4: only an independent forward can tell."""
    halved = operation("Halved", lambda x: 0.5 * x, lambda ctx, dy, x: 0.5 * dy)
    assert check(halved, X, reference=lambda x: 2 * x).failures
    assert check(halved, X, reference=lambda x: x / 2).passed


def test_where_gives_not_a_number():
    """pytorch#68425: the branch that is not taken is infinite, and 0·inf is no number."""
    x = torch.tensor([-1.0, 0.0, 0.5, 2.0], dtype=torch.float64)
    taken = torch.where(x > 0, x, 1.0)
    wrong = check(lambda x: torch.where(x > 0, 1 / x * x**2, torch.zeros_like(x)), x)
    assert any("finite" in (row.detail + row.check) for row in wrong.failures), wrong.rows
    right = check(lambda x: torch.where(x > 0, torch.where(x > 0, x, taken), torch.zeros_like(x)), x)
    assert not right.failures, right.failures


def test_long_sum_kept_in_half_precision():
    """mxnet#17703: the sum over a long axis kept in the format of its input."""

    def kept_short(x):
        total = torch.zeros(x.shape[0], dtype=x.dtype)
        for column in x.unbind(1):
            total = total + column
        return x / total[:, None]

    def kept_wide(x):
        wide = torch.promote_types(x.dtype, torch.float32)
        return (x.to(wide) / x.to(wide).sum(1, keepdim=True)).to(x.dtype)

    from derive.verify import precision
    from derive.verify.bound import Bound

    x = 0.85 + 0.1 * torch.rand(1, 3000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = {}
    for function in (kept_short, kept_wide):
        rows = precision.rows(Bound(function, {"x": x}, ("x",)), "", ("float16", "bfloat16"))
        found[function] = [row.status for row in rows]
    assert found == {kept_short: ["failed", "failed"], kept_wide: ["passed", "passed"]}


# ------------------------------------------------------------------------------ update rules


def _adam(grads, *, outside=True, corrected=True, coupled=True, stored=True, lr=0.1, eps=1e-2, decay=0.3):
    """Adam's trajectory from 1; each keyword is one thing that shipped wrong somewhere."""
    theta, m, v, steps = np.ones(grads.shape[1]), 0.0, 0.0, []
    for t, g in enumerate(grads, 1):
        g = g + decay * theta if coupled else g
        theta = theta if coupled else theta * (1 - lr * decay)
        m = 0.9 * m + 0.1 * g
        now = 0.99 * v + 0.01 * g**2
        v = now if stored else v
        top, root = (m / (1 - 0.9**t), now / (1 - 0.99**t)) if corrected else (m, now)
        theta = theta - lr * top / (np.sqrt(root) + eps if outside else np.sqrt(root + eps))
        steps.append(theta)
    return np.stack(steps)


#: mlx#473, transformers#14539, tensorflow#35102, optax#1389 are update rules that differ from their reference: by
#: where eps stands, the bias correction, how decay is coupled, what of the state is kept.
FAULTS = ("outside", "corrected", "coupled", "stored")


@pytest.mark.parametrize("fault", ("", *FAULTS))
def test_update_rule_beside_its_reference(fault):
    from derive.verify.compare import compare
    from derive.verify.references import trajectory

    rng = np.random.default_rng(2)
    grads = rng.normal(size=(8, 3)) * 10.0 ** rng.uniform(-3, 0, size=(8, 3))
    grads[3], grads[5] = grads[3] * 100, 0.0
    hypers = {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-2, "weight_decay": 0.3}
    true = trajectory("adam", torch.ones(3, dtype=torch.float64), torch.from_numpy(grads), hypers).numpy()
    found = _adam(grads, **({fault: False} if fault else {}))
    assert compare("trajectory", "", {"theta": found}, {"theta": true}, 1e-12).status == (
        "failed" if fault else "passed"
    )
