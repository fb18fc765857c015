"""Update rules that look at a whole tensor or matrix; t counts steps from 1, and state at 0 is 0 unless stated."""


@layer
def root(x: Real[...]):
    """The square root, whose slope at 0 is 0, as a norm's."""
    y[...] = where(x[...] > 0, sqrt(x[...]), 0)
    return y


@optimizer
def lars(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, momentum: Real = 0.9, weight_decay: Real = 0, trust_coefficient: Real = 1e-3, eps: Real = 1e-8,
    maximize: Bool = False,
):
    """Momentum whose rate follows the ratio of the tensor's norm to its gradient's (You et al. 2017)."""
    s = -1 if maximize else 1
    squares[t] = sum[...](theta[t - 1, ...]**2)
    slopes[t] = sum[...](grad[t, ...]**2)
    size[t] = root(squares[t])
    slope[t] = root(slopes[t])
    trust[t] = where(
        size[t] > 0 and slope[t] > 0, trust_coefficient*size[t]/(slope[t] + weight_decay*size[t] + eps), 1)
    b[t, ...] = momentum*b[t - 1, ...] + lr*trust[t]*(s*grad[t, ...] + weight_decay*theta[t - 1, ...])
    theta[t, ...] = theta[t - 1, ...] - b[t, ...]


@optimizer
def lamb(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-6, weight_decay: Real = 0, maximize: Bool = False,
):
    """Adam's step, made as long as lr times the tensor itself (You et al. 2019)."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*g[t, ...]**2
    u[t, ...] = (
        m[t, ...]/(1 - betas[0]**t)/(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps) + weight_decay*theta[t - 1, ...])
    squares[t] = sum[...](theta[t - 1, ...]**2)
    lengths[t] = sum[...](u[t, ...]**2)
    size[t] = root(squares[t])
    length[t] = root(lengths[t])
    trust[t] = where(size[t] > 0 and length[t] > 0, size[t]/length[t], 1)
    theta[t, ...] = theta[t - 1, ...] - lr*trust[t]*u[t, ...]


@optimizer(torch="optim.Adafactor")
def adafactor(
    theta: Real[..., M, N],
    grad: Real[..., M, N],
    *,
    lr: Real = 1e-2, beta2_decay: Real = -0.8, eps: Real[2] = (1.1920928955078125e-07, 1e-3), d: Real = 1.0,
    weight_decay: Real = 0, maximize: Bool = False,
):
    """The mean of squares of a matrix kept as the product of its row means R and column means C."""
    s = -1 if maximize else 1
    g[t, ..., m, n] = s*grad[t, ..., m, n]
    beta[t] = t**beta2_decay
    squares[t] = mean[..., m, n](theta[t - 1, ..., m, n]**2)
    alpha[t] = max(eps[1], root(squares[t]))*min(lr, 1/sqrt(t))
    R[t, ..., m] = R[t - 1, ..., m] + beta[t]*(mean[n](g[t, ..., m, n]**2) - R[t - 1, ..., m])
    C[t, ..., n] = C[t - 1, ..., n] + beta[t]*(mean[m](g[t, ..., m, n]**2) - C[t - 1, ..., n])
    whole[t, ...] = max(mean[m](R[t, ..., m]), eps[0])
    u[t, ..., m, n] = g[t, ..., m, n]/sqrt(max(R[t, ..., m]*C[t, ..., n]/whole[t, ...], eps[0]**2))
    lengths[t] = mean[..., m, n](u[t, ..., m, n]**2)
    length[t] = max(1, root(lengths[t])/d)
    theta[t, ..., m, n] = (1 - lr*weight_decay)*theta[t - 1, ..., m, n] - alpha[t]*u[t, ..., m, n]/length[t]


@optimizer(torch="optim.Adafactor")
def adafactor_vector(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-2, beta2_decay: Real = -0.8, eps: Real[2] = (1.1920928955078125e-07, 1e-3), d: Real = 1.0,
    weight_decay: Real = 0, maximize: Bool = False,
):
    """Adafactor where there is nothing to factor: the mean of squares v is kept whole."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...]
    squares[t] = mean[...](theta[t - 1, ...]**2)
    alpha[t] = max(eps[1], root(squares[t]))*min(lr, 1/sqrt(t))
    v[t, ...] = v[t - 1, ...] + t**beta2_decay*(g[t, ...]**2 - v[t - 1, ...])
    u[t, ...] = g[t, ...]/sqrt(max(v[t, ...], eps[0]**2))
    lengths[t] = mean[...](u[t, ...]**2)
    length[t] = max(1, root(lengths[t])/d)
    theta[t, ...] = (1 - lr*weight_decay)*theta[t - 1, ...] - alpha[t]*u[t, ...]/length[t]


