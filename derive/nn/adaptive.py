"""Adaptive softmax: what torch writes with indexed copies, as gathers, whose derivatives are derived.

Which rows go to which cluster depends on the data, so it is decided here; each cluster is made of catalogue layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _functions() -> tuple[Callable[..., Any], ...]:
    from derive.nn.binding import bound

    return tuple(bound(n) for n in ("gather", "add", "nn.functional.embedding", "nn.functional.log_softmax"))


def forward(self: Any, input_: Any, target_: Any) -> Any:
    """Each row's log-probability, the head's and its cluster's, and the mean of their negatives."""
    import torch
    from torch.nn.modules.adaptive import _ASMoutput

    from derive.nn.binding import bound

    _fitting(input_, target_, self.n_classes)
    gather, add, _, log_softmax = _functions()
    x, target = (input_, target_) if target_.dim() else (input_.unsqueeze(0), target_.unsqueeze(0))
    cluster = torch.bucketize(target, torch.tensor(self.cutoffs, device=target.device), right=True)
    place = torch.where(cluster == 0, target, self.shortlist_size + cluster - 1)
    head = gather(log_softmax(self.head(x), dim=1), 1, place.unsqueeze(1)).squeeze(1)
    output = add(head, _tails(self, x, target, cluster))
    loss = bound("nn.functional.nll_loss")(output.unsqueeze(1), torch.zeros_like(target))
    return _ASMoutput(output if target_.dim() else output.squeeze(0), loss)


def _tails(self: Any, x: Any, target: Any, cluster: Any) -> Any:
    """Each row's log-probability within its cluster; 0 in the short list."""
    import torch

    gather, _, take, log_softmax = _functions()
    parts, order = [x.new_zeros(1, 1)], torch.zeros_like(target)
    for i, (tail, low) in enumerate(zip(self.tail, self.cutoffs[:-1], strict=True), 1):
        rows = (cluster == i).nonzero().squeeze(1)
        if len(rows):
            order[rows] = torch.arange(len(rows), device=rows.device) + sum(map(len, parts))
            own = log_softmax(tail(take(rows, x)), dim=1)
            parts.append(gather(own, 1, (target[rows] - low).unsqueeze(1)))
    return take(order, torch.cat(parts)).squeeze(1)


def full_log_prob(self: Any, input: Any, head_output: Any) -> Any:
    """Log-probabilities of all classes: a cluster's, plus the head's for the cluster."""
    import torch

    from derive.nn.shapes import spread

    _, add, _, log_softmax = _functions()
    head = log_softmax(head_output, dim=1)
    parts = [head[:, : self.shortlist_size]]
    for i, tail in enumerate(self.tail):
        own, at = log_softmax(tail(input), dim=1), self.shortlist_size + i
        parts.append(add(own, spread(head[:, at : at + 1], tuple(own.shape))))
    return torch.cat(parts, 1)


def _fitting(x: Any, target: Any, classes: int) -> None:
    """Torch's own conditions, in its words."""
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.dim() and x.size(0) != target.size(0):
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if x.dim() != target.dim() + 1:
        raise RuntimeError(f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, "
                           f"but found inputs with size {x.size()}")  # fmt: skip
    if target.numel() and not (target.min() >= 0 and target.max() < classes):
        raise RuntimeError(f"Target values should be in [0, {classes - 1}], but values in range "
                           f"[{target.min().item()}, {target.max().item()}] were found. ")  # fmt: skip


#: Classes of torch.nn whose methods compute by more than functions: theirs instead.
METHODS: dict[str, dict[str, Callable[..., Any]]] = {
    "AdaptiveLogSoftmaxWithLoss": {"forward": forward, "_get_full_log_prob": full_log_prob},
}
