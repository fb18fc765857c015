"""Plans that fall into rows run a few rows at a time and give the same."""

import numpy as np
import pytest
import torch

import derive
from derive.lower import lower
from derive.lower.rows import rows_of
from derive.targets.files import imported

#: Blocks of one row, whatever the size.
TINY = {
    "numpy": (("size <= 4194304", "size <= 0"), ("max(1, 524288 * rows // size)", "1")),
    "torch": (("32768, torch", "0, torch"),),
}
SHAPES = {"softmax": [(5, 7)], "layer_norm": [(3, 2, 7), (7,), (7,)], "gelu": [(4, 3)], "rms_norm": [(5, 7), (7,)]}


def both(name, target):
    """The generated module, and the one that takes a row at a time."""
    text = derive.generate(derive.load(name), target=target).text
    tiny = text
    for old, new in TINY[target]:
        assert old in tiny
        tiny = tiny.replace(old, new)
    return imported(text, name), imported(tiny, name)


def flat(values):
    return [v for each in values for v in (flat(each) if isinstance(each, tuple) else [each])]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("target", TINY)
def test_a_row_at_a_time_is_the_whole(name, target):
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape) for shape in SHAPES[name]]
    if target == "torch":
        arrays = [torch.from_numpy(a) for a in arrays]
    results = []
    for module in both(name, target):
        y, saved = getattr(module, f"{name}_forward")(*arrays)
        gradients = getattr(module, f"{name}_backward")(saved, 0 * y + y * y)
        results.append(flat([y, saved, gradients if isinstance(gradients, tuple) else (gradients,)]))
    for whole, parts in zip(*results, strict=True):
        np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", SHAPES)
def test_a_row_at_a_time_under_autograd_and_vmap(name):
    whole, tiny = (getattr(m, name) for m in both(name, "torch"))
    torch.manual_seed(0)
    arrays = [torch.randn(shape, dtype=torch.double, requires_grad=True) for shape in SHAPES[name]]
    assert torch.autograd.gradcheck(tiny, arrays, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(tiny, arrays)
    for k in range(len(arrays)):
        dims = tuple(0 if i == k else None for i in range(len(arrays)))
        batch = [torch.randn(3, *a.shape, dtype=torch.double) if i == k else a for i, a in enumerate(arrays)]
        torch.testing.assert_close(torch.func.vmap(tiny, dims)(*batch), torch.func.vmap(whole, dims)(*batch))


def test_no_rows():
    assert rows_of(lower(derive.load("softmax"))) is not None
    mixed = "def f(x: Real[N, K]):\n    y[n, k] = x[n, k] - sum[m < N](x[m, k] * x[m, k]) * x[n, k]\n    return y"
    counted = "def f(x: Real[N]):\n    y[n] = exp(n * x[n]) * N\n    return y"
    for text in (mixed, counted):
        assert rows_of(lower(derive.load(text))) is None
    for name in ("conv2d", "linear", "lstm", "cross_entropy", "batch_norm"):
        assert rows_of(lower(derive.load(name))) is None
