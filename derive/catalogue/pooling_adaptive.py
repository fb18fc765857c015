"""Pools whose windows follow from the output's size, powers, and the way back."""


@layer(torch="nn.LPPool1d nn.functional.lp_pool1d")
def lp_pool1d(
    x: Real[..., L],
    *,
    norm_type: Real, kernel_size: Int, stride: Int = kernel_size, ceil_mode: Bool = False,
):
    """Root of the sum of powers of each window; one cut off at the edge counts as if it were whole."""
    a[..., l] = x[..., l]**norm_type
    m = avg_pool1d(a, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)
    s[..., p] = kernel_size*m[..., p]
    y[..., p] = where(s[..., p] != 0, s[..., p]**(1/norm_type), 0)
    return y


@layer(torch="nn.LPPool2d nn.functional.lp_pool2d")
def lp_pool2d(
    x: Real[..., H, W],
    *,
    norm_type: Real, kernel_size: Int[2], stride: Int[2] = kernel_size, ceil_mode: Bool = False,
):
    """Root of the sum of powers of each window; one cut off at the edge counts as if it were whole."""
    a[..., h, w] = x[..., h, w]**norm_type
    m = avg_pool2d(a, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)
    s[..., p, q] = kernel_size[0]*kernel_size[1]*m[..., p, q]
    y[..., p, q] = where(s[..., p, q] != 0, s[..., p, q]**(1/norm_type), 0)
    return y


@layer(torch="nn.LPPool3d nn.functional.lp_pool3d")
def lp_pool3d(
    x: Real[..., D, H, W],
    *,
    norm_type: Real, kernel_size: Int[3], stride: Int[3] = kernel_size, ceil_mode: Bool = False,
):
    """Root of the sum of powers of each window; one cut off at the edge counts as if it were whole."""
    a[..., d, h, w] = x[..., d, h, w]**norm_type
    m = avg_pool3d(a, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)
    s[..., r, p, q] = kernel_size[0]*kernel_size[1]*kernel_size[2]*m[..., r, p, q]
    y[..., r, p, q] = where(s[..., r, p, q] != 0, s[..., r, p, q]**(1/norm_type), 0)
    return y


@layer(torch="nn.AdaptiveAvgPool1d nn.functional.adaptive_avg_pool1d")
def adaptive_avg_pool1d(x: Real[..., L], *, output_size: Int):
    """Mean over windows that divide the axis as evenly as whole points allow."""
    OL = output_size
    y: Real[..., OL]
    y[..., p] = mean[
        p*L//OL <= l < -(-(p + 1)*L//OL),
    ](x[..., l])
    return y


@layer(torch="nn.AdaptiveMaxPool1d nn.functional.adaptive_max_pool1d")
def adaptive_max_pool1d(x: Real[..., L], *, output_size: Int, return_indices: Bool = False):
    """Largest value of windows that divide the axis as evenly as whole points allow."""
    OL = output_size
    y: Real[..., OL]
    y[..., p] = max[
        p*L//OL <= l < -(-(p + 1)*L//OL),
    ](x[..., l])
    if return_indices:
        indices: Index[..., OL]
        indices[..., p] = argmax[
            l,
            p*L//OL <= l, l < -(-(p + 1)*L//OL),
        ](x[..., l])
        return y, indices
    return y


@layer(torch="nn.AdaptiveAvgPool2d nn.functional.adaptive_avg_pool2d")
def adaptive_avg_pool2d(x: Real[..., H, W], *, output_size: Int[2]):
    """Mean over windows that divide the plane as evenly as whole points allow."""
    OH = output_size[0]
    OW = output_size[1]
    y: Real[..., OH, OW]
    y[..., p, q] = mean[
        p*H//OH <= h < -(-(p + 1)*H//OH),
        q*W//OW <= w < -(-(q + 1)*W//OW),
    ](x[..., h, w])
    return y


