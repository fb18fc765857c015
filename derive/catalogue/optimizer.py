"""Update rules of torch.optim; t counts steps from 1, and state at 0 is 0 unless an equation says otherwise."""


@optimizer(torch="optim.SGD")
def sgd(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, momentum: Real = 0, dampening: Real = 0, weight_decay: Real = 0, nesterov: Bool = False,
    maximize: Bool = False,
):
    """Stochastic gradient descent with momentum; the first step takes the gradient undamped."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    if momentum == 0:
        theta[t, ...] = theta[t - 1, ...] - lr*g[t, ...]
    else:
        b[t, ...] = where(t == 1, g[t, ...], momentum*b[t - 1, ...] + (1 - dampening)*g[t, ...])
        if nesterov:
            theta[t, ...] = theta[t - 1, ...] - lr*(g[t, ...] + momentum*b[t, ...])
        else:
            theta[t, ...] = theta[t - 1, ...] - lr*b[t, ...]


@optimizer(torch="optim.Adam")
def adam(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, weight_decay: Real = 0, amsgrad: Bool = False,
    maximize: Bool = False, decoupled_weight_decay: Bool = False,
):
    """Steps scaled by running means of the gradient and of its square, both freed of their bias to 0."""
    s = -1 if maximize else 1
    if decoupled_weight_decay:
        keep = 1 - lr*weight_decay
        g[t, ...] = s*grad[t, ...]
    else:
        keep = 1
        g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*g[t, ...]**2
    if amsgrad:
        u[t, ...] = max(u[t - 1, ...], v[t, ...])
        theta[t, ...] = keep*theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(u[t, ...]/(1 - betas[1]**t)) + eps)
    else:
        theta[t, ...] = keep*theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps)


@optimizer(torch="optim.AdamW")
def adamw(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, weight_decay: Real = 1e-2, amsgrad: Bool = False,
    maximize: Bool = False,
):
    """Adam whose decay shrinks the parameter itself, apart from the gradient."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*g[t, ...]**2
    keep = 1 - lr*weight_decay
    if amsgrad:
        u[t, ...] = max(u[t - 1, ...], v[t, ...])
        theta[t, ...] = keep*theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(u[t, ...]/(1 - betas[1]**t)) + eps)
    else:
        theta[t, ...] = keep*theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/(sqrt(v[t, ...]/(1 - betas[1]**t)) + eps)


@optimizer(torch="optim.Adamax")
def adamax(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 2e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, weight_decay: Real = 0, maximize: Bool = False,
):
    """Adam in the infinity norm: the largest recent gradient scales the step."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    u[t, ...] = max(betas[1]*u[t - 1, ...], abs(g[t, ...]) + eps)
    theta[t, ...] = theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]/u[t, ...]


@optimizer(torch="optim.NAdam")
def nadam(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 2e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, weight_decay: Real = 0, momentum_decay: Real = 4e-3,
    maximize: Bool = False, decoupled_weight_decay: Bool = False,
):
    """Adam with Nesterov's look-ahead; mu is the momentum in force and p its product so far."""
    s = -1 if maximize else 1
    if decoupled_weight_decay:
        keep = 1 - lr*weight_decay
        g[t, ...] = s*grad[t, ...]
    else:
        keep = 1
        g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*g[t, ...]**2
    mu[t] = betas[0]*(1 - 0.96**(t*momentum_decay)/2)
    ahead[t] = betas[0]*(1 - 0.96**((t + 1)*momentum_decay)/2)
    p[0] = 1
    p[t] = p[t - 1]*mu[t]
    d[t, ...] = sqrt(v[t, ...]/(1 - betas[1]**t)) + eps
    theta[t, ...] = (
        keep*theta[t - 1, ...]
        - lr*((1 - mu[t])/(1 - p[t])*g[t, ...] + ahead[t]/(1 - p[t]*ahead[t])*m[t, ...])/d[t, ...])


@optimizer(torch="optim.RAdam")
def radam(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, weight_decay: Real = 0, maximize: Bool = False,
    decoupled_weight_decay: Bool = False,
):
    """Adam whose scaling waits until rho, the length of the mean of squares, is over 5, and is rectified by c."""
    s = -1 if maximize else 1
    if decoupled_weight_decay:
        keep = 1 - lr*weight_decay
        g[t, ...] = s*grad[t, ...]
    else:
        keep = 1
        g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    m[t, ...] = betas[0]*m[t - 1, ...] + (1 - betas[0])*g[t, ...]
    v[t, ...] = betas[1]*v[t - 1, ...] + (1 - betas[1])*g[t, ...]**2
    longest = 2/(1 - betas[1]) - 1
    rho[t] = longest - 2*t*betas[1]**t/(1 - betas[1]**t)
    c[t] = where(rho[t] > 5, sqrt((rho[t] - 4)*(rho[t] - 2)*longest/((longest - 4)*(longest - 2)*rho[t])), 1)
    r[t, ...] = where(rho[t] > 5, c[t]*sqrt(1 - betas[1]**t)/(sqrt(v[t, ...]) + eps), 1)
    theta[t, ...] = keep*theta[t - 1, ...] - lr/(1 - betas[0]**t)*m[t, ...]*r[t, ...]


