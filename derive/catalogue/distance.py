"""Similarities and distances."""


@layer(torch="nn.CosineSimilarity nn.functional.cosine_similarity")
def cosine_similarity(x1: Real[..., D, *B], x2: Real[..., D, *B], *, dim: Int = 1, eps: Real = 1e-8):
    """Cosine of the angle between two vectors, neither shorter than eps."""
    assert dim == len(...) or dim == -len(B) - 1
    n1 = vector_norm(x1, dim=dim)
    n2 = vector_norm(x2, dim=dim)
    y[..., *b] = sum[d](x1[..., d, *b]*x2[..., d, *b])/(max(n1[..., *b], eps)*max(n2[..., *b], eps))
    return y


@layer(torch="nn.PairwiseDistance nn.functional.pairwise_distance")
def pairwise_distance(
    x1: Real[..., D], x2: Real[..., D], *, p: Real = 2, eps: Real = 1e-6, keepdim: Bool = False,
):
    """The p-norm of x₁ − x₂ + eps along the last axis."""
    d[..., k] = x1[..., k] - x2[..., k] + eps
    if keepdim:
        a = vector_norm(d, p=p)
        y: Real[..., 1]
        y[..., 0] = a[...]
    else:
        y = vector_norm(d, p=p)
    return y


@layer(torch="linalg.vector_norm norm")
def vector_norm(x: Real[..., D, *B], *, p: Real = 2, dim: Int = -1):
    """The p-norm along one axis; where it is 0, so is its gradient."""
    assert dim == len(...) or dim == -len(B) - 1
    if p == 2:
        s[..., *b] = sum[d](x[..., d, *b]**2)
        y[..., *b] = where(s[..., *b] > 0, sqrt(s[..., *b]), 0)
    elif p == 1:
        y[..., *b] = sum[d](abs(x[..., d, *b]))
    elif p == inf:
        y[..., *b] = amax[d](abs(x[..., d, *b]))
    elif p == -inf:
        y[..., *b] = amin[d](abs(x[..., d, *b]))
    elif p == 0:
        y[..., *b] = sum[d, x[..., d, *b] != 0](1)
    else:
        s[..., *b] = sum[d, x[..., d, *b] != 0](abs(x[..., d, *b])**p)
        y[..., *b] = where(s[..., *b] > 0, s[..., *b]**(1/p), 0)
    return y