@layer(torch="nn.AdaptiveMaxPool2d nn.functional.adaptive_max_pool2d")
def adaptive_max_pool2d(x: Real[..., H, W], *, output_size: Int[2], return_indices: Bool = False):
    """Largest value of windows that divide the plane as evenly as whole points allow."""
    OH = output_size[0]
    OW = output_size[1]
    y: Real[..., OH, OW]
    y[..., p, q] = max[
        p*H//OH <= h < -(-(p + 1)*H//OH),
        q*W//OW <= w < -(-(q + 1)*W//OW),
    ](x[..., h, w])
    if return_indices:
        indices: Index[..., OH, OW]
        indices[..., p, q] = argmax[
            h, w,
            p*H//OH <= h, h < -(-(p + 1)*H//OH),
            q*W//OW <= w, w < -(-(q + 1)*W//OW),
        ](x[..., h, w])
        return y, indices
    return y


@layer(torch="nn.AdaptiveAvgPool3d nn.functional.adaptive_avg_pool3d")
def adaptive_avg_pool3d(x: Real[..., D, H, W], *, output_size: Int[3]):
    """Mean over windows that divide the space as evenly as whole points allow."""
    OD = output_size[0]
    OH = output_size[1]
    OW = output_size[2]
    y: Real[..., OD, OH, OW]
    y[..., r, p, q] = mean[
        r*D//OD <= d < -(-(r + 1)*D//OD),
        p*H//OH <= h < -(-(p + 1)*H//OH),
        q*W//OW <= w < -(-(q + 1)*W//OW),
    ](x[..., d, h, w])
    return y


@layer(torch="nn.AdaptiveMaxPool3d nn.functional.adaptive_max_pool3d")
def adaptive_max_pool3d(x: Real[..., D, H, W], *, output_size: Int[3], return_indices: Bool = False):
    """Largest value of windows that divide the space as evenly as whole points allow."""
    OD = output_size[0]
    OH = output_size[1]
    OW = output_size[2]
    y: Real[..., OD, OH, OW]
    y[..., r, p, q] = max[
        r*D//OD <= d < -(-(r + 1)*D//OD),
        p*H//OH <= h < -(-(p + 1)*H//OH),
        q*W//OW <= w < -(-(q + 1)*W//OW),
    ](x[..., d, h, w])
    if return_indices:
        indices: Index[..., OD, OH, OW]
        indices[..., r, p, q] = argmax[
            d, h, w,
            r*D//OD <= d, d < -(-(r + 1)*D//OD),
            p*H//OH <= h, h < -(-(p + 1)*H//OH),
            q*W//OW <= w, w < -(-(q + 1)*W//OW),
        ](x[..., d, h, w])
        return y, indices
    return y


