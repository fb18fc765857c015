"""In which precision a function runs where inputs differ, or under ``torch.autocast``: torch's own lists, data.

Under autocast what is on neither list runs in the widest precision among its inputs and answers in that of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.nn.call import Call

_CONVOLUTIONS = "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"
_LOSSES = (
    "l1_loss smooth_l1_loss mse_loss kl_div nll_loss poisson_nll_loss cross_entropy hinge_embedding_loss "
    "cosine_embedding_loss margin_ranking_loss multilabel_margin_loss multi_margin_loss soft_margin_loss "
    "binary_cross_entropy_with_logits linear_cross_entropy ctc_loss triplet_margin_loss"
)
#: device type → functions that run in autocast's own precision.
LOWER = {
    "cpu": frozenset(f"{_CONVOLUTIONS} linear prelu scaled_dot_product_attention rnn_tanh rnn_relu lstm "
                     "rnn_tanh_cell rnn_relu_cell multi_head_attention_forward".split()),
    "cuda": frozenset(f"{_CONVOLUTIONS} linear prelu scaled_dot_product_attention rnn_tanh rnn_relu lstm gru "
                      "rnn_tanh_cell rnn_relu_cell lstm_cell gru_cell multi_head_attention_forward".split()),
}  # fmt: skip
#: device type → functions that run in float32.
FULL = {
    "cpu": frozenset(f"{_LOSSES} huber_loss binary_cross_entropy avg_pool3d adaptive_avg_pool3d max_pool3d "
                     "adaptive_max_pool3d lp_pool3d pad grid_sample".split()),
    "cuda": frozenset(f"{_LOSSES} layer_norm group_norm softmax softmin log_softmax softplus cosine_similarity "
                      "normalize pdist pairwise_distance".split()),
}  # fmt: skip


_TERMS = (
    "mse_loss l1_loss smooth_l1_loss cross_entropy kl_div cosine_embedding_loss margin_ranking_loss gaussian_nll_loss "
    "poisson_nll_loss multilabel_soft_margin_loss triplet_margin_loss triplet_margin_with_distance_loss"
)
#: Functions that take inputs of several precisions: they answer in the widest,
WIDEST = frozenset(f"{_TERMS} add cosine_similarity pairwise_distance".split())
#: or in that of the input at this place.
PLACED = {"rms_norm": 0, "soft_margin_loss": 0, "huber_loss": 0, "binary_cross_entropy_with_logits": 1}
#: Norms do so where the data are the narrower ones: what they keep is written back as it is.
PLACED_NARROW = ("batch_norm", "instance_norm", "layer_norm", "group_norm")


def in_one_precision(call: Call) -> None:
    """Real inputs take the precision that torch would choose."""
    import torch

    real = _real(call)
    dtypes = [v.dtype for v in real]
    device = real[0].device.type if real else ""
    if device in LOWER and torch.is_autocast_enabled(device) and torch.float64 not in dtypes:
        _under_autocast(call, device, dtypes)
    elif any(dtype != dtypes[0] for dtype in dtypes):
        _promoted(call, dtypes, _widest(dtypes))


def _promoted(call: Call, dtypes: list[Any], widest: Any) -> None:
    """Where torch has no such function for several precisions, the call says so as it stands."""
    if call.word in PLACED:
        call.afterwards.append(_to(dtypes[PLACED[call.word]]))
    elif call.word in PLACED_NARROW and dtypes[0] != widest:
        call.afterwards.append(_to(dtypes[0]))
    elif call.word not in WIDEST:
        return
    _change(call, widest)


def _under_autocast(call: Call, device: str, dtypes: list[Any]) -> None:
    import torch

    if call.word in LOWER[device]:
        dtype = torch.get_autocast_dtype(device)
    elif call.word in FULL[device]:
        dtype = torch.float32
    else:
        dtype = _widest(dtypes)
        if dtypes[0] != dtype and call.word not in WIDEST:
            call.afterwards.append(_to(dtypes[0]))
    _change(call, dtype)


def _real(call: Call) -> list[Any]:
    """The real inputs, the members of a family one by one."""
    import torch

    flat = [x for v in call.inputs.values() for x in (v if isinstance(v, list | tuple) else (v,))]
    return [x for x in flat if isinstance(x, torch.Tensor) and x.is_floating_point()]


def _change(call: Call, dtype: Any) -> None:
    """Every real input in this precision."""
    import torch

    def changed(v: Any) -> Any:
        if isinstance(v, list | tuple):
            return [changed(x) for x in v]
        other = isinstance(v, torch.Tensor) and v.is_floating_point() and v.dtype != dtype
        return v.to(dtype) if other else v

    call.inputs = {n: changed(v) for n, v in call.inputs.items()}


def _widest(dtypes: list[Any]) -> Any:
    import torch

    widest = dtypes[0]
    for dtype in dtypes[1:]:
        widest = torch.promote_types(widest, dtype)
    return widest


def _to(dtype: Any) -> Callable[[Any], Any]:
    def change(y: Any) -> Any:
        return y.to(dtype) if y.is_floating_point() else y

    return lambda result: tuple(map(change, result)) if isinstance(result, tuple) else change(result)
