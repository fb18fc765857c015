"""Inputs of each catalogue entry, small, every size different, and torch's own primitives for the same map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Case:
    name: str
    shapes: tuple[tuple[int, ...] | str, ...]  # a shape of reals, or a key of DATA
    torch: Callable[..., Any]
    hypers: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, Any] = field(default_factory=dict)  # structural: taken when loading

    @property
    def title(self) -> str:
        return "-".join([self.name, *(f"{k}={v}" for k, v in (self.hypers | self.choices).items())])

    def inputs(self, seed: int = 0) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return [
            DATA[s](generator) if isinstance(s, str) else torch.randn(s, generator=generator, dtype=torch.float64)
            for s in self.shapes
        ]


DATA: dict[str, Callable[[torch.Generator], torch.Tensor]] = {
    "tokens 2×3 of 5": lambda g: torch.randint(0, 5, (2, 3), generator=g),
    "classes 4 of 3": lambda g: torch.randint(0, 3, (4,), generator=g),
    "kept 3×4": lambda g: torch.rand(3, 4, generator=g) < 0.5,
    "between 0 and 1, 3×4": lambda g: torch.rand(3, 4, generator=g, dtype=torch.float64),
}


def softmax(x):
    e = (x - x.amax(-1, keepdim=True).detach()).exp()
    return e / e.sum(-1, keepdim=True)


def layer_norm(x, weight, bias):
    mu = x.mean(-1, keepdim=True)
    v = ((x - mu) ** 2).mean(-1, keepdim=True)
    return (x - mu) / (v + 1e-5).sqrt() * weight + bias


def attention(q, k, v):
    return softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5) @ v


def cross_entropy(logits, target):
    return -(softmax(logits).log())[torch.arange(len(target)), target].mean()


def rnn(x, h0, w_ih, w_hh, b_ih, b_hh):
    h, states = h0, []
    for step in x:
        h = torch.tanh(step @ w_ih.T + b_ih + h @ w_hh.T + b_hh)
        states.append(h)
    return torch.stack(states), h


def lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh):
    h, c, states = h0, c0, []
    for step in x:
        i, f, g, o = (step @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states), h, c


def batch_norm(x, weight, bias):
    dims = (0, 2)
    mu = x.mean(dims, keepdim=True)
    v = ((x - mu) ** 2).mean(dims, keepdim=True)
    return (x - mu) / (v + 1e-5).sqrt() * weight[:, None] + bias[:, None]


def gru(x, h0, w_ih, w_hh, b_ih, b_hh):
    h, states = h0, []
    for step in x:
        (ar, az, an), (br, bz, bn) = (step @ w_ih.T + b_ih).chunk(3, -1), (h @ w_hh.T + b_hh).chunk(3, -1)
        r, z = (ar + br).sigmoid(), (az + bz).sigmoid()
        h = (1 - z) * (an + r * bn).tanh() + z * h
        states.append(h)
    return torch.stack(states), h


def rms_norm(x, weight):
    return x / ((x**2).mean(-1, keepdim=True) + 1e-6).sqrt() * weight


def group_norm(x, weight, bias):
    parts = x.reshape(len(x), 2, -1)
    mu = parts.mean(-1, keepdim=True)
    v = ((parts - mu) ** 2).mean(-1, keepdim=True)
    return ((parts - mu) / (v + 1e-5).sqrt()).reshape(x.shape) * weight[:, None] + bias[:, None]


def bce(x, target):
    return -(target * x.sigmoid().log() + (1 - target) * (1 - x.sigmoid()).log()).mean()


def mlp_loss(x, target, w1, b1, w2, b2):
    return cross_entropy((x @ w1.T + b1).relu() @ w2.T + b2, target)


def cnn_loss(x, target, w1, b1, w2, b2, w3, b3):
    z1 = F.max_pool2d(F.conv2d(x, w1, b1, padding=1).relu(), 2)
    z2 = F.max_pool2d(F.conv2d(z1, w2, b2, padding=1).relu(), 2)
    return cross_entropy(z2.flatten(1) @ w3.T + b3, target)


def embedding(token, weight):
    return weight[token]


CASES: tuple[Case, ...] = (
    Case("linear", ((2, 3), (4, 3), (4,)), lambda x, w, b: x @ w.T + b),
    Case("sigmoid", ((3, 4),), lambda x: 1 / (1 + (-x).exp())),
    Case("tanh", ((3, 4),), torch.tanh),
    Case("silu", ((3, 4),), lambda x: x / (1 + (-x).exp())),
    Case("gelu", ((3, 4),), lambda x: x / 2 * (1 + torch.erf(x / 2**0.5))),
    Case("softmax", ((3, 4),), softmax),
    Case("log_softmax", ((3, 4),), lambda x: softmax(x).log()),
    Case("layer_norm", ((3, 4), (4,), (4,)), layer_norm),
    Case("conv1d", ((2, 3, 7), (4, 3, 2), (4,)), lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1),
         {"stride": 2, "padding": 1}),
    Case("conv2d", ((2, 2, 5, 6), (3, 2, 2, 3), (3,)),
         lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 0)), {"stride": (2, 1), "padding": (1, 0)}),
    Case("max_pool2d", ((2, 4, 6),), lambda x: F.max_pool2d(x, 2), {"kernel_size": 2}),
    Case("avg_pool2d", ((2, 4, 6),), lambda x: F.avg_pool2d(x, 2), {"kernel_size": 2}),
    Case("mse_loss", ((3, 4), (3, 4)), lambda x, y: ((x - y) ** 2).mean()),
    Case("cross_entropy", ((4, 3), "classes 4 of 3"), cross_entropy),
    Case("embedding", ("tokens 2×3 of 5", (5, 4)), embedding),
    Case("scaled_dot_product_attention", ((2, 3, 4), (2, 5, 4), (2, 5, 6)), attention),
    Case("rnn", ((3, 2, 4), (2, 3), (3, 4), (3, 3), (3,), (3,)), rnn),
    Case("leaky_relu", ((3, 4),), lambda x: torch.where(x > 0, x, 0.01 * x)),
    Case("bilinear", ((2, 3), (2, 4), (5, 3, 4), (5,)), lambda x, z, w, b: torch.einsum("bi,oij,bj->bo", x, w, z) + b),
    Case("conv_transpose2d", ((2, 2, 3, 4), (2, 3, 2, 3), (3,)),
         lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1), {"stride": 2, "padding": 1}),
    Case("conv2d", ((2, 4, 5, 6), (6, 2, 2, 3), (6,)), lambda x, w, b: F.conv2d(x, w, b, groups=2),
         choices={"groups": 2}),
    Case("max_pool2d", ((2, 5, 6),), lambda x: F.max_pool2d(x, 3, 2, 1),
         {"kernel_size": 3, "stride": 2, "padding": 1}),
    Case("adaptive_avg_pool2d", ((2, 5, 7),), lambda x: F.adaptive_avg_pool2d(x, (3, 2)), {"output_size": (3, 2)}),
    Case("pixel_shuffle", ((2, 8, 3, 2),), lambda x: F.pixel_shuffle(x, 2), choices={"upscale_factor": 2}),
    Case("rms_norm", ((3, 4), (4,)), rms_norm),
    Case("group_norm", ((3, 4, 5), (4,), (4,)), group_norm, choices={"num_groups": 2}),
    Case("dropout", ((3, 4), "kept 3×4"), lambda x, keep: torch.where(keep, x / 0.75, 0), {"p": 0.25}),
    Case("binary_cross_entropy_with_logits", ((3, 4), "between 0 and 1, 3×4"), bce),
    Case("gru", ((3, 2, 4), (2, 3), (9, 4), (9, 3), (9,), (9,)), gru),
    Case("mlp_loss", ((4, 2), "classes 4 of 3", (5, 2), (5,), (3, 5), (3,)), mlp_loss),
    Case("cnn_loss", ((4, 1, 5, 6), "classes 4 of 3", (2, 1, 3, 3), (2,), (3, 2, 3, 3), (3,), (3, 3), (3,)), cnn_loss),
    Case("lstm", ((3, 2, 4), (2, 3), (2, 3), (12, 4), (12, 3), (12,), (12,)), lstm),
)  # fmt: skip


def tuple_of(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def leaves(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Copies that require gradient where they can."""
    return [t.clone().requires_grad_() if t.is_floating_point() else t for t in tensors]
