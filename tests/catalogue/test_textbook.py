"""Closed forms as textbooks print them, each with where it stands: so must the tool, from the forward alone."""

import pytest

import derive
from derive import reports

GOODFELLOW = "Goodfellow, Bengio, Courville: Deep Learning (MIT Press 2016)"
BISHOP = "Bishop: Pattern Recognition and Machine Learning (Springer 2006)"
MURPHY = "Murphy: Probabilistic Machine Learning: An Introduction (MIT Press 2022)"

#: definition, choices, a line of what is printed, where it stands
FORMS = (
    ("sigmoid", {}, "dx[…] = dy[…] · y[…] · (1 − y[…])", f"{BISHOP}, 4.88"),
    ("tanh", {}, "dx[…] = dy[…] · (1 − y[…]²)", f"{BISHOP}, 5.59 and exercise 5.1"),
    ("relu", {}, "dx[…] = dy[…]   if x[…] > 0, else 0", f"{GOODFELLOW}, 6.3.1"),
    ("leaky_relu", {}, "dx[…] = dy[…] if x[…] > 0 else negative_slope · dy[…]", f"{GOODFELLOW}, 6.3.1"),
    ("elu", {}, "dx[…] = dy[…] if x[…] > 0 else alpha · dy[…] · exp(x[…])", "Clevert et al. (ICLR 2016), 15"),
    (
        "silu", {}, "dx[…] = dy[…] · sigmoid(x[…]) · (1 + x[…] · (1 − sigmoid(x[…])))",
        "Elfwing, Uchibe, Doya (Neural Networks 2018), 5",
    ),
    (
        "softplus", {}, "dx[…] = dy[…] if threshold < beta · x[…] else dy[…] · sigmoid(beta · x[…])",
        f"{GOODFELLOW}, 3.39: the derivative of the softplus is the sigmoid",
    ),
    ("logsigmoid", {}, "dx[…] = dy[…] · (1 − sigmoid(x[…]))", f"{GOODFELLOW}, 3.38 and 3.39"),
    ("tanhshrink", {}, "dx[…] = dy[…] · tanh(x[…])²", "1 − (1 − tanh²), from the line of tanh"),
    (
        "softmax", {}, "dx[…,k] = y[…,k] · (dy[…,k] − Σ j  dy[…,j] · y[…,j])",
        f"{BISHOP}, 4.106: ∂y_k/∂a_j = y_k (I_kj − y_j), contracted with dy",
    ),
    (
        "softmax", {"dim": 1}, "dx[a,k,*b] = y[a,k,*b] · (dy[a,k,*b] − Σ j  dy[a,j,*b] · y[a,j,*b])",
        f"{BISHOP}, 4.106, along the second axis",
    ),
    ("softmin", {}, "dx[…,k] = y[…,k] · (Σ j  dy[…,j] · y[…,j] − dy[…,k])", f"{BISHOP}, 4.106, of −x"),
    (
        "log_softmax", {}, "dx[…,k] = dy[…,k] − exp(y[…,k]) · Σ j  dy[…,j]",
        f"{MURPHY}, 10.3.3: the gradient of the log-likelihood of logits is target − softmax",
    ),
    ("linear", {}, "dx[…,i] = Σ o  dy[…,o] · weight[o,i]", f"{GOODFELLOW}, algorithm 6.4"),
    ("linear", {}, "dweight[o,i] = Σ …  dy[…,o] · x[…,i]", f"{GOODFELLOW}, algorithm 6.4"),
    ("linear", {}, "dbias[o] = Σ …  dy[…,o]", f"{GOODFELLOW}, algorithm 6.4"),
    ("mse_loss", {}, "dx[…] = 2 · dloss · (x[…] − target[…]) / size(…)", f"{BISHOP}, 5.18, twice, over the mean"),
    ("mse_loss", {"reduction": "sum"}, "dx[…] = 2 · dloss · (x[…] − target[…])", f"{BISHOP}, 5.18, twice"),
    ("l1_loss", {"reduction": "sum"}, "dx[…] = dloss · sign(x[…] − target[…])", f"{MURPHY}, 11.6.1"),
    (
        "cross_entropy", {"weight": None, "reduction": "sum", "ignore_index": -100},
        "dlogits[n,c,…] = dloss · (exp(logp[n,c,…]) − [target[n,…] = c])", f"{BISHOP}, 4.109: y − t",
    ),
    (
        "poisson_nll_loss", {"reduction": "sum"}, "dx[…] = dloss · (exp(x[…]) − target[…])",
        f"{MURPHY}, 12.2.3: mean − count, the canonical link",
    ),
    ("embedding", {}, "dweight[v,d] = Σ …  [token[…] = v] · dy[…,d]", "a sum over the places where the row was read"),
    ("cumsum", {}, "dx[…,j] = Σ k, j ≤ k  dy[…,k]", "the transpose of a lower triangle of ones"),
    ("layer_norm", {}, "Σ k  xhat[…,k] = 0", "Ba, Kiros, Hinton: Layer Normalization (2016), 3"),
    (
        "layer_norm", {"weight": None, "bias": None},
        "(K · dy[…,k] − Σ j  dy[…,j] − xhat[…,k] · Σ j  dy[…,j] · xhat[…,j]) / K",
        "Ioffe, Szegedy: Batch Normalization (ICML 2015), 3, over one axis",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("name", "choices", "line", "source"), FORMS, ids=[f"{f[0]}-{i}" for i, f in enumerate(FORMS)])
def test_form_is_printed(name, choices, line, source):
    program = derive.load(name, **choices)
    document = reports.merged(reports.forward(program), reports.derivative(derive.vjp(program), program))
    rows = [" ".join(row.split()) for row in reports.render(document).splitlines()]
    assert " ".join(line.split()) in rows, (source, rows)
