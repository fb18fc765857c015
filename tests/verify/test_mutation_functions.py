"""Mutants as torch functions: other checkers can be given them, and ours finds what those cannot."""

import pytest
import torch

from derive.verify import autograd
from derive.verify.mutation.breaches import unbroken
from derive.verify.mutation.operators import BREACHES
from derive.verify.mutation.planting import as_torch, mutants_of
from derive.verify.mutation.records import GRADIENT
from derive.verify.mutation.running import Bench
from derive.verify.subject import subjects


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(next(s for s in subjects("layer_norm")))


def _given(case):
    return tuple(autograd.tensors(case.inputs, case.differentiable).values())


def test_the_right_function_passes_gradcheck(bench):
    for case, right in bench.rights:
        assert torch.autograd.gradcheck(unbroken(right), _given(case))


@pytest.mark.parametrize("operator", ["sign flip", "dropped term", "detached path", "sum for mean or 1/N"])
def test_a_mutated_gradient_is_a_function_that_gradcheck_rejects(bench, operator):
    case, right = bench.rights[0]
    mutants = [m for m in mutants_of(bench.subject, operator) if m.statement.startswith("d")]
    assert mutants
    for m in mutants:
        assert m.level == GRADIENT
        assert not torch.autograd.gradcheck(as_torch(m, right), _given(case), raise_exception=False)


def test_a_mutated_forward_is_a_function_consistent_with_itself(bench):
    """gradcheck cannot see a forward that is wrong together with its backward."""
    case, right = bench.rights[0]
    mutants = [m for m in mutants_of(bench.subject, "forward and backward wrong together") if m.statement == "y"]
    function = as_torch(mutants[0], right)
    given = _given(case)
    assert torch.autograd.gradcheck(function, given)
    assert not torch.allclose(function(*given), right.plain(*given))


def test_hyperparameters_are_fixed_by_name():
    subject = next(s for s in subjects("leaky_relu"))
    (m, *_) = mutants_of(subject, "sign flip")
    x = torch.tensor([-2.0, 3.0], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(as_torch(m, negative_slope=0.25)(x).sum(), x)
    assert g.tolist() == [-0.25, -1.0]


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_has_no_other_fault(bench, name):
    """The first call at fresh contiguous inputs gives the right values, unless the breach is of those."""
    case, right = bench.rights[0]
    function = BREACHES[name](right)
    given, plain = _given(case), _given(case)
    y = function(*given)
    w = torch.linspace(-0.4, 0.4, y.numel(), dtype=y.dtype).reshape(y.shape)
    found = torch.autograd.grad(y, given, w.clone(), allow_unused=True)
    expected = torch.autograd.grad(right.plain(*plain), plain, w)
    same = all(
        g is not None and torch.allclose(g, e, rtol=1e-5, atol=1e-5) for g, e in zip(found, expected, strict=True)
    )
    broken = ("bfloat16 inside", "input detached", "cotangent ignored", "forward mutates an input")
    assert same == (name not in broken)
