"""Products of vectors and matrices; any other is an einsum equation, which may stand for a name."""


@layer(torch="dot")
def dot(x: Real[K], other: Real[K]):
    """Inner product of two vectors."""
    y = sum[k](x[k]*other[k])
    return y


@layer(torch="outer")
def outer(x: Real[N], other: Real[M]):
    """Outer product of two vectors."""
    y[n, m] = x[n]*other[m]
    return y


@layer(torch="matmul bmm mm")
def matmul(x: Real[..., N, K], other: Real[..., K, M]):
    """Product of two matrices, or of two stacks of as many."""
    y[..., n, m] = sum[k](x[..., n, k]*other[..., k, m])
    return y


@layer(torch="addmm")
def addmm(x: Real[N, M], mat1: Real[N, K], mat2: Real[K, M], *, alpha: Real = 1, beta: Real = 1):
    """A product of matrices added to a matrix."""
    y[n, m] = beta*x[n, m] + alpha*sum[k](mat1[n, k]*mat2[k, m])
    return y


@layer(torch="nn.functional.grouped_mm")
def grouped_mm(mat_a: Real[M, K], mat_b: Real[G, K, N], offs: Index[G]):
    """Rows times the matrix of their group, which ends before ``offs[g]``; rows behind the last group give 0."""
    group: Index[M]
    group[m] = count[g, offs[g] <= m]()
    y[m, n] = where(group[m] < G, sum[k](mat_a[m, k]*mat_b[group[m], k, n]), 0)
    return y
