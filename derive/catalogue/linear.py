"""Affine maps."""


@layer(torch="nn.Linear nn.LazyLinear nn.functional.linear")
def linear(x: Real[..., I], weight: Real[O, I], bias: Real[O] = 0):
    """Affine map of the last axis: y = x Wᵀ + b."""
    y[..., o] = sum[i](x[..., i]*weight[o, i]) + bias[o]
    return y


@layer(torch="nn.Bilinear nn.functional.bilinear")
def bilinear(x1: Real[..., I], x2: Real[..., J], weight: Real[O, I, J], bias: Real[O] = 0):
    """Bilinear form of two last axes: y = x₁ᵀ W x₂ + b."""
    y[..., o] = sum[i, j](x1[..., i]*weight[o, i, j]*x2[..., j]) + bias[o]
    return y
