"""Activations: pointwise ones, and those along one axis."""


@layer(torch="nn.ReLU nn.functional.relu")
def relu(x: Real[...]):
    """Rectifier: y = max(x, 0), with slope 0 at 0."""
    y[...] = relu(x[...])
    return y


@layer(torch="nn.LeakyReLU nn.functional.leaky_relu")
def leaky_relu(x: Real[...], *, negative_slope: Real = 0.01):
    """Leaky rectifier; at 0 its slope is the negative side's."""
    y[...] = where(x[...] > 0, x[...], negative_slope*x[...])
    return y


@layer(torch="nn.Sigmoid nn.functional.sigmoid")
def sigmoid(x: Real[...]):
    """Logistic function: y = 1/(1 + exp(−x))."""
    y[...] = sigmoid(x[...])
    return y


@layer(torch="nn.Tanh nn.functional.tanh")
def tanh(x: Real[...]):
    """Hyperbolic tangent."""
    y[...] = tanh(x[...])
    return y


@layer(torch="nn.GELU nn.functional.gelu")
def gelu(x: Real[...], *, approximate: Text["none", "tanh"] = "none"):
    """Gaussian error linear unit: y = x Φ(x), or its tanh approximation."""
    if approximate == "tanh":
        y[...] = x[...]/2*(1 + tanh(0.7978845608028654*(x[...] + 0.044715*x[...]**3)))
    else:
        y[...] = x[...]/2*(1 + erf(x[...]/sqrt(2)))
    return y


@layer(torch="nn.SiLU nn.functional.silu")
def silu(x: Real[...]):
    """Sigmoid linear unit: y = x σ(x)."""
    y[...] = x[...]*sigmoid(x[...])
    return y


@layer(torch="nn.Softmax nn.Softmax2d nn.functional.softmax")
def softmax(x: Real[..., K, *B], *, dim: Int = -1):
    """Softmax along one axis: y = exp(x)/Σ exp(x)."""
    assert dim == len(...) or dim == -len(B) - 1
    m[..., *b] = max[k](x[..., k, *b])
    e[..., k, *b] = exp(x[..., k, *b] - m[..., *b])
    y[..., k, *b] = e[..., k, *b]/sum[j](e[..., j, *b])
    return y


@layer(torch="nn.Softmin nn.functional.softmin")
def softmin(x: Real[..., K, *B], *, dim: Int = -1):
    """Softmax of −x along one axis: the smallest value weighs most."""
    assert dim == len(...) or dim == -len(B) - 1
    m[..., *b] = min[k](x[..., k, *b])
    e[..., k, *b] = exp(m[..., *b] - x[..., k, *b])
    y[..., k, *b] = e[..., k, *b]/sum[j](e[..., j, *b])
    return y


@layer(torch="nn.LogSoftmax nn.functional.log_softmax")
def log_softmax(x: Real[..., K, *B], *, dim: Int = -1):
    """Logarithm of the softmax along one axis."""
    assert dim == len(...) or dim == -len(B) - 1
    m[..., *b] = max[k](x[..., k, *b])
    s[..., *b] = sum[k](exp(x[..., k, *b] - m[..., *b]))
    y[..., k, *b] = x[..., k, *b] - m[..., *b] - log(s[..., *b])
    return y


@layer(torch="nn.GLU nn.functional.glu")
def glu(x: Real[..., [2, K], *B], *, dim: Int = -1):
    """Gated linear unit: the first half of an axis, each value times the sigmoid of its twin in the second."""
    assert dim == len(...) or dim == -len(B) - 1
    y[..., k, *b] = x[..., [0, k], *b]*sigmoid(x[..., [1, k], *b])
    return y


@layer(torch="nn.ReLU6 nn.functional.relu6")
def relu6(x: Real[...]):
    """Rectifier that stops at 6; its slope at 0 and at 6 is 0."""
    y[...] = where(x[...] <= 0, 0, where(x[...] >= 6, 6, x[...]))
    return y


@layer(torch="nn.Hardtanh nn.functional.hardtanh")
def hardtanh(x: Real[...], *, min_val: Real = -1, max_val: Real = 1):
    """Identity between two bounds, constant beyond; its slope at a bound is 0."""
    y[...] = where(x[...] <= min_val, min_val, where(x[...] >= max_val, max_val, x[...]))
    return y


@layer(torch="nn.Hardsigmoid nn.functional.hardsigmoid")
def hardsigmoid(x: Real[...]):
    """Straight line from 0 at −3 to 1 at 3, constant beyond."""
    y[...] = where(x[...] <= -3, 0, where(x[...] >= 3, 1, x[...]/6 + 1/2))
    return y


@layer(torch="nn.Hardswish nn.functional.hardswish")
def hardswish(x: Real[...]):
    """x times its hard sigmoid."""
    y[...] = where(x[...] <= -3, 0, where(x[...] >= 3, x[...], x[...]*(x[...] + 3)/6))
    return y


