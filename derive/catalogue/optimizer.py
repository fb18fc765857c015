"""Update rules; t counts steps from 1, and state at 0 is 0."""


@optimizer
def sgd(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, momentum: Real = 0, dampening: Real = 0, weight_decay: Real = 0, nesterov: Bool = False,
    maximize: Bool = False,
):
    """Stochastic gradient descent with momentum; the first step takes the gradient undamped."""
    if maximize:
        g[t, ...] = weight_decay*theta[t - 1, ...] - grad[t, ...]
    else:
        g[t, ...] = weight_decay*theta[t - 1, ...] + grad[t, ...]
    if momentum == 0:
        theta[t, ...] = theta[t - 1, ...] - lr*g[t, ...]
    else:
        b[t, ...] = where(t == 1, g[t, ...], momentum*b[t - 1, ...] + (1 - dampening)*g[t, ...])
        if nesterov:
            theta[t, ...] = theta[t - 1, ...] - lr*(g[t, ...] + momentum*b[t, ...])
        else:
            theta[t, ...] = theta[t - 1, ...] - lr*b[t, ...]


@optimizer
def adam(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, weight_decay: Real = 0, amsgrad: Bool = False,
    maximize: Bool = False,
):
    """Steps scaled by running means of the gradient and of its square, both freed of their bias to 0."""
    if maximize:
        g[t, ...] = weight_decay*theta[t - 1, ...] - grad[t, ...]
    else:
        g[t, ...] = weight_decay*theta[t - 1, ...] + grad[t, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*g[t, ...]**2
    if amsgrad:
        u[t, ...] = max(u[t - 1, ...], v[t, ...])
        theta[t, ...] = theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(u[t, ...]/(1 - betas[1]**t)) + eps)
    else:
        theta[t, ...] = theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps)
