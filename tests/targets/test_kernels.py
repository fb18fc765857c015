"""Compiled kernels give what array code gives, and step aside where they do not apply."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import derive
from derive.calculus.step import step
from derive.targets.files import callable_of
from derive.targets.kernels import choice, native
from derive.targets.kernels import function as kernels
from derive.targets.kernels.native import Native, Unfit

pytestmark = pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")

X = torch.linspace(-3, 3, 2 * 5 * 7, dtype=torch.float64).reshape(2, 5, 7).sin() * 3
ROWS = X.reshape(10, 7)
TARGET = torch.tensor([0, 3, 6, 6, 1, 2, 5, 4, 0, -100])
LOUD = torch.tensor([[1e3, -1e3, 0.0], [float("nan"), 1.0, 2.0], [float("inf"), 1.0, -float("inf")]]).double()

#: name, choices, inputs: sums over rows, over columns, packs of one entry and of more, gathers, filters.
CASES = (
    ("softmax", {}, (ROWS,)),
    ("gelu", {}, (X,)),
    ("relu", {}, (LOUD,)),
    ("layer_norm", {}, (ROWS, ROWS[0], ROWS[1])),
    ("group_norm", {"num_groups": 5}, (X, X[0, :, 0], X[1, :, 0])),
    ("batch_norm", {"training": True}, (X, X[0, :, 0], X[0, :, 1] ** 2, X[0, :, 2], X[0, :, 3])),
    ("cross_entropy", {"label_smoothing": 0.1}, (ROWS, TARGET, ROWS[0] ** 2)),
    ("cross_entropy", {}, (X, TARGET[:14].repeat(2)[:14].reshape(2, 7) % 5, X[0, :, 0] ** 2)),
    ("scaled_dot_product_attention", {"keep": None, "left": None}, (X, X.sin(), X.cos(), X[..., :5].tanh())),
    ("nll_loss", {"weight": None}, (ROWS, TARGET)),
    ("nll_loss", {"weight": None, "reduction": "none"}, (X, TARGET[:14].repeat(2)[:14].reshape(2, 7) % 5)),
)


def both(program, tensors, **hypers):
    """By kernels, by array code."""
    return kernels.kernel_function(program).run(*tensors, **hypers), callable_of(program, "torch")(*tensors, **hypers)


def agree(found, expected) -> bool:
    pairs = list(zip(found, expected, strict=True))
    return all(a.shape == b.shape and torch.allclose(a, b, 1e-12, 1e-12, equal_nan=True) for a, b in pairs)


def hypers_of(program, choices):
    """Every open hyperparameter as a Python number, or a tuple of them."""
    given = {p.name: (p, choices.get(p.name, p.default)) for p in program.parameters if p.value is None}
    kinds = {"Int": int, "Real": float}
    return {
        n: tuple(map(kinds[p.kind], v)) if isinstance(v, tuple) else kinds[p.kind](v)
        for n, (p, v) in given.items()
        if p.kind in kinds and v is not None
    }


@pytest.mark.parametrize(("name", "choices", "inputs"), CASES, ids=[f"{n}-{k}" for k, (n, _, _) in enumerate(CASES)])
def test_kernels_and_array_code_agree(name, choices, inputs):
    program = derive.load(name, **choices)
    hypers = hypers_of(program, choices)
    found, expected = both(program, inputs, **hypers)
    assert agree(found, expected)
    gradient = derive.vjp(program)
    cotangents = [torch.cos(y) for y, n in zip(expected, program.outputs, strict=False)]
    assert agree(*both(gradient, (*inputs, *cotangents), **hypers))


def test_a_wrong_kernel_is_seen():
    program = derive.load("softmax")
    plan, sources = kernels.fused_plan(program)
    (general,) = (s.general for s in sources.values())
    wrong = replace(general, text=general.text.replace(" - ", " + "))
    (fused,) = (s for b in plan.blocks for s in b.steps)
    found = Native(wrong)([ROWS], [ROWS.shape] * len(fused.outputs), fused.kinds, [7] * len(fused.integers), ())
    assert wrong.text != general.text
    assert not torch.allclose(found[fused.outputs.index("y")], torch.softmax(ROWS, -1))


def test_big_tensors_go_to_kernels_and_small_ones_do_not(monkeypatch):
    used = []
    monkeypatch.setattr(Native, "__call__", lambda *a: used.append(1) or (_ for _ in ()).throw(Unfit("seen")))
    f = derive.function("sigmoid")
    small, big = torch.randn(10), torch.randn(choice.ENTRIES)
    assert torch.equal(f(small), torch.sigmoid(small)) and not used
    assert torch.allclose(f(big), torch.sigmoid(big)) and used


@pytest.mark.parametrize("what", ["no compiler", "refused", "half precision", "empty"])
def test_array_code_takes_what_kernels_do_not(monkeypatch, what, tmp_path):
    monkeypatch.setattr(choice, "ENTRIES", 0)
    x, weight = torch.randn(4, 6, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    if what == "no compiler":
        monkeypatch.setattr(choice, "compiler", lambda: None)
    if what == "refused":
        monkeypatch.setattr(native, "FLAGS", ("-no-such-flag",))
        monkeypatch.setattr(native, "_folder", lambda: tmp_path)
    if what == "half precision":
        x, weight = x.bfloat16(), weight.bfloat16()
    if what == "empty":
        x = x[:0]
    y = derive.function("layer_norm")(x, weight)
    assert torch.allclose(
        y, torch.layer_norm(x, (6,), weight), *([0.05] * 2 if what == "half precision" else [1e-12] * 2)
    )
    assert not list(tmp_path.iterdir())


def test_an_index_out_of_range_is_an_error_not_a_read(monkeypatch):
    monkeypatch.setattr(choice, "ENTRIES", 0)
    f = derive.function("embedding")
    assert torch.equal(f(torch.tensor([1, 0]), ROWS), ROWS[[1, 0]])
    for wrong in (10, -1):
        with pytest.raises(Exception, match=r"out of range|index|rows"):
            f(torch.tensor([0, wrong]), ROWS)


def test_a_step_written_over_its_inputs():
    program = step(derive.load("adam"))
    theta, m, v, grad = (torch.sin(torch.arange(100.0) * k) ** 2 for k in (1, 2, 3, 4))
    t = torch.tensor(3.0)
    hypers = hypers_of(program, {})
    expected = callable_of(program, "torch")(theta, m, v, grad, t, **hypers)
    over = dict(zip(program.outputs, ("theta", "m", "v"), strict=True))
    kernels.in_place(program, over)(theta, m, v, grad, t, **hypers)
    assert all(torch.allclose(a, b, 1e-6, 1e-7) for a, b in zip((theta, m, v), expected, strict=True))


def test_more_than_one_pass_is_not_written_in_place():
    with pytest.raises(Unfit, match="more than one elementwise pass"):
        kernels.in_place(derive.load("softmax"), {"y": "x"})


def test_the_text_is_the_same_on_every_run():
    texts = {str(kernels.fused_plan(derive.load("layer_norm"))[1]) for _ in range(2)}
    assert len(texts) == 1


# ------------------------------------------------------------------------------ calls made again


def test_a_replayed_call_computes_from_its_own_tensors() -> None:
    """The second call of a shape skips the generated function: other numbers, other results, nothing shared."""
    f = derive.function("softmax")
    a, b = (torch.randn(300, 257, dtype=torch.float64) for _ in range(2))
    first = f(a)
    kept = first.clone()
    second = f(b)
    assert torch.equal(first, kept) and second.data_ptr() != first.data_ptr()
    assert torch.allclose(second, torch.softmax(b, -1), rtol=1e-12)


def test_a_replay_is_not_taken_by_tensors_laid_out_otherwise() -> None:
    f = derive.function("add")
    a, b = torch.randn(300, 300), torch.randn(300, 300)
    f(a, b), f(a, b)
    assert torch.equal(f(a.T, b), a.T + b)
    assert torch.equal(f(a, a), a + a)
    wide = torch.randn(300, 600)
    assert torch.equal(f(wide[:, :300], b), wide[:, :300] + b)


def test_the_same_tensor_twice_does_not_make_the_next_call_read_it_twice() -> None:
    f = derive.function("add")
    a, b = torch.randn(300, 301), torch.randn(300, 301)
    f(a, a), f(a, a)
    assert torch.equal(f(a, b), a + b)


def test_a_converted_index_is_converted_again() -> None:
    """An index of 32 bits goes in as a copy of 64: its address says nothing about the next call."""
    f = derive.function("nll_loss", reduction="none")
    log_p = torch.randn(600, 300).log_softmax(-1)
    for seed in (0, 1, 2):
        target = torch.randint(0, 300, (600,), generator=torch.Generator().manual_seed(seed)).int()
        assert torch.equal(f(log_p, target), torch.nn.functional.nll_loss(log_p, target.long(), reduction="none"))


def test_hyperparameters_tell_calls_apart() -> None:
    f = derive.function("leaky_relu")
    x = -torch.rand(300, 300)
    for slope in (0.1, 0.25, 0.1):
        assert torch.allclose(f(x, negative_slope=slope), slope * x)