@layer(torch="nn.Hardshrink nn.functional.hardshrink")
def hardshrink(x: Real[...], *, lambd: Real = 0.5):
    """0 from −lambd to lambd, identity beyond."""
    y[...] = where(-lambd <= x[...] <= lambd, 0, x[...])
    return y


@layer(torch="nn.Softshrink nn.functional.softshrink")
def softshrink(x: Real[...], *, lambd: Real = 0.5):
    """Moves x towards 0 by lambd, and no further than 0."""
    y[...] = where(x[...] > lambd, x[...] - lambd, where(x[...] < -lambd, x[...] + lambd, 0))
    return y


@layer(torch="nn.Tanhshrink nn.functional.tanhshrink")
def tanhshrink(x: Real[...]):
    """x − tanh(x)."""
    y[...] = x[...] - tanh(x[...])
    return y


@layer(torch="nn.Threshold nn.functional.threshold")
def threshold(x: Real[...], *, threshold: Real, value: Real):
    """Identity above a threshold, a constant up to it."""
    y[...] = where(x[...] > threshold, x[...], value)
    return y


@layer(torch="nn.ELU nn.functional.elu")
def elu(x: Real[...], *, alpha: Real = 1):
    """Exponential linear unit: x above 0, alpha (exp(x) − 1) below."""
    y[...] = where(x[...] > 0, x[...], alpha*expm1(x[...]))
    return y


@layer(torch="nn.CELU nn.functional.celu")
def celu(x: Real[...], *, alpha: Real = 1):
    """Exponential linear unit whose slope is continuous: x above 0, alpha (exp(x/alpha) − 1) below."""
    y[...] = where(x[...] > 0, x[...], alpha*expm1(x[...]/alpha))
    return y


@layer(torch="nn.SELU nn.functional.selu")
def selu(x: Real[...]):
    """Exponential linear unit scaled so that mean 0 and variance 1 are kept."""
    y[...] = 1.0507009873554804934193349852946*where(
        x[...] > 0, x[...], 1.6732632423543772848170429916717*expm1(x[...]))
    return y


@layer(torch="nn.PReLU nn.functional.prelu")
def prelu(x: Real[*A, C, ...], weight: Real[C if num_parameters > 1 else 1], *, num_parameters: Int = 1):
    """Leaky rectifier whose slope below 0 is learnt: one for all, or one for each channel (the second axis)."""
    assert len(A) == (1 if num_parameters > 1 else 0)
    if num_parameters > 1:
        y[*a, c, ...] = where(x[*a, c, ...] > 0, x[*a, c, ...], weight[c]*x[*a, c, ...])
    else:
        y[*a, c, ...] = where(x[*a, c, ...] > 0, x[*a, c, ...], weight[0]*x[*a, c, ...])
    return y


@layer(torch="nn.RReLU nn.functional.rrelu")
def rrelu(
    x: Real[...],
    slope: Const[...] = uniform(lower, upper),
    *,
    lower: Real = 1/8, upper: Real = 1/3, training: Bool = False,
):
    """Leaky rectifier whose slope below 0 is drawn for each value in training, and halfway otherwise."""
    if training:
        y[...] = where(x[...] > 0, x[...], slope[...]*x[...])
    else:
        y[...] = where(x[...] > 0, x[...], (lower + upper)/2*x[...])
    return y


@layer(torch="nn.Softplus nn.functional.softplus")
def softplus(x: Real[...], *, beta: Real = 1, threshold: Real = 20):
    """Smooth rectifier log(1 + exp(beta x))/beta; where beta x exceeds the threshold, x itself."""
    y[...] = where(beta*x[...] > threshold, x[...], softplus(beta*x[...])/beta)
    return y


@layer(torch="nn.Softsign nn.functional.softsign")
def softsign(x: Real[...]):
    """x/(1 + |x|)."""
    y[...] = x[...]/(1 + abs(x[...]))
    return y


@layer(torch="nn.LogSigmoid nn.functional.logsigmoid")
def logsigmoid(x: Real[...]):
    """Logarithm of the logistic function."""
    y[...] = logsigmoid(x[...])
    return y


@layer(torch="nn.Mish nn.functional.mish")
def mish(x: Real[...]):
    """x tanh(log(1 + exp(x)))."""
    y[...] = x[...]*tanh(softplus(x[...]))
    return y


@layer(torch="nn.functional.gumbel_softmax")
def gumbel_softmax(
    logits: Real[..., K, *B], noise: Const[..., K, *B], *, tau: Real = 1.0, hard: Bool = False, dim: Int = -1,
):
    """Softmax of logits and Gumbel noise, −log(−log u) with u uniform, which the caller draws.

    ``hard``: one at the largest, with the gradient of the soft one.
    """
    assert dim == len(...) or dim == -len(B) - 1
    g[..., k, *b] = (logits[..., k, *b] + noise[..., k, *b])/tau
    p = softmax(g, dim=dim)
    if hard:
        best: Index[..., *B]
        best[..., *b] = argmax[k](p[..., k, *b])
        y[..., k, *b] = where(best[..., *b] == k, 1, 0) + (p[..., k, *b] - constant(p[..., k, *b]))
        return y
    return p
