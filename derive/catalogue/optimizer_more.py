"""Update rules beyond torch.optim, element by element; t counts steps from 1, and state at 0 is 0 unless stated."""


@optimizer
def sign_sgd(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-4, momentum: Real = 0, weight_decay: Real = 0, maximize: Bool = False,
):
    """Steps of one length along the sign of the gradient, or of its running mean (signum; Bernstein et al. 2018)."""
    s = -1 if maximize else 1
    m[t, ...] = momentum*m[t - 1, ...] + (1 - momentum)*s*grad[t, ...]
    theta[t, ...] = (1 - lr*weight_decay)*theta[t - 1, ...] - lr*sign(m[t, ...])


@optimizer
def lion(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-4, betas: Real[2] = (0.9, 0.99), weight_decay: Real = 0, maximize: Bool = False,
):
    """Evolved sign momentum: the sign of a mean that looks less far back than the one kept (Chen et al. 2023)."""
    s = -1 if maximize else 1
    c[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*s*grad[t, ...]
    m[t, ...] = betas[1]*m[t - 1, ...] + (1 - betas[1])*s*grad[t, ...]
    theta[t, ...] = (1 - lr*weight_decay)*theta[t - 1, ...] - lr*sign(c[t, ...])


@optimizer
def adabelief(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-16, weight_decay: Real = 0, amsgrad: Bool = False,
    maximize: Bool = False, decoupled_weight_decay: Bool = True,
):
    """Adam scaled by how far the gradient strays from its own mean (Zhuang et al. 2020)."""
    s = -1 if maximize else 1
    if decoupled_weight_decay:
        keep = 1 - lr*weight_decay
        g[t, ...] = s*grad[t, ...]
    else:
        keep = 1
        g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*(g[t, ...] - m[t, ...])**2 + eps
    if amsgrad:
        u[t, ...] = max(u[t - 1, ...], v[t, ...])
        d[t, ...] = sqrt(u[t, ...]/(1 - betas[1]**t)) + eps
    else:
        d[t, ...] = sqrt(v[t, ...]/(1 - betas[1]**t)) + eps
    theta[t, ...] = keep*theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/d[t, ...]


@optimizer
def yogi(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-2, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-3, initial_accumulator: Real = 1e-6,
    weight_decay: Real = 0, maximize: Bool = False,
):
    """Adam whose mean of squares moves by steps of g² at most, never by its own size (Zaheer et al. 2018)."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    m[0, ...] = initial_accumulator
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[0, ...] = initial_accumulator
    v[t, ...] = v[t - 1, ...] - (1 - betas[1])*sign(v[t - 1, ...] - g[t, ...]**2)*g[t, ...]**2
    d[t, ...] = sqrt(v[t, ...]/(1 - betas[1]**t)) + eps
    theta[t, ...] = theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/d[t, ...]


@optimizer
def adan(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, betas: Real[3] = (0.98, 0.92, 0.99), eps: Real = 1e-8, weight_decay: Real = 0, no_prox: Bool = False,
    maximize: Bool = False,
):
    """Nesterov momentum through means of the gradient, of its change, and of the square of both (Xie et al. 2022)."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...]
    change[t, ...] = where(t == 1, 0, g[t, ...] - g[t - 1, ...])
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    c[t, ...] = betas[1]*c[t - 1, ...] + (1 - betas[1])*change[t, ...]
    n[t, ...] = betas[2]*n[t - 1, ...] + (1 - betas[2])*(g[t, ...] + betas[1]*change[t, ...])**2
    d[t, ...] = sqrt(n[t, ...]/(1 - betas[2]**t)) + eps
    u[t, ...] = (m[t, ...]/(1 - betas[0]**t) + betas[1]*c[t, ...]/(1 - betas[1]**t))/d[t, ...]
    if no_prox:
        theta[t, ...] = (1 - lr*weight_decay)*theta[t - 1, ...] - lr*u[t, ...]
    else:
        theta[t, ...] = (theta[t - 1, ...] - lr*u[t, ...])/(1 + lr*weight_decay)


@optimizer
def sophia(
    theta: Real[...],
    grad: Real[...],
    hess: Real[...],
    *,
    lr: Real = 1e-4, betas: Real[2] = (0.965, 0.99), rho: Real = 0.04, eps: Real = 1e-15, weight_decay: Real = 0.1,
    update_every: Int = 10, maximize: Bool = False,
):
    """Momentum over an estimate hess of the Hessian's diagonal, each step within 1 (Liu et al. 2023)."""
    s = -1 if maximize else 1
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*s*grad[t, ...]
    h[t, ...] = where(
        (t - 1) % update_every == 0, betas[1]*h[t - 1, ...] + (1 - betas[1])*hess[t, ...], h[t - 1, ...])
    u[t, ...] = clamp(m[t, ...]/max(rho*h[t, ...], eps), -1, 1)
    theta[t, ...] = (1 - lr*weight_decay)*theta[t - 1, ...] - lr*u[t, ...]


@optimizer
def schedule_free_sgd(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1.0, momentum: Real = 0.9, weight_decay: Real = 0, warmup_steps: Real = 0, r: Real = 0,
    weight_lr_power: Real = 2, maximize: Bool = False,
):
    """SGD without a schedule: gradients at theta, between the fast z and the average x (Defazio et al. 2024)."""
    s = -1 if maximize else 1
    rate[t] = where(t < warmup_steps, lr*t/max(warmup_steps, 1), lr)
    top[t] = max(top[t - 1], rate[t])
    w[t] = t**r*top[t]**weight_lr_power
    total[t] = total[t - 1] + w[t]
    c[t] = where(total[t] > 0, w[t]/total[t], 0)
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    z[0, ...] = theta[0, ...]
    z[t, ...] = z[t - 1, ...] - rate[t]*g[t, ...]
    x[0, ...] = theta[0, ...]
    x[t, ...] = (1 - c[t])*x[t - 1, ...] + c[t]*z[t, ...]
    theta[t, ...] = (1 - momentum)*z[t, ...] + momentum*x[t, ...]
    return theta, x


@optimizer
def schedule_free_adamw(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 2.5e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, weight_decay: Real = 0, warmup_steps: Real = 0,
    r: Real = 0, weight_lr_power: Real = 2, maximize: Bool = False,
):
    """AdamW without a schedule: gradients at theta, between the fast z and the average x (Defazio et al. 2024)."""
    s = -1 if maximize else 1
    rate[t] = where(t < warmup_steps, lr*t/max(warmup_steps, 1), lr)
    top[t] = max(top[t - 1], rate[t])
    w[t] = t**r*top[t]**weight_lr_power
    total[t] = total[t - 1] + w[t]
    c[t] = where(total[t] > 0, w[t]/total[t], 0)
    g[t, ...] = s*grad[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*g[t, ...]**2
    u[t, ...] = g[t, ...]/(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps) + weight_decay*theta[t - 1, ...]
    z[0, ...] = theta[0, ...]
    z[t, ...] = z[t - 1, ...] - rate[t]*u[t, ...]
    x[0, ...] = theta[0, ...]
    x[t, ...] = (1 - c[t])*x[t - 1, ...] + c[t]*z[t, ...]
    theta[t, ...] = (1 - betas[0])*z[t, ...] + betas[0]*x[t, ...]
    return theta, x