@optimizer(torch="optim.Muon")
def muon(
    theta: Real[M, N],
    grad: Real[M, N],
    *,
    lr: Real = 1e-3, weight_decay: Real = 0.1, momentum: Real = 0.95, nesterov: Bool = True,
    ns_coefficients: Real[3] = (3.4445, -4.775, 2.0315), eps: Real = 1e-7, ns_steps: Int = 5,
    adjust_lr_fn: Text["original", "match_rms_adamw"] = "original",
):
    """Momentum made nearly orthogonal by Newton and Schulz's iteration X ← aX + (bA + cA²)X, A = XXᵀ."""
    b[t, m, n] = momentum*b[t - 1, m, n] + (1 - momentum)*grad[t, m, n]
    if nesterov:
        u[t, m, n] = momentum*b[t, m, n] + (1 - momentum)*grad[t, m, n]
    else:
        u[t, m, n] = b[t, m, n]
    squares[t] = sum[m, n](u[t, m, n]**2)
    size[t] = max(root(squares[t]), eps)
    start[t, m, n] = u[t, m, n]/size[t]
    x = start
    for i in range(ns_steps):
        A[t, m, k] = sum[n](x[t, m, n]*x[t, k, n])
        B[t, m, k] = ns_coefficients[1]*A[t, m, k] + ns_coefficients[2]*sum[l](A[t, m, l]*A[t, l, k])
        X[t, m, n] = ns_coefficients[0]*x[t, m, n] + sum[k](B[t, m, k]*x[t, k, n])
        x = X
    if adjust_lr_fn == "original":
        ratio = sqrt(max(1, M/N))
    else:
        ratio = 0.2*sqrt(max(M, N))
    theta[t, m, n] = (1 - lr*weight_decay)*theta[t - 1, m, n] - lr*ratio*x[t, m, n]


@optimizer(torch="optim.LBFGS")
def lbfgs(theta: Real[N], grad: Real[N], steps: Real[K, N], turns: Real[K, N], length: Real = 1.0):
    """One step along −H·grad, H the inverse Hessian as K past steps and turns of the gradient tell it, newest first.

    The two loops of Nocedal (1980); length is the line search's: a fixed rate, or strong_wolfe of the library.
    """
    rho[k] = 1/sum[n](turns[k, n]*steps[k, n])
    q[-1, n] = -grad[n]
    a[k] = rho[k]*sum[n](steps[k, n]*q[k - 1, n])
    q[k, n] = q[k - 1, n] - a[k]*turns[k, n]
    scale = 1/(rho[0]*sum[n](turns[0, n]**2))
    r: Real[K, N]
    r[-1, n] = scale*q[K - 1, n]
    b[k] = rho[K - 1 - k]*sum[n](turns[K - 1 - k, n]*r[k - 1, n])
    r[k, n] = r[k - 1, n] + (a[K - 1 - k] - b[k])*steps[K - 1 - k, n]
    d[n] = r[K - 1, n]
    new[n] = theta[n] + length*d[n]
    return new, d


@optimizer
def shampoo(
    theta: Real[M, N],
    grad: Real[M, N],
    *,
    lr: Real = 1e-1, momentum: Real = 0, weight_decay: Real = 0, eps: Real = 1e-4, root_steps: Int = 40,
    maximize: Bool = False,
):
    """The gradient between inverse fourth roots of its sums of squares by rows, L, and columns, R (Gupta et al. 2018).

    The roots Xl, Xr are Newton's coupled iteration (Guo and Higham 2006): X ← XW, A ← W⁴A with W = (5I − A)/4.
    """
    s = -1 if maximize else 1
    g[t, m, n] = s*grad[t, m, n]
    L[0, m, k] = where(m == k, eps, 0)
    L[t, m, k] = L[t - 1, m, k] + sum[n](g[t, m, n]*g[t, k, n])
    R[0, n, k] = where(n == k, eps, 0)
    R[t, n, k] = R[t - 1, n, k] + sum[m](g[t, m, n]*g[t, m, k])
    rows[t] = sum[i, j](L[t, i, j]**2)
    zl[t] = 5/(2*sqrt(rows[t]))
    Al: Real[T, root_steps, M, M]
    Xl: Real[T, root_steps, M, M]
    Al[t, -1, i, j] = zl[t]*L[t, i, j]
    Xl[t, -1, i, j] = where(i == j, zl[t]**0.25, 0)
    Wl[t, q, i, j] = (where(i == j, 5, 0) - Al[t, q - 1, i, j])/4
    Vl[t, q, i, j] = sum[l](Wl[t, q, i, l]*Wl[t, q, l, j])
    Ul[t, q, i, j] = sum[l](Vl[t, q, i, l]*Al[t, q - 1, l, j])
    Al[t, q, i, j] = sum[l](Vl[t, q, i, l]*Ul[t, q, l, j])
    Xl[t, q, i, j] = sum[l](Xl[t, q - 1, i, l]*Wl[t, q, l, j])
    columns[t] = sum[i, j](R[t, i, j]**2)
    zr[t] = 5/(2*sqrt(columns[t]))
    Ar: Real[T, root_steps, N, N]
    Xr: Real[T, root_steps, N, N]
    Ar[t, -1, i, j] = zr[t]*R[t, i, j]
    Xr[t, -1, i, j] = where(i == j, zr[t]**0.25, 0)
    Wr[t, q, i, j] = (where(i == j, 5, 0) - Ar[t, q - 1, i, j])/4
    Vr[t, q, i, j] = sum[l](Wr[t, q, i, l]*Wr[t, q, l, j])
    Ur[t, q, i, j] = sum[l](Vr[t, q, i, l]*Ar[t, q - 1, l, j])
    Ar[t, q, i, j] = sum[l](Vr[t, q, i, l]*Ur[t, q, l, j])
    Xr[t, q, i, j] = sum[l](Xr[t, q - 1, i, l]*Wr[t, q, l, j])
    u[t, m, n] = sum[k, l](Xl[t, root_steps - 1, m, k]*g[t, k, l]*Xr[t, root_steps - 1, l, n])
    b[t, m, n] = momentum*b[t - 1, m, n] + u[t, m, n]
    theta[t, m, n] = (1 - lr*weight_decay)*theta[t - 1, m, n] - lr*b[t, m, n]
