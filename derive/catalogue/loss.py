"""Losses."""


@layer
def reduced(x: Real[...], *, reduction: Text["mean", "sum", "none"] = "mean"):
    """The mean or the sum of all values, or the values as they are."""
    if reduction == "none":
        y[...] = x[...]
    elif reduction == "sum":
        y = sum[...](x[...])
    else:
        y = mean[...](x[...])
    return y


@layer(torch="nn.MSELoss nn.functional.mse_loss")
def mse_loss(x: Real[...], target: Real[...], *, reduction: Text["mean", "sum", "none"] = "mean"):
    """Squared error."""
    e[...] = (x[...] - target[...])**2
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.L1Loss nn.functional.l1_loss")
def l1_loss(x: Real[...], target: Real[...], *, reduction: Text["mean", "sum", "none"] = "mean"):
    """Absolute error; its slope where both are equal is 0."""
    e[...] = abs(x[...] - target[...])
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.SmoothL1Loss nn.functional.smooth_l1_loss")
def smooth_l1_loss(
    x: Real[...], target: Real[...], *, beta: Real = 1, reduction: Text["mean", "sum", "none"] = "mean",
):
    """Squared error up to beta, absolute error beyond, joined smoothly."""
    d[...] = x[...] - target[...]
    e[...] = where(abs(d[...]) < beta, d[...]**2/(2*beta), abs(d[...]) - beta/2)
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.HuberLoss nn.functional.huber_loss")
def huber_loss(
    x: Real[...], target: Real[...], *, delta: Real = 1, reduction: Text["mean", "sum", "none"] = "mean",
):
    """Half the squared error up to delta, delta times the absolute error beyond, joined smoothly."""
    d[...] = x[...] - target[...]
    e[...] = where(abs(d[...]) < delta, d[...]**2/2, delta*(abs(d[...]) - delta/2))
    loss = reduced(e, reduction=reduction)
    return loss


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


@layer(torch="nn.CrossEntropyLoss nn.functional.cross_entropy")
def soft_cross_entropy(
    logits: Real[N, C, ...],
    target: Real[N, C, ...],
    weight: Const[C] = 1,
    *,
    reduction: Text["mean", "sum", "none"] = "mean", label_smoothing: Real = 0.0,
):
    """Cross entropy between class probabilities and the softmax of the logits."""
    logp = log_softmax(logits, dim=1)
    e[n, ...] = -sum[c](
        weight[c]*((1 - label_smoothing)*target[n, c, ...] + label_smoothing/C)*logp[n, c, ...])
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.NLLLoss nn.NLLLoss2d nn.functional.nll_loss")
def nll_loss(
    x: Real[N, C, ...],
    target: Index[N, ...],
    weight: Const[C] = 1,
    *,
    ignore_index: Int = -100, reduction: Text["mean", "sum", "none"] = "mean",
):
    """Negative log-likelihood of class indices, given log-probabilities."""
    e[n, ...] = where(target[n, ...] != ignore_index, -weight[target[n, ...]]*x[n, target[n, ...], ...], 0)
    if reduction == "none":
        loss[n, ...] = e[n, ...]
    elif reduction == "sum":
        loss = sum[n, ...](e[n, ...])
    else:
        loss = sum[n, ...](e[n, ...])/sum[n, ..., target[n, ...] != ignore_index](weight[target[n, ...]])
    return loss


@layer(torch="nn.KLDivLoss nn.functional.kl_div")
def kl_div(
    x: Real[*N, ...],
    target: Real[*N, ...],
    *,
    reduction: Text["mean", "batchmean", "sum", "none"] = "mean", log_target: Bool = False,
):
    """Kullback-Leibler divergence of the target from the distribution whose logarithm is x."""
    assert len(N) == (1 if reduction == "batchmean" else 0)
    if log_target:
        e[*n, ...] = exp(target[*n, ...])*(target[*n, ...] - x[*n, ...])
    else:
        e[*n, ...] = where(target[*n, ...] != 0, target[*n, ...]*(log(target[*n, ...]) - x[*n, ...]), 0)
    if reduction == "batchmean":
        loss = sum[*n, ...](e[*n, ...])/N
    else:
        loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.BCELoss nn.functional.binary_cross_entropy")
