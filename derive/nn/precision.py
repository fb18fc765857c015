"""In which precision a function runs under ``torch.autocast``: torch's own lists, data.

What is on neither list runs in the widest precision among its inputs and answers in that of the data.
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


def under_autocast(call: Call) -> None:
    """Real inputs take the precision that torch would choose."""
    import torch

    real = {n: v for n, v in call.inputs.items() if isinstance(v, torch.Tensor) and v.is_floating_point()}
    device = next((v.device.type for v in real.values()), "")
    if (
        device not in LOWER
        or not torch.is_autocast_enabled(device)
        or any(v.dtype == torch.float64 for v in real.values())
    ):
        return
    if call.word in LOWER.get(device, ()):
        dtype = torch.get_autocast_dtype(device)
    elif call.word in FULL.get(device, ()):
        dtype = torch.float32
    else:
        data, dtype = next(iter(real.values())).dtype, _widest([v.dtype for v in real.values()])
        if data != dtype:
            call.afterwards.append(_to(data))
    call.inputs |= {n: v.to(dtype) for n, v in real.items() if v.dtype != dtype}


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