@optimizer(torch="optim.Adadelta")
def adadelta(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1.0, rho: Real = 0.9, eps: Real = 1e-6, weight_decay: Real = 0, maximize: Bool = False,
):
    """Steps in the parameter's own units: the mean square of past steps over that of past gradients."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    v[t, ...] = rho*v[t - 1, ...] + (1 - rho)*g[t, ...]**2
    d[t, ...] = sqrt(a[t - 1, ...] + eps)/sqrt(v[t, ...] + eps)*g[t, ...]
    a[t, ...] = rho*a[t - 1, ...] + (1 - rho)*d[t, ...]**2
    theta[t, ...] = theta[t - 1, ...] - lr*d[t, ...]


@optimizer(torch="optim.Adagrad")
def adagrad(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-2, lr_decay: Real = 0, weight_decay: Real = 0, initial_accumulator_value: Real = 0, eps: Real = 1e-10,
    maximize: Bool = False,
):
    """Steps scaled by the sum of all squared gradients."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    v[0, ...] = initial_accumulator_value
    v[t, ...] = v[t - 1, ...] + g[t, ...]**2
    theta[t, ...] = theta[t - 1, ...] - lr/(1 + (t - 1)*lr_decay)*g[t, ...]/(sqrt(v[t, ...]) + eps)


@optimizer(torch="optim.RMSprop")
def rmsprop(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-2, alpha: Real = 0.99, eps: Real = 1e-8, weight_decay: Real = 0, momentum: Real = 0,
    centered: Bool = False, maximize: Bool = False,
):
    """Steps scaled by the root mean square of recent gradients, or by their deviation when centered."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    v[t, ...] = alpha*v[t - 1, ...] + (1 - alpha)*g[t, ...]**2
    if centered:
        a[t, ...] = alpha*a[t - 1, ...] + (1 - alpha)*g[t, ...]
        d[t, ...] = g[t, ...]/(sqrt(v[t, ...] - a[t, ...]**2) + eps)
    else:
        d[t, ...] = g[t, ...]/(sqrt(v[t, ...]) + eps)
    if momentum > 0:
        b[t, ...] = momentum*b[t - 1, ...] + d[t, ...]
        theta[t, ...] = theta[t - 1, ...] - lr*b[t, ...]
    else:
        theta[t, ...] = theta[t - 1, ...] - lr*d[t, ...]


@optimizer(torch="optim.Rprop")
def rprop(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-2, etas: Real[2] = (0.5, 1.2), step_sizes: Real[2] = (1e-6, 50), maximize: Bool = False,
):
    """Signs alone: a step size grows while its gradient keeps its sign, shrinks and waits when it turns."""
    s = -1 if maximize else 1
    turn[t, ...] = s*grad[t, ...]*g[t - 1, ...]
    size[0, ...] = lr
    size[t, ...] = clamp(
        size[t - 1, ...]*where(turn[t, ...] > 0, etas[1], where(turn[t, ...] < 0, etas[0], 1)), step_sizes[0], step_sizes[1])
    g[t, ...] = where(turn[t, ...] < 0, 0, s*grad[t, ...])
    theta[t, ...] = theta[t - 1, ...] - sign(g[t, ...])*size[t, ...]


@optimizer(torch="optim.ASGD")
def asgd(
    theta: Real[...],
    grad: Real[...],
    *,
    lr: Real = 1e-2, lambd: Real = 1e-4, alpha: Real = 0.75, t0: Real = 1e6, weight_decay: Real = 0,
    maximize: Bool = False,
):
    """Gradient descent with a waning rate; ax is the average of the parameters from step t0 on."""
    s = -1 if maximize else 1
    g[t, ...] = s*grad[t, ...] + weight_decay*theta[t - 1, ...]
    eta[0] = lr
    eta[t] = lr/(1 + lambd*lr*t)**alpha
    mu[0] = 1
    mu[t] = 1/max(1, t - t0)
    theta[t, ...] = (1 - lambd*eta[t - 1])*theta[t - 1, ...] - eta[t - 1]*g[t, ...]
    ax[t, ...] = ax[t - 1, ...] + mu[t - 1]*(theta[t, ...] - ax[t - 1, ...])
    return theta, ax


@optimizer(torch="optim.SparseAdam")
def sparse_adam(
    theta: Real[...],
    grad: Real[...],
    here: Bool[...],
    *,
    lr: Real = 1e-3, betas: Real[2] = (0.9, 0.999), eps: Real = 1e-8, maximize: Bool = False,
):
    """Adam where the gradient has an entry (here); everywhere else nothing moves, though t goes on."""
    s = -1 if maximize else 1
    m[t, ...] = where(here[t, ...], betas[0]*m[t - 1, ...] + (1 - betas[0])*s*grad[t, ...], m[t - 1, ...])
    v[t, ...] = where(here[t, ...], betas[1]*v[t - 1, ...] + (1 - betas[1])*grad[t, ...]**2, v[t - 1, ...])
    rate[t] = lr*sqrt(1 - betas[1]**t)/(1 - betas[0]**t)
    theta[t, ...] = theta[t - 1, ...] - where(here[t, ...], rate[t]*m[t, ...]/(sqrt(v[t, ...]) + eps), 0)
