"""Normalizations: centre and scale over some axes, then an affine map."""


@layer(torch="nn.LayerNorm nn.functional.layer_norm")
def layer_norm(x: Real[..., *K], weight: Real[*K] = 1, bias: Real[*K] = 0, *, axes: Int = 1, eps: Real = 1e-5):
    """Normalizes the last axis, or the last few."""
    assert len(K) == axes
    mu[...] = mean[*k](x[..., *k])
    v[...] = mean[*k]((x[..., *k] - mu[...])**2)
    r[...] = 1/sqrt(v[...] + eps)
    xhat[..., *k] = (x[..., *k] - mu[...])*r[...]
    y[..., *k] = weight[*k]*xhat[..., *k] + bias[*k]
    return y


@layer(torch="nn.RMSNorm nn.functional.rms_norm")
def rms_norm(x: Real[..., *K], weight: Real[*K] = 1, *, axes: Int = 1, eps: Real = 1e-6):
    """Scales the last axis, or the last few, by its root mean square."""
    assert len(K) == axes
    r[...] = 1/sqrt(mean[*k](x[..., *k]**2) + eps)
    xhat[..., *k] = x[..., *k]*r[...]
    y[..., *k] = weight[*k]*xhat[..., *k]
    return y


@layer(torch="nn.BatchNorm1d nn.BatchNorm2d nn.BatchNorm3d nn.LazyBatchNorm1d nn.LazyBatchNorm2d nn.LazyBatchNorm3d nn.SyncBatchNorm nn.functional.batch_norm")
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


@layer(torch="nn.InstanceNorm1d nn.InstanceNorm2d nn.InstanceNorm3d nn.LazyInstanceNorm1d nn.LazyInstanceNorm2d nn.LazyInstanceNorm3d nn.functional.instance_norm")
def instance_norm(
    x: Real[N, C, ...],
    running_mean: Const[C] = 0,
    running_var: Const[C] = 1,
    weight: Real[C] = 1,
    bias: Real[C] = 0,
    *,
    use_input_stats: Bool = True, momentum: Real = 0.1, eps: Real = 1e-5,
):
    """Normalizes each channel of each sample, by its own statistics or by the running ones."""
    if use_input_stats:
        mu[n, c] = mean[...](x[n, c, ...])
        v[n, c] = mean[...]((x[n, c, ...] - mu[n, c])**2)
    else:
        mu[n, c] = running_mean[c]
        v[n, c] = running_var[c]
    r[n, c] = 1/sqrt(v[n, c] + eps)
    xhat[n, c, ...] = (x[n, c, ...] - mu[n, c])*r[n, c]
    y[n, c, ...] = weight[c]*xhat[n, c, ...] + bias[c]
    if use_input_stats:
        points = count[...]()
        new_mean[c] = (1 - momentum)*running_mean[c] + momentum*mean[n](mu[n, c])
        new_var[c] = (1 - momentum)*running_var[c] + momentum*mean[n](v[n, c])*points/(points - 1)
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


@layer(torch="nn.LocalResponseNorm nn.functional.local_response_norm")
def local_response_norm(
    x: Real[N, C, ...], *, size: Int, alpha: Real = 1e-4, beta: Real = 0.75, k: Real = 1,
):
    """Divides by a power of the mean square over ``size`` neighbouring channels, those beyond the ends counted as 0."""
    s[n, c, ...] = sum[i < size](x[n, c + i - size//2, ...]**2)
    y[n, c, ...] = x[n, c, ...]/(k + alpha/size*s[n, c, ...])**beta
    return y


@layer(torch="nn.CrossMapLRN2d")
def cross_map_lrn2d(
    x: Real[N, C, H, W], *, size: Int, alpha: Real = 1e-4, beta: Real = 0.75, k: Real = 1,
):
    """Divides by a power of the mean square over the channels around each, those beyond the ends counted as 0."""
    half = (size - 1)//2
    s[n, c, h, w] = sum[-half <= d <= half](x[n, c + d, h, w]**2)
    y[n, c, h, w] = x[n, c, h, w]/(k + alpha/size*s[n, c, h, w])**beta
    return y


@layer(torch="nn.functional.normalize")
def normalize(x: Real[..., D, *B], *, p: Real = 2, dim: Int = 1, eps: Real = 1e-12):
    """Scales vectors along one axis to p-norm 1; one shorter than eps counts as eps long."""
    assert dim == len(...) or dim == -len(B) - 1
    n = vector_norm(x, p=p, dim=dim)
    l[..., *b] = where(n[..., *b] < eps, eps, n[..., *b])
    y[..., d, *b] = x[..., d, *b]/l[..., *b]
    return y
