"""Losses."""


@layer(torch="nn.MSELoss nn.functional.mse_loss")
def mse_loss(x: Real[...], target: Real[...], *, reduction: Text["mean", "sum", "none"] = "mean"):
    """Squared error."""
    e[...] = (x[...] - target[...])**2
    if reduction == "none":
        y[...] = e[...]
    elif reduction == "sum":
        y = sum[...](e[...])
    else:
        y = mean[...](e[...])
    return y


@layer(torch="nn.CrossEntropyLoss nn.functional.cross_entropy")
def cross_entropy(
    logits: Real[N, C, ...],
    target: Index[N, ...],
    weight: Const[C] = 1,
    *,
    ignore_index: Int = -100, reduction: Text["mean", "sum", "none"] = "mean", label_smoothing: Real = 0.0,
):
    """Negative log-likelihood of class indices under the softmax of the logits."""
    m[n, ...] = max[c](logits[n, c, ...])
    s[n, ...] = sum[c](exp(logits[n, c, ...] - m[n, ...]))
    logp[n, c, ...] = logits[n, c, ...] - m[n, ...] - log(s[n, ...])
    if label_smoothing > 0:
        e[n, ...] = where(
            target[n, ...] != ignore_index,
            (label_smoothing - 1)*weight[target[n, ...]]*logp[n, target[n, ...], ...]
            - label_smoothing/C*sum[c](weight[c]*logp[n, c, ...]),
            0)
    else:
        e[n, ...] = where(
            target[n, ...] != ignore_index,
            -weight[target[n, ...]]*logp[n, target[n, ...], ...],
            0)
    if reduction == "none":
        loss[n, ...] = e[n, ...]
    elif reduction == "sum":
        loss = sum[n, ...](e[n, ...])
    else:
        loss = sum[n, ...](e[n, ...])/sum[n, ..., target[n, ...] != ignore_index](weight[target[n, ...]])
    return loss


@layer(torch="nn.BCEWithLogitsLoss nn.functional.binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    x: Real[...],
    target: Real[...],
    weight: Const[...] = 1,
    pos_weight: Const[...] = 1,
    *,
    reduction: Text["mean", "sum", "none"] = "mean",
):
    """Cross entropy of a Bernoulli target under σ(x), without overflow."""
    e[...] = weight[...]*((1 - target[...])*x[...] - (1 + (pos_weight[...] - 1)*target[...])*logsigmoid(x[...]))
    if reduction == "none":
        loss[...] = e[...]
    elif reduction == "sum":
        loss = sum[...](e[...])
    else:
        loss = mean[...](e[...])
    return loss