@layer(torch="nn.FractionalMaxPool2d nn.functional.fractional_max_pool2d")
def fractional_max_pool2d(
    x: Real[N, C, H, W],
    samples: Const[N, C, 2] = uniform(0, 1),
    *,
    kernel_size: Int[2], output_size: Int[2], return_indices: Bool = False,
):
    """Largest value of windows that start at steps drawn at random, the last at the end."""
    OH = output_size[0]
    OW = output_size[1]
    h0: Index[N, C, OH]
    h0[n, c, p] = where(
        p == OH - 1, H - kernel_size[0],
        floor((p + samples[n, c, 1])*(H - kernel_size[0])/max(OH - 1, 1))
        - floor(samples[n, c, 1]*(H - kernel_size[0])/max(OH - 1, 1)))
    w0: Index[N, C, OW]
    w0[n, c, q] = where(
        q == OW - 1, W - kernel_size[1],
        floor((q + samples[n, c, 0])*(W - kernel_size[1])/max(OW - 1, 1))
        - floor(samples[n, c, 0]*(W - kernel_size[1])/max(OW - 1, 1)))
    y: Real[N, C, OH, OW]
    y[n, c, p, q] = max[i < kernel_size[0], j < kernel_size[1]](
        x[n, c, h0[n, c, p] + i, w0[n, c, q] + j])
    if return_indices:
        tap: Index[N, C, OH, OW]
        tap[n, c, p, q] = argmax[i < kernel_size[0], j < kernel_size[1]](
        x[n, c, h0[n, c, p] + i, w0[n, c, q] + j])
        indices: Index[N, C, OH, OW]
        indices[n, c, p, q] = (
            (h0[n, c, p] + tap[n, c, p, q]//kernel_size[1])*W + w0[n, c, q] + tap[n, c, p, q]%kernel_size[1])
        return y, indices
    return y


@layer(torch="nn.FractionalMaxPool3d nn.functional.fractional_max_pool3d")
def fractional_max_pool3d(
    x: Real[N, C, D, H, W],
    samples: Const[N, C, 3] = uniform(0, 1),
    *,
    kernel_size: Int[3], output_size: Int[3], return_indices: Bool = False,
):
    """Largest value of windows that start at steps drawn at random, the last at the end."""
    OD = output_size[0]
    OH = output_size[1]
    OW = output_size[2]
    d0: Index[N, C, OD]
    d0[n, c, r] = where(
        r == OD - 1, D - kernel_size[0],
        floor((r + samples[n, c, 0])*(D - kernel_size[0])/max(OD - 1, 1))
        - floor(samples[n, c, 0]*(D - kernel_size[0])/max(OD - 1, 1)))
    h0: Index[N, C, OH]
    h0[n, c, p] = where(
        p == OH - 1, H - kernel_size[1],
        floor((p + samples[n, c, 1])*(H - kernel_size[1])/max(OH - 1, 1))
        - floor(samples[n, c, 1]*(H - kernel_size[1])/max(OH - 1, 1)))
    w0: Index[N, C, OW]
    w0[n, c, q] = where(
        q == OW - 1, W - kernel_size[2],
        floor((q + samples[n, c, 2])*(W - kernel_size[2])/max(OW - 1, 1))
        - floor(samples[n, c, 2]*(W - kernel_size[2])/max(OW - 1, 1)))
    y: Real[N, C, OD, OH, OW]
    y[n, c, r, p, q] = max[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
        x[n, c, d0[n, c, r] + h, h0[n, c, p] + i, w0[n, c, q] + j])
    if return_indices:
        tap: Index[N, C, OD, OH, OW]
        tap[n, c, r, p, q] = argmax[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
        x[n, c, d0[n, c, r] + h, h0[n, c, p] + i, w0[n, c, q] + j])
        indices: Index[N, C, OD, OH, OW]
        indices[n, c, r, p, q] = (
            ((d0[n, c, r] + tap[n, c, r, p, q]//(kernel_size[1]*kernel_size[2]))*H
             + h0[n, c, p] + tap[n, c, r, p, q]//kernel_size[2]%kernel_size[1])*W
            + w0[n, c, q] + tap[n, c, r, p, q]%kernel_size[2])
        return y, indices
    return y


@layer(torch="nn.MaxUnpool1d nn.functional.max_unpool1d")
def max_unpool1d(x: Real[..., L], indices: Index[..., L], *, output_size: Int):
    """Puts each value where its index says, zeros elsewhere; values for one place add up."""
    OL = output_size
    y: Real[..., OL]
    y[..., l] = sum[p, indices[..., p] == l](x[..., p])
    return y


@layer(torch="nn.MaxUnpool2d nn.functional.max_unpool2d")
def max_unpool2d(x: Real[..., H, W], indices: Index[..., H, W], *, output_size: Int[2]):
    """Puts each value where its index says, zeros elsewhere; values for one place add up."""
    OH = output_size[0]
    OW = output_size[1]
    y: Real[..., OH, OW]
    y[..., h, w] = sum[p, q, indices[..., p, q] == h*OW + w](x[..., p, q])
    return y


@layer(torch="nn.MaxUnpool3d nn.functional.max_unpool3d")
def max_unpool3d(x: Real[..., D, H, W], indices: Index[..., D, H, W], *, output_size: Int[3]):
    """Puts each value where its index says, zeros elsewhere; values for one place add up."""
    OD = output_size[0]
    OH = output_size[1]
    OW = output_size[2]
    y: Real[..., OD, OH, OW]
    y[..., d, h, w] = sum[r, p, q, indices[..., r, p, q] == (d*OH + h)*OW + w](x[..., r, p, q])
    return y
