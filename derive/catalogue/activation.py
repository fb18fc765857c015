"""Pointwise activations, softmax and dropout."""


@layer
def relu(x: Real[...]):
    """Rectifier: y = max(x, 0), with slope 0 at 0."""
    y[...] = relu(x[...])
    return y


@layer
def leaky_relu(x: Real[...], *, negative_slope: Real = 0.01):
    """Leaky rectifier; at 0 its slope is the negative side's."""
    y[...] = where(x[...] > 0, x[...], negative_slope*x[...])
    return y


@layer
def sigmoid(x: Real[...]):
    """Logistic function: y = 1/(1 + exp(−x))."""
    y[...] = sigmoid(x[...])
    return y


@layer
def tanh(x: Real[...]):
    """Hyperbolic tangent."""
    y[...] = tanh(x[...])
    return y


@layer
def gelu(x: Real[...], *, approximate: Text["none", "tanh"] = "none"):
    """Gaussian error linear unit: y = x Φ(x), or its tanh approximation."""
    if approximate == "tanh":
        y[...] = x[...]/2*(1 + tanh(0.7978845608028654*(x[...] + 0.044715*x[...]**3)))
    else:
        y[...] = x[...]/2*(1 + erf(x[...]/sqrt(2)))
    return y


@layer
def silu(x: Real[...]):
    """Sigmoid linear unit: y = x σ(x)."""
    y[...] = x[...]*sigmoid(x[...])
    return y


@layer
def softmax(x: Real[..., K]):
    """Softmax of the last axis."""
    m[...] = max[k](x[..., k])
    e[..., k] = exp(x[..., k] - m[...])
    y[..., k] = e[..., k]/sum[j](e[..., j])
    return y


@layer
def log_softmax(x: Real[..., K]):
    """Logarithm of the softmax of the last axis."""
    m[...] = max[k](x[..., k])
    s[...] = sum[k](exp(x[..., k] - m[...]))
    y[..., k] = x[..., k] - m[...] - log(s[...])
    return y


@layer
def dropout(x: Real[...], keep: Bool[...] = bernoulli(1 - p), *, p: Real = 0.5, training: Bool = True):
    """Zeroes each value with probability p and scales the others by 1/(1 − p)."""
    assert 0 <= p <= 1
    if training:
        y[...] = where(keep[...], x[...]/(1 - p), 0)
    else:
        y[...] = x[...]
    return y
