"""Small programs built by hand, before any parser: the fixture ``hand`` holds the builders."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sympy import Basic, Expr, Integer, Symbol, exp

from derive.functions import tanh
from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Letter,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Size,
    Statement,
    Tensor,
)

ZERO, ONE = Integer(0), Integer(1)


def letters(text: str) -> list[Letter]:
    return [Letter(name) for name in text.split()]


def sizes(text: str) -> list[Size]:
    return [Size(name) for name in text.split()]


def tensor(name: str, *extents, kind: str = "real", **more) -> Tensor:
    """Axes given as one extent, or a tuple of extents for a composite."""
    axes = tuple(tuple(_part(p) for p in (axis if isinstance(axis, tuple) else (axis,))) for axis in extents)
    return Tensor(name, axes, kind, **more)


def _part(extent) -> Part:
    return extent if isinstance(extent, Part) else Part(Integer(extent) if isinstance(extent, int) else extent)


def ranges(lo, index: Expr, hi) -> tuple[Basic, ...]:
    """lo <= index < hi as two filters."""
    return Compare("<=", lo, index), Compare("<", index, hi)


def statement(target: Tensor, indices, rhs, *conditions, binds=None, **more) -> Statement:
    """One piece whose letters run over the parts of the target."""
    return Statement(target, (equation(target, indices, rhs, *conditions, binds=binds),), **more)


def equation(target: Tensor, indices, rhs, *conditions, binds=None) -> Piece:
    entries: list[Basic] = []
    for index, part in zip(indices, target.parts, strict=True):
        if isinstance(index, Letter) and not any(isinstance(e, Bind) and e.letter == index for e in entries):
            entries.append((binds or {}).get(index) or Bind(index, part.origin, part.origin + part.extent))
    fixed = tuple(Integer(i) if isinstance(i, int) else i for i in indices)
    return Piece(fixed, (*entries, *conditions), rhs)


def program(name: str, inputs, statements, outputs, **more) -> Program:
    return Program(name, tuple(inputs), tuple(statements), tuple(outputs), **more)


def softmax() -> Program:
    (k, j, i, n), (K, N) = letters("k j i n"), sizes("K N")
    x, m, e, y = tensor("x", N, K), tensor("m", N), tensor("e", N, K), tensor("y", N, K)
    return program(
        "softmax",
        [x],
        [
            statement(m, [n], Reduce("max", [Bind(i, 0, K)], Read("x", n, i))),
            statement(e, [n, k], exp(Read("x", n, k) - Read("m", n))),
            statement(y, [n, k], Read("e", n, k) / Reduce("sum", [Bind(j, 0, K)], Read("e", n, j))),
        ],
        ["y"],
    )


def conv2d(stride: int = 2, padding: int = 1, dilation: int = 1, groups: int = 2) -> Program:
    """Grouped, strided, padded cross-correlation with out-of-range filters written out."""
    n, g, f, p, q, c, i, j = letters("n g f p q c i j")
    N, C, H, W, F, KH, KW, OH, OW = sizes("N C H W F KH KW OH OW")
    x = tensor("x", N, (groups, C), H, W)
    w = tensor("weight", (groups, F), C, KH, KW)
    b = tensor("bias", (groups, F), default=ZERO)
    y = tensor("y", N, (groups, F), OH, OW)
    row, col = p * stride + i * dilation - padding, q * stride + j * dilation - padding
    body = Read("weight", g, f, c, i, j) * Read("x", n, g, c, row, col)
    entries = [Bind(c, 0, C), Bind(i, 0, KH), *ranges(0, row, H), Bind(j, 0, KW), *ranges(0, col, W)]
    rhs = Read("bias", g, f) + Reduce("sum", entries, body)

    def out(size: Symbol, kernel: Symbol) -> Expr:
        return FloorDiv(size + 2 * padding - dilation * (kernel - 1) - 1, stride) + 1

    return program(
        "conv2d",
        [x, w, b],
        [statement(y, [n, g, f, p, q], rhs)],
        ["y"],
        sizes=((OH, out(H, KH)), (OW, out(W, KW))),
    )


def elman() -> Program:
    """h[-1, k] = h0[k];  h[t, k] = tanh(x[t, k] + a·h[t − 1, k])."""
    (t, k), (T, K) = letters("t k"), sizes("T K")
    x, h0, a = tensor("x", T, K), tensor("h0", K), tensor("a")
    h = tensor("h", Part(T, below=1), K)
    base = equation(h, [-1, k], Read("h0", k))
    step = equation(h, [t, k], tanh(Read("x", t, k) + Read("a") * Read("h", t - 1, k)))
    return program("elman", [x, h0, a], [Statement(h, (base, step))], ["h"])


@pytest.fixture
def hand() -> SimpleNamespace:
    """Builders of programs: ``hand.tensor``, ``hand.statement``, ``hand.program``, and finished ones."""
    return SimpleNamespace(**globals())
