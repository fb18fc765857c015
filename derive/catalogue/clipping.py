"""Gradients kept within bounds."""


@layer(torch="nn.utils.clip_grad_value_")
def clip_grad_value(grad: Real[...], *, clip_value: Real = 1.0):
    """Every entry within ±clip_value."""
    y[...] = clamp(grad[...], -clip_value, clip_value)
    return y


@layer(torch="nn.utils.clip_grad_norm_")
def clip_grad_norm(grad: Real[...], *, max_norm: Real = 1.0, norm_type: Text["2", "1", "inf"] = "2"):
    """All gradients, as one vector, no longer than max_norm; the norm is returned too."""
    if norm_type == "2":
        squares = sum[...](grad[...]**2)
        norm = where(squares > 0, sqrt(squares), 0)
    elif norm_type == "1":
        norm = sum[...](abs(grad[...]))
    else:
        norm = amax[...](abs(grad[...]))
    scale = min(1, max_norm/(norm + 1e-6))
    y[...] = scale*grad[...]
    return y, norm
