"""Learning rates as functions of the step t = 0, 1, 2, …, of which there may be many at once."""


@layer(torch="optim.lr_scheduler.ConstantLR")
def constant_lr(lr: Real, t: Const[...], *, factor: Real = 0.3333333333333333, total_iters: Int = 5):
    """A smaller rate for the first steps."""
    y[...] = where(t[...] < total_iters, factor*lr, lr)
    return y


@layer(torch="optim.lr_scheduler.LinearLR")
def linear_lr(
    lr: Real, t: Const[...], *, start_factor: Real = 0.3333333333333333, end_factor: Real = 1, total_iters: Int = 5,
):
    """A factor that moves on a line from start to end."""
    y[...] = lr*(start_factor + (end_factor - start_factor)*min(t[...], total_iters)/total_iters)
    return y


@layer(torch="optim.lr_scheduler.ExponentialLR")
def exponential_lr(lr: Real, t: Const[...], *, gamma: Real = 0.9):
    """A rate that falls by gamma at every step."""
    y[...] = lr*gamma**t[...]
    return y


@layer(torch="optim.lr_scheduler.StepLR")
def step_lr(lr: Real, t: Const[...], *, step_size: Int = 30, gamma: Real = 0.1):
    """A rate that falls by gamma once in step_size steps."""
    y[...] = lr*gamma**floor(t[...]/step_size)
    return y


@layer(torch="optim.lr_scheduler.MultiStepLR")
def multi_step_lr(lr: Real, t: Const[...], milestones: Const[K], *, gamma: Real = 0.1):
    """A rate that falls by gamma at every milestone."""
    y[...] = lr*gamma**count[k, milestones[k] <= t[...]]()
    return y


@layer(torch="optim.lr_scheduler.PolynomialLR")
def polynomial_lr(lr: Real, t: Const[...], *, total_iters: Int = 5, power: Real = 1):
    """A rate that falls to 0 as a power of what is left."""
    left[...] = 1 - min(t[...], total_iters)/total_iters
    y[...] = where(left[...] > 0, lr*left[...]**power, 0)
    return y


@layer(torch="optim.lr_scheduler.CosineAnnealingLR")
def cosine_annealing_lr(lr: Real, t: Const[...], *, T_max: Int = 50, eta_min: Real = 0):
    """Half a cosine from lr down to eta_min."""
    y[...] = eta_min + (lr - eta_min)*(1 + cos(pi*t[...]/T_max))/2
    return y


@layer(torch="optim.lr_scheduler.CosineAnnealingWarmRestarts")
def cosine_annealing_warm_restarts(lr: Real, t: Const[...], *, T_0: Int = 10, T_mult: Int = 1, eta_min: Real = 0):
    """Half cosines, each T_mult times as long as the one before."""
    if T_mult == 1:
        long[...] = T_0
        since[...] = t[...] - T_0*floor(t[...]/T_0)
    else:
        turn[...] = floor(log(t[...]/T_0*(T_mult - 1) + 1)/log(T_mult))
        long[...] = T_0*T_mult**turn[...]
        since[...] = t[...] - T_0*(T_mult**turn[...] - 1)/(T_mult - 1)
    y[...] = eta_min + (lr - eta_min)*(1 + cos(pi*since[...]/long[...]))/2
    return y


@layer(torch="optim.lr_scheduler.CyclicLR")
def cyclic_lr(
    lr: Real,
    t: Const[...],
    *,
    max_lr: Real = 0.1, step_size_up: Int = 2000, step_size_down: Int = 2000,
    mode: Text["triangular", "triangular2", "exp_range"] = "triangular", gamma: Real = 1,
):
    """Up from lr to max_lr and down again, on lines, over and over."""
    whole = step_size_up + step_size_down
    cycle[...] = floor(1 + t[...]/whole)
    x[...] = 1 + t[...]/whole - cycle[...]
    up = step_size_up/whole
    height[...] = where(x[...] <= up, x[...]/up, (x[...] - 1)/(up - 1))
    if mode == "triangular":
        y[...] = lr + (max_lr - lr)*height[...]
    elif mode == "triangular2":
        y[...] = lr + (max_lr - lr)*height[...]/2**(cycle[...] - 1)
    else:
        y[...] = lr + (max_lr - lr)*height[...]*gamma**t[...]
    return y


@layer(torch="optim.lr_scheduler.OneCycleLR")
def one_cycle_lr(
    max_lr: Real,
    t: Const[...],
    *,
    total_steps: Int = 100, pct_start: Real = 0.3, anneal_strategy: Text["cos", "linear"] = "cos",
    div_factor: Real = 25, final_div_factor: Real = 1e4,
):
    """Once up to max_lr and once down to nearly nothing (Smith and Topin 2017)."""
    first = max_lr/div_factor
    last = first/final_div_factor
    top = pct_start*total_steps - 1
    a[...] = t[...]/top
    b[...] = (t[...] - top)/(total_steps - 1 - top)
    if anneal_strategy == "cos":
        rise[...] = max_lr + (first - max_lr)*(1 + cos(pi*a[...]))/2
        fall[...] = last + (max_lr - last)*(1 + cos(pi*b[...]))/2
    else:
        rise[...] = first + (max_lr - first)*a[...]
        fall[...] = max_lr + (last - max_lr)*b[...]
    y[...] = where(t[...] <= top, rise[...], fall[...])
    return y


@layer
def inverse_sqrt_lr(lr: Real, t: Const[...], *, warmup: Int = 4000):
    """A line up during warmup, then the inverse square root (Vaswani et al. 2017)."""
    s[...] = max(t[...], 1)
    y[...] = lr*where(s[...] < warmup, s[...]/warmup, sqrt(warmup/s[...]))
    return y
