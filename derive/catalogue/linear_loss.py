"""A linear map under cross entropy, as one loss."""


@layer(torch="nn.LinearCrossEntropyLoss nn.functional.linear_cross_entropy")
def linear_cross_entropy(
    x: Real[N, I],
    linear_weight: Real[C, ..., I],
    target: Index[N, ...],
    linear_bias: Real[C, ...] = 0,
    weight: Const[C] = 1,
    *,
    ignore_index: Int = -100, reduction: Text["mean", "sum", "none"] = "mean", label_smoothing: Real = 0.0,
):
    """Cross entropy of class indices under the softmax of an affine map."""
    logits[n, c, ...] = sum[i](linear_weight[c, ..., i]*x[n, i]) + linear_bias[c, ...]
    loss = cross_entropy(
        logits, target, weight,
        ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing)
    return loss


@layer(torch="nn.LinearCrossEntropyLoss nn.functional.linear_cross_entropy")
def soft_linear_cross_entropy(
    x: Real[N, I],
    linear_weight: Real[C, ..., I],
    target: Real[N, C, ...],
    linear_bias: Real[C, ...] = 0,
    weight: Const[C] = 1,
    *,
    reduction: Text["mean", "sum", "none"] = "mean", label_smoothing: Real = 0.0,
):
    """Cross entropy between class probabilities and the softmax of an affine map."""
    logits[n, c, ...] = sum[i](linear_weight[c, ..., i]*x[n, i]) + linear_bias[c, ...]
    loss = soft_cross_entropy(logits, target, weight, reduction=reduction, label_smoothing=label_smoothing)
    return loss
