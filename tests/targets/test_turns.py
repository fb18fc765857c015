"""Recurrences whose steps are kernels give what array code gives."""

from __future__ import annotations

import pytest
import torch

import derive
from derive.lower.plan import Finish
from derive.targets.files import callable_of
from derive.targets.kernels import function as kernels
from derive.targets.kernels import native
from derive.targets.kernels.native import Unfit

pytestmark = pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")

T, N, I, H, P = 5, 3, 4, 6, 2
DECAY = """
@layer
def decay(x: Real[T, N, K], a: Real[N, K], h0: Real[N, K]):
    h[-1, n, k] = h0[n, k]
    h[t, n, k] = a[n, k]*h[t - 1, n, k] + sin(x[t, n, k])
    return h
"""
TWICE = """
@layer
def twice(x: Real[T, N, K], w: Real[K, K], start: Real[N, K]):
    h[-1, n, k] = start[n, k]
    h[-2, n, k] = 2*start[n, k]
    z[t, n, k] = sum[l](w[k, l]*tanh(h[t - 1, n, l])*x[t, n, l]) + h[t - 2, n, k]
    m[t, n] = mean[k](z[t, n, k])
    h[t, n, k] = tanh(z[t, n, k] - m[t, n])
    return h
"""
#: definition, choices: gates, a projection, lengths, the other way round; no product; a lag of two; a mean over a row.
CASES = (
    ("rnn_direction", {"nonlinearity": "relu"}),
    ("rnn_direction", {"reverse": True}),
    ("lstm_direction", {"lengths": None, "weight_hr": None}),
    ("lstm_direction", {"weight_hr": None}),
    ("lstm_direction", {"lengths": None, "proj_size": P}),
    ("gru_direction", {"lengths": None}),
    ("gru_direction", {"reverse": True}),
    (DECAY, {}),
    (TWICE, {}),
)
SIZES = {"T": T, "N": N, "I": I, "H": H, "P": P, "K": H}


def inputs_of(program):
    """Numbers for every input; lengths within the longest."""
    made = torch.Generator().manual_seed(0)
    values = []
    for t in program.inputs:
        extents = [e.extent for e in t.parts]
        shape = [eval_size(program, e) for e in extents]
        if t.axes and any(len(axis) > 1 for axis in t.axes):
            shape = [torch.Size(eval_size(program, e.extent) for e in axis).numel() for axis in t.axes]
        if t.kind == "index":
            values.append(torch.tensor([5, 1, 3]))
        else:
            values.append(torch.randn(shape, generator=made, dtype=torch.float64) / 2)
    return tuple(values)


def eval_size(program, extent):
    known = {s: SIZES[s.name] for s in extent.free_symbols}
    return int(extent.subs(known))


def agree(found, expected) -> bool:
    pairs = list(zip(found, expected, strict=True))
    return all(a.shape == b.shape and torch.allclose(a, b, 1e-12, 1e-12) for a, b in pairs)


@pytest.mark.parametrize(("what", "choices"), CASES, ids=range(len(CASES)))
def test_steps_by_kernels_and_by_array_code(what, choices):
    program = derive.load(what, **choices)
    inputs = inputs_of(program)
    expected = callable_of(program, "torch")(*inputs)
    forward, backward = program, derive.vjp(program)
    cotangents = [torch.cos(y) for y in expected]
    for p, arrays in ((forward, inputs), (backward, (*inputs, *cotangents))):
        plan, sources = kernels.fused_plan(p)
        assert any(s.of_turns for s in sources.values())
        assert not any(isinstance(step, Finish) for block in plan.blocks for step in block.steps)
        assert agree(kernels.kernel_function(p).run(*arrays), callable_of(p, "torch")(*arrays))


def ctc(targets):
    """A window over the step before, and a gather at every step."""
    made = torch.Generator().manual_seed(0)
    x = torch.randn(6, 2, 5, generator=made, dtype=torch.float64).log_softmax(-1)
    return derive.load("ctc_loss"), (x, torch.tensor(targets), torch.tensor([6, 4]), torch.tensor([3, 1]))


def test_windows_and_gathers_in_a_step():
    program, inputs = ctc([[1, 1, 4], [2, 3, 1]])
    backward, dloss = derive.vjp(program), torch.tensor(1.5, dtype=torch.float64)
    for p, arrays in ((program, inputs), (backward, (*inputs, dloss))):
        assert any(s.of_turns for s in kernels.fused_plan(p)[1].values())
        assert agree(kernels.kernel_function(p).run(*arrays, blank=0), callable_of(p, "torch")(*arrays, blank=0))


def test_an_index_out_of_range_in_a_step_goes_to_array_code():
    program, inputs = ctc([[1, 7, 4], [2, 3, 1]])
    with pytest.raises(Unfit):
        kernels.kernel_function(program).run(*inputs, blank=0)


def test_a_step_that_reads_another_place_is_seen():
    """The step before is the step before: a kernel one place off gives something else."""
    from derive.targets.kernels import turns

    program = derive.load(DECAY)
    inputs = inputs_of(program)
    (right,) = kernels.kernel_function(program).run(*inputs)
    held = turns._addresses
    try:
        turns._addresses = lambda given, places, *rest: held(given, [(1, 0)] * len(places), *rest)
        (wrong,) = kernels.kernel_function(program).run(*inputs)
    finally:
        turns._addresses = held
    assert not torch.allclose(right, wrong)


def test_an_empty_sequence_goes_to_array_code():
    program = derive.load(DECAY)
    x, a, h0 = inputs_of(program)
    with pytest.raises(Unfit):
        kernels.kernel_function(program).run(x[:0], a, h0)