def binary_cross_entropy(
    x: Real[...], target: Real[...], weight: Const[...] = 1, *, reduction: Text["mean", "sum", "none"] = "mean",
):
    """Cross entropy of a Bernoulli target under the probability x; logarithms stop at −100."""
    p[...] = where(x[...] == 0, -100, log(x[...]))
    q[...] = where(x[...] == 1, -100, log(1 - x[...]))
    a[...] = where(p[...] < -100, -100, p[...])
    b[...] = where(q[...] < -100, -100, q[...])
    e[...] = -weight[...]*(target[...]*a[...] + (1 - target[...])*b[...])
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.BCEWithLogitsLoss nn.functional.binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    x: Real[...], target: Real[...], weight: Const[...] = 1, pos_weight: Const[...] = 1,
    *,
    reduction: Text["mean", "sum", "none"] = "mean",
):
    """Cross entropy of a Bernoulli target under σ(x), without overflow."""
    e[...] = weight[...]*((1 - target[...])*x[...] - (1 + (pos_weight[...] - 1)*target[...])*logsigmoid(x[...]))
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.SoftMarginLoss nn.functional.soft_margin_loss")
def soft_margin_loss(x: Real[...], target: Const[...], *, reduction: Text["mean", "sum", "none"] = "mean"):
    """Logistic loss of targets that are 1 or −1."""
    e[...] = softplus(-target[...]*x[...])
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.MultiLabelSoftMarginLoss nn.functional.multilabel_soft_margin_loss")
def multilabel_soft_margin_loss(
    x: Real[..., C], target: Real[..., C], weight: Const[C] = 1,
    *,
    reduction: Text["mean", "sum", "none"] = "mean",
):
    """Mean over the classes of Bernoulli cross entropies under σ(x)."""
    b[..., c] = (1 - target[..., c])*x[..., c] - logsigmoid(x[..., c])
    e[...] = mean[c](weight[c]*b[..., c])
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.HingeEmbeddingLoss nn.functional.hinge_embedding_loss")
def hinge_embedding_loss(
    x: Real[...], target: Index[...], *, margin: Real = 1, reduction: Text["mean", "sum", "none"] = "mean",
):
    """A distance x where the target is 1; by how much it falls short of the margin where it is −1."""
    e[...] = (where(target[...] != -1, x[...], 0)
              + where(target[...] != 1 and x[...] <= margin, margin - x[...], 0))
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.MarginRankingLoss nn.functional.margin_ranking_loss")
def margin_ranking_loss(
    x1: Real[...], x2: Real[...], target: Real[...],
    *,
    margin: Real = 0, reduction: Text["mean", "sum", "none"] = "mean",
):
    """By how much x₁ fails to exceed x₂ by the margin where the target is 1, and the other way round for −1."""
    d[...] = margin - target[...]*(x1[...] - x2[...])
    e[...] = where(d[...] >= 0, d[...], 0)
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.CosineEmbeddingLoss nn.functional.cosine_embedding_loss")
def cosine_embedding_loss(
    x1: Real[..., D], x2: Real[..., D], target: Index[...],
    *,
    margin: Real = 0, eps: Real = 1e-12, reduction: Text["mean", "sum", "none"] = "mean",
):
    """1 − cos where the target is 1; by how much cos exceeds the margin where it is −1."""
    cos[...] = sum[d](x1[..., d]*x2[..., d])/sqrt(
        (sum[d](x1[..., d]**2) + eps)*(sum[d](x2[..., d]**2) + eps))
    e[...] = where(
        target[...] == 1, 1 - cos[...],
        where(target[...] == -1 and cos[...] >= margin, cos[...] - margin, 0))
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.MultiMarginLoss nn.functional.multi_margin_loss")
def multi_margin_loss(
    x: Real[N, C],
    target: Index[N],
    weight: Const[C] = 1,
    *,
    p: Int = 1, margin: Real = 1, reduction: Text["mean", "sum", "none"] = "mean",
):
    """By how much every other class comes within the margin of the right one, to the power p."""
    d[n, c] = margin - x[n, target[n]] + x[n, c]
    e[n] = sum[c, c != target[n], d[n, c] > 0](weight[target[n]]*d[n, c]**p)/C
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.MultiLabelMarginLoss nn.functional.multilabel_margin_loss")
def multilabel_margin_loss(x: Real[N, C], target: Index[N, C], *, reduction: Text["mean", "sum", "none"] = "mean"):
    """By how much every class that is no target comes within 1 of each target; the first −1 ends the targets."""
    named[n, j] = all[k <= j](target[n, k] >= 0)
    right[n, c] = any[j, named[n, j]](target[n, j] == c)
    z[n, j] = where(named[n, j], x[n, target[n, j]], 0)
    e[n] = sum[j, named[n, j], c, not right[n, c]](where(z[n, j] - x[n, c] < 1, 1 - z[n, j] + x[n, c], 0))/C
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.TripletMarginLoss nn.TripletMarginWithDistanceLoss nn.functional.triplet_margin_loss")
def triplet_margin_loss(
    anchor: Real[..., D],
    positive: Real[..., D],
    negative: Real[..., D],
    *,
    margin: Real = 1, p: Real = 2, eps: Real = 1e-6, swap: Bool = False,
    reduction: Text["mean", "sum", "none"] = "mean",
):
    """By how much the anchor is not nearer to the positive than to the negative by the margin."""
    near = pairwise_distance(anchor, positive, p=p, eps=eps)
    if swap:
        far1 = pairwise_distance(anchor, negative, p=p, eps=eps)
        far2 = pairwise_distance(positive, negative, p=p, eps=eps)
        d[...] = margin + near[...] - min(far1[...], far2[...])
    else:
        far = pairwise_distance(anchor, negative, p=p, eps=eps)
        d[...] = margin + near[...] - far[...]
    e[...] = where(d[...] >= 0, d[...], 0)
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.PoissonNLLLoss nn.functional.poisson_nll_loss")
def poisson_nll_loss(
    x: Real[...],
    target: Real[...],
    *,
    log_input: Bool = True, full: Bool = False, eps: Real = 1e-8,
    reduction: Text["mean", "sum", "none"] = "mean",
):
    """Negative log-likelihood of counts under a Poisson rate x, or exp(x); ``full`` adds Stirling's log(target!)."""
    if log_input:
        a[...] = exp(x[...]) - target[...]*x[...]
    else:
        a[...] = x[...] - target[...]*log(x[...] + eps)
    if full:
        e[...] = a[...] + where(
            target[...] > 1,
            target[...]*log(target[...]) - target[...] + log(6.283185307179586*target[...])/2,
            0)
    else:
        e[...] = a[...]
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.GaussianNLLLoss nn.functional.gaussian_nll_loss")
def gaussian_nll_loss(
    x: Real[...],
    target: Real[...],
    var: Real[...],
    *,
    full: Bool = False, eps: Real = 1e-6, reduction: Text["mean", "sum", "none"] = "mean",
):
    """Negative log-likelihood under a normal distribution of mean x; a variance below eps counts as eps."""
    v[...] = where(var[...] < eps, eps, var[...])
    d[...] = x[...] - target[...]
    if full:
        e[...] = (log(v[...]) + d[...]**2/v[...])/2 + log(6.283185307179586)/2
    else:
        e[...] = (log(v[...]) + d[...]**2/v[...])/2
    loss = reduced(e, reduction=reduction)
    return loss


