"""Programs written by hand, so that printing is tested apart from everything that makes programs."""

from __future__ import annotations

from sympy import Basic, Expr, Integer

from derive.program import (
    Bind,
    Compare,
    FloorDiv,
    Hyper,
    Letter,
    Modulo,
    Parameter,
    Part,
    Piece,
    Program,
    Read,
    Reduce,
    Size,
    Statement,
    Tensor,
)

N, F, C, H, OH, KH, K = (Size(s) for s in ("N", "F", "C", "H", "OH", "KH", "K"))
n, f, c, h, i, p, k, j = (Letter(s) for s in ("n", "f", "c", "h", "i", "p", "k", "j"))
stride, padding, dilation = (Hyper(s, True) for s in ("stride", "padding", "dilation"))
pack = Letter("...")


def tensor(name: str, *extents: Expr, kind: str = "real", default: Expr | None = None) -> Tensor:
    """A tensor of plain axes."""
    return Tensor(name, tuple((Part(e),) for e in extents), kind, default)


def equation(target: Tensor, letters: tuple[Letter, ...], rhs: Expr, *conditions: Basic) -> Statement:
    """One equation over the whole tensor."""
    binds = tuple(Bind(a, 0, part.extent) for a, part in zip(letters, target.parts, strict=True))
    return Statement(target, (Piece(letters, (*binds, *conditions), rhs),), bool(conditions))


def between(index: Expr, extent: Expr) -> tuple[Basic, Basic]:
    """``0 <= index < extent``."""
    return Compare("<=", 0, index), Compare("<", index, extent)


def convolution() -> Program:
    """``y[n,f,p] = bias[f] + Σ c,i  weight[f,c,i] · x[n,c,p·stride + i·dilation − padding]``."""
    at = p * stride + i * dilation - padding
    x, weight, bias = tensor("x", N, C, H), tensor("weight", F, C, KH), tensor("bias", F, default=Integer(0))
    y = tensor("y", N, F, OH)
    total = Reduce(
        "sum", [Bind(c, 0, C), Bind(i, 0, KH), *between(at, H)], Read("weight", f, c, i) * Read("x", n, c, at)
    )
    size = FloorDiv(H + 2 * padding - dilation * (KH - 1) - 1, stride) + 1
    return Program(
        "conv1d", (x, weight, bias), (equation(y, (n, f, p), Read("bias", f) + total),), ("y",),
        parameters=(Parameter("stride", "Int", default=1),), sizes=((OH, size),), doc="Cross-correlation.",
    )  # fmt: skip


def convolution_gradient() -> Program:
    """``dx``, its index solved for the output position."""
    primal = convolution()
    q = FloorDiv(h + padding - i * dilation, stride)
    entries = [Bind(f, 0, F), Bind(i, 0, KH), Compare("==", Modulo(*q.args), 0), *between(q, OH)]
    rhs = Reduce("sum", entries, Read("weight", f, c, i) * Read("dy", n, f, q))
    dy, dx = tensor("dy", N, F, OH), tensor("dx", N, C, H)
    inputs = (*primal.inputs, dy)
    return Program("conv1d", inputs, (equation(dx, (n, c, h), rhs),), ("dx",), derived="vjp")


def embedding_gradient() -> Program:
    """``dweight[k,c] = Σ n  [token[n] = k] · dy[n,c]``."""
    rhs = Reduce("sum", [Bind(n, 0, N), Compare("==", Read("token", n), k)], Read("dy", n, c))
    inputs = (tensor("token", N, kind="index"), tensor("weight", K, C), tensor("dy", N, C))
    return Program("embedding", inputs, (equation(tensor("dweight", K, C), (k, c), rhs),), ("dweight",), derived="vjp")
