"""Normalizations: centre and scale over some axes, then an affine map."""


@layer(torch="nn.LayerNorm nn.functional.layer_norm")
def layer_norm(x: Real[..., K], weight: Real[K] = 1, bias: Real[K] = 0, *, eps: Real = 1e-5):
    """Normalizes the last axis."""
    mu[...] = mean[k](x[..., k])
    v[...] = mean[k]((x[..., k] - mu[...])**2)
    r[...] = 1/sqrt(v[...] + eps)
    xhat[..., k] = (x[..., k] - mu[...])*r[...]
    y[..., k] = weight[k]*xhat[..., k] + bias[k]
    return y


@layer(torch="nn.RMSNorm nn.functional.rms_norm")
def rms_norm(x: Real[..., K], weight: Real[K] = 1, *, eps: Real = 1e-6):
    """Scales the last axis by its root mean square."""
    r[...] = 1/sqrt(mean[k](x[..., k]**2) + eps)
    xhat[..., k] = x[..., k]*r[...]
    y[..., k] = weight[k]*xhat[..., k]
    return y


@layer(torch="nn.BatchNorm1d nn.BatchNorm2d nn.BatchNorm3d nn.functional.batch_norm")
def batch_norm(
    x: Real[N, C, ...],
    running_mean: Const[C] = 0,
    running_var: Const[C] = 1,
    weight: Real[C] = 1,
    bias: Real[C] = 0,
    *,
    training: Bool = True, momentum: Real = 0.1, eps: Real = 1e-5,
):
    """Normalizes each channel, by the batch's statistics in training and by the running ones otherwise."""
    if training:
        mu[c] = mean[n, ...](x[n, c, ...])
        v[c] = mean[n, ...]((x[n, c, ...] - mu[c])**2)
    else:
        mu[c] = running_mean[c]
        v[c] = running_var[c]
    r[c] = 1/sqrt(v[c] + eps)
    xhat[n, c, ...] = (x[n, c, ...] - mu[c])*r[c]
    y[n, c, ...] = weight[c]*xhat[n, c, ...] + bias[c]
    if training:
        points = count[n < N, ...]()
        new_mean[c] = (1 - momentum)*running_mean[c] + momentum*mu[c]
        new_var[c] = (1 - momentum)*running_var[c] + momentum*v[c]*points/(points - 1)
        return y, update(running_mean=new_mean, running_var=new_var)
    return y


@layer(torch="nn.GroupNorm nn.functional.group_norm")
def group_norm(
    x: Real[N, [num_groups, C], ...],
    weight: Real[[num_groups, C]] = 1,
    bias: Real[[num_groups, C]] = 0,
    *,
    num_groups: Int, eps: Real = 1e-5,
):
    """Normalizes each group of channels of each sample."""
    assert num_groups > 0
    mu[n, g] = mean[c, ...](x[n, [g, c], ...])
    v[n, g] = mean[c, ...]((x[n, [g, c], ...] - mu[n, g])**2)
    r[n, g] = 1/sqrt(v[n, g] + eps)
    xhat[n, [g, c], ...] = (x[n, [g, c], ...] - mu[n, g])*r[n, g]
    y[n, [g, c], ...] = weight[[g, c]]*xhat[n, [g, c], ...] + bias[[g, c]]
    return y