@layer(torch="nn.CTCLoss nn.functional.ctc_loss")
def ctc_loss(
    log_probs: Real[T, N, C],
    targets: Index[N, S],
    input_lengths: Index[N],
    target_lengths: Index[N],
    *,
    blank: Int = 0, reduction: Text["mean", "sum", "none"] = "mean", zero_infinity: Bool = False,
):
    """Negative log-probability of the targets over all their alignments, blanks before, between and after them."""
    assert 0 <= blank < C
    K = 2*S + 1
    label: Index[N, K]
    label[n, k] = where(k % 2 == 0, blank, targets[n, k//2])
    moves: Index[N, K]
    moves[n, k] = where(k % 2 == 1 and k >= 2, where(label[n, k] != label[n, k - 2], 3, 2), min(k + 1, 2))
    alpha: Real[T, N, K]
    best: Real[T, N, K]
    alpha[-1, n, k] = where(k == 0, 0, -inf)
    best[t, n, k] = constant(max[i < 3, i < moves[n, k]](alpha[t - 1, n, k - i]))
    alpha[t, n, k] = where(
        best[t, n, k] > -inf,
        best[t, n, k] + log_probs[t, n, label[n, k]]
        + log(sum[i < 3, i < moves[n, k]](exp(alpha[t - 1, n, k - i] - best[t, n, k]))),
        -inf)
    top[n] = constant(max[k, 2*target_lengths[n] - 1 <= k <= 2*target_lengths[n]](alpha[input_lengths[n] - 1, n, k]))
    e[n] = where(
        top[n] > -inf,
        -top[n] - log(sum[k, 2*target_lengths[n] - 1 <= k <= 2*target_lengths[n]](
            exp(alpha[input_lengths[n] - 1, n, k] - top[n]))),
        0 if zero_infinity else inf)
    if reduction == "mean":
        loss = mean[n](e[n]/max(target_lengths[n], 1))
    else:
        loss = reduced(e, reduction=reduction)
    return loss
