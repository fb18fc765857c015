"""Finer and coarser grids, axis by axis: every point is a weighted sum of the points around its place."""


@layer
def resample_nearest(
    x: Real[..., L, *B], *, size: Int, dim: Int = -1, exact: Bool = False, snap: Bool = False, scale: Real = None,
):
    """One axis in ``size`` points, each the value at its place rounded down or, where exact, to the nearest.

    ``snap``: as many or twice as many points as there are lie at whole steps, whatever the scale says.
    """
    assert size > 0
    assert dim == len(...) or dim == -len(B) - 1
    i: Index[size]
    if exact and scale is None:
        i[p] = (2*p + 1)*L//(2*size)
    elif exact:
        i[p] = min(floor((p + 1/2)/scale), L - 1)
    elif scale is None:
        i[p] = p*L//size
    elif snap:
        i[p] = where(size == L, p, where(size == 2*L, p//2, min(floor(p/scale), L - 1)))
    else:
        i[p] = min(floor(p/scale), L - 1)
    y[..., p, *b] = x[..., i[p], *b]
    return y


@layer
def resample_linear(
    x: Real[..., L, *B], *, size: Int, dim: Int = -1, align_corners: Bool = False, scale: Real = None,
):
    """One axis in ``size`` points, straight lines between its values, the ends repeated."""
    assert size > 0
    assert dim == len(...) or dim == -len(B) - 1
    i: Index[size]
    if align_corners or scale is None:
        n: Index[size]
        if align_corners:
            n[p] = p*(L - 1)
            d = max(size - 1, 1)
        else:
            n[p] = max((2*p + 1)*L - size, 0)
            d = 2*size
        i[p] = n[p]//d
        a[p] = (n[p] - d*i[p])/d
    else:
        u: Real[size]
        u[p] = where(size == L, p, min(max((p + 1/2)/scale - 1/2, 0), L - 1))
        i[p] = floor(u[p])
        a[p] = u[p] - i[p]
    y[..., p, *b] = (1 - a[p])*x[..., i[p], *b] + a[p]*x[..., min(i[p] + 1, L - 1), *b]
    return y


@layer
def resample_cubic(
    x: Real[..., L, *B], *, size: Int, dim: Int = -1, align_corners: Bool = False, scale: Real = None,
):
    """One axis in ``size`` points, cubic convolution (Keys, a = −3/4) over four neighbours, the ends repeated."""
    assert size > 0
    assert dim == len(...) or dim == -len(B) - 1
    i: Index[size]
    if align_corners or scale is None:
        n: Index[size]
        if align_corners:
            n[p] = p*(L - 1)
            d = max(size - 1, 1)
        else:
            n[p] = (2*p + 1)*L - size
            d = 2*size
        i[p] = n[p]//d
        a[p] = (n[p] - d*i[p])/d
    else:
        u: Real[size]
        u[p] = (p + 1/2)/scale - 1/2
        i[p] = floor(u[p])
        a[p] = u[p] - i[p]
    y[..., p, *b] = (
        -3/4*a[p]*(1 - a[p])**2*x[..., clamp(i[p] - 1, 0, L - 1), *b]
        + (1 - a[p]**2*(9 - 5*a[p])/4)*x[..., clamp(i[p], 0, L - 1), *b]
        + (1 - (1 - a[p])**2*(4 + 5*a[p])/4)*x[..., clamp(i[p] + 1, 0, L - 1), *b]
        - 3/4*a[p]**2*(1 - a[p])*x[..., clamp(i[p] + 2, 0, L - 1), *b])
    return y


@layer
def antialias_weight(d: Real[...], *, kernel: Text["linear", "cubic", "lanczos"] = "linear"):
    """The weight at a distance: a triangle, Keys' cubic with a = −1/2, or Lanczos' sinc(d) sinc(d/3)."""
    if kernel == "linear":
        w[...] = where(d[...] < 1, 1 - d[...], 0)
    elif kernel == "cubic":
        w[...] = where(
            d[...] <= 1, 1 - d[...]**2*(5 - 3*d[...])/2,
            where(d[...] < 2, (1 - d[...])*(2 - d[...])**2/2, 0))
    else:
        w[...] = where(
            d[...] == 0, 1,
            where(d[...] < 3, 3*sin(pi*d[...])*sin(pi*d[...]/3)/(pi*d[...])**2, 0))
    return w


@layer
def resample_antialias(
    x: Real[..., L, *B],
    *,
    size: Int, dim: Int = -1, kernel: Text["linear", "cubic", "lanczos"] = "linear",
    align_corners: Bool = False, scale: Real = None,
):
    """One axis in ``size`` points, each a weighted mean of all points within the kernel, widened to the new spacing."""
    assert size > 0
    assert dim == len(...) or dim == -len(B) - 1
    if align_corners:
        step = (L - 1)/max(size - 1, 1)
    elif scale is None:
        step = L/size
    else:
        step = 1/scale
    a: Real[size, L]
    a[p, l] = antialias_weight(abs(l + 1/2 - step*(p + 1/2))/max(step, 1), kernel=kernel)
    s[p] = sum[l](a[p, l])
    m[p, l] = a[p, l]/s[p]
    y[..., p, *b] = sum[l](m[p, l]*x[..., l, *b])
    return y


@layer(torch="_C._nn.upsample_nearest1d")
def upsample_nearest1d(
    x: Real[..., L], *, output_size: Int[1], scale_factors: Real[1] = None,
):
    """Every point takes the value that lies at its place, rounded down."""
    y = resample_nearest(
        x, size=output_size[0],
        scale=None if scale_factors is None else scale_factors[0])
    return y


@layer(torch="_C._nn.upsample_nearest2d")
def upsample_nearest2d(
    x: Real[..., H, W], *, output_size: Int[2], scale_factors: Real[2] = None,
):
    """Every point takes the value that lies at its place, rounded down."""
    for k in range(2):
        y = resample_nearest(
            x, size=output_size[k], dim=k - 2, snap=True,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn.upsample_nearest3d")
def upsample_nearest3d(
    x: Real[..., D, H, W], *, output_size: Int[3], scale_factors: Real[3] = None,
):
    """Every point takes the value that lies at its place, rounded down."""
    for k in range(3):
        y = resample_nearest(
            x, size=output_size[k], dim=k - 3,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn._upsample_nearest_exact1d")
def upsample_nearest_exact1d(
    x: Real[..., L], *, output_size: Int[1], scale_factors: Real[1] = None,
):
    """Every point takes the value whose middle is nearest to its own."""
    y = resample_nearest(
        x, size=output_size[0], exact=True,
        scale=None if scale_factors is None else scale_factors[0])
    return y


@layer(torch="_C._nn._upsample_nearest_exact2d")
def upsample_nearest_exact2d(
    x: Real[..., H, W], *, output_size: Int[2], scale_factors: Real[2] = None,
):
    """Every point takes the value whose middle is nearest to its own."""
    for k in range(2):
        y = resample_nearest(
            x, size=output_size[k], dim=k - 2, exact=True,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn._upsample_nearest_exact3d")
def upsample_nearest_exact3d(
    x: Real[..., D, H, W], *, output_size: Int[3], scale_factors: Real[3] = None,
):
    """Every point takes the value whose middle is nearest to its own."""
    for k in range(3):
        y = resample_nearest(
            x, size=output_size[k], dim=k - 3, exact=True,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn.upsample_linear1d")
def upsample_linear1d(
    x: Real[..., L], *, output_size: Int[1], align_corners: Bool = False, scale_factors: Real[1] = None,
):
    """Straight lines between neighbouring points."""
    y = resample_linear(
        x, size=output_size[0], align_corners=align_corners,
        scale=None if scale_factors is None else scale_factors[0])
    return y


@layer(torch="_C._nn.upsample_bilinear2d")
def upsample_bilinear2d(
    x: Real[..., H, W], *, output_size: Int[2], align_corners: Bool = False, scale_factors: Real[2] = None,
):
    """Straight lines between neighbouring points, along both axes."""
    for k in range(2):
        y = resample_linear(
            x, size=output_size[k], dim=k - 2, align_corners=align_corners,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn.upsample_trilinear3d")
def upsample_trilinear3d(
    x: Real[..., D, H, W], *, output_size: Int[3], align_corners: Bool = False, scale_factors: Real[3] = None,
):
    """Straight lines between neighbouring points, along all three axes."""
    for k in range(3):
        y = resample_linear(
            x, size=output_size[k], dim=k - 3, align_corners=align_corners,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn.upsample_bicubic2d")
def upsample_bicubic2d(
    x: Real[..., H, W], *, output_size: Int[2], align_corners: Bool = False, scale_factors: Real[2] = None,
):
    """Cubic convolution over four neighbours along both axes, the ends repeated."""
    for k in range(2):
        y = resample_cubic(
            x, size=output_size[k], dim=k - 2, align_corners=align_corners,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn._upsample_bilinear2d_aa")
def upsample_bilinear2d_aa(
    x: Real[..., H, W], *, output_size: Int[2], align_corners: Bool = False, scale_factors: Real[2] = None,
):
    """A mean under a triangle along both axes, wider where the new grid is coarser."""
    for k in range(2):
        y = resample_antialias(
            x, size=output_size[k], dim=k - 2, kernel="linear", align_corners=align_corners,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn._upsample_bicubic2d_aa")
def upsample_bicubic2d_aa(
    x: Real[..., H, W], *, output_size: Int[2], align_corners: Bool = False, scale_factors: Real[2] = None,
):
    """A mean under Keys' cubic along both axes, wider where the new grid is coarser."""
    for k in range(2):
        y = resample_antialias(
            x, size=output_size[k], dim=k - 2, kernel="cubic", align_corners=align_corners,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x


@layer(torch="_C._nn._upsample_lanczos2d_aa")
def upsample_lanczos2d_aa(
    x: Real[..., H, W], *, output_size: Int[2], align_corners: Bool = False, scale_factors: Real[2] = None,
):
    """A mean under Lanczos' kernel along both axes, wider where the new grid is coarser."""
    for k in range(2):
        y = resample_antialias(
            x, size=output_size[k], dim=k - 2, kernel="lanczos", align_corners=align_corners,
            scale=None if scale_factors is None else scale_factors[k])
        x = y
    return x
