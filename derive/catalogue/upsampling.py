"""Finer and coarser grids: every point is a weighted sum of the points around it."""


@layer(torch="_C._nn.upsample_nearest1d")
def upsample_nearest1d(
    x: Real[..., L], *, output_size: Int[1], scale_factors: Real[1] = None,
):
    """Every point takes the value that lies where it lies, rounded down."""
    OL = output_size[0]
    y: Real[..., OL]
    if scale_factors is None:
        y[..., p] = x[..., p*L//OL]
    else:
        l: Index[OL]
        l[p] = min(floor(p/scale_factors[0]), L - 1)
        y[..., p] = x[..., l[p]]
    return y


@layer(torch="_C._nn.upsample_nearest2d")
def upsample_nearest2d(
    x: Real[..., H, W], *, output_size: Int[2], scale_factors: Real[2] = None,
):
    """Every point takes the value that lies where it lies, rounded down."""
    OH = output_size[0]
    OW = output_size[1]
    y: Real[..., OH, OW]
    if scale_factors is None:
        y[..., p, q] = x[..., p*H//OH, q*W//OW]
    else:
        h: Index[OH]
        h[p] = min(floor(p/scale_factors[0]), H - 1)
        w: Index[OW]
        w[q] = min(floor(q/scale_factors[1]), W - 1)
        y[..., p, q] = x[..., h[p], w[q]]
    return y


@layer(torch="_C._nn.upsample_nearest3d")
def upsample_nearest3d(
    x: Real[..., D, H, W], *, output_size: Int[3], scale_factors: Real[3] = None,
):
    """Every point takes the value that lies where it lies, rounded down."""
    OD = output_size[0]
    OH = output_size[1]
    OW = output_size[2]
    y: Real[..., OD, OH, OW]
    if scale_factors is None:
        y[..., r, p, q] = x[..., r*D//OD, p*H//OH, q*W//OW]
    else:
        d: Index[OD]
        d[r] = min(floor(r/scale_factors[0]), D - 1)
        h: Index[OH]
        h[p] = min(floor(p/scale_factors[1]), H - 1)
        w: Index[OW]
        w[q] = min(floor(q/scale_factors[2]), W - 1)
        y[..., r, p, q] = x[..., d[r], h[p], w[q]]
    return y


@layer(torch="_C._nn._upsample_nearest_exact1d")
def upsample_nearest_exact1d(
    x: Real[..., L], *, output_size: Int[1], scale_factors: Real[1] = None,
):
    """Every point takes the value whose middle is nearest to its own."""
    OL = output_size[0]
    y: Real[..., OL]
    if scale_factors is None:
        y[..., p] = x[..., (2*p + 1)*L//(2*OL)]
    else:
        l: Index[OL]
        l[p] = min(floor((p + 1/2)/scale_factors[0]), L - 1)
        y[..., p] = x[..., l[p]]
    return y


@layer(torch="_C._nn._upsample_nearest_exact2d")
def upsample_nearest_exact2d(
    x: Real[..., H, W], *, output_size: Int[2], scale_factors: Real[2] = None,
):
    """Every point takes the value whose middle is nearest to its own."""
    OH = output_size[0]
    OW = output_size[1]
    y: Real[..., OH, OW]
    if scale_factors is None:
        y[..., p, q] = x[..., (2*p + 1)*H//(2*OH), (2*q + 1)*W//(2*OW)]
    else:
        h: Index[OH]
        h[p] = min(floor((p + 1/2)/scale_factors[0]), H - 1)
        w: Index[OW]
        w[q] = min(floor((q + 1/2)/scale_factors[1]), W - 1)
        y[..., p, q] = x[..., h[p], w[q]]
    return y


@layer(torch="_C._nn._upsample_nearest_exact3d")
def upsample_nearest_exact3d(
    x: Real[..., D, H, W], *, output_size: Int[3], scale_factors: Real[3] = None,
):
    """Every point takes the value whose middle is nearest to its own."""
    OD = output_size[0]
    OH = output_size[1]
    OW = output_size[2]
    y: Real[..., OD, OH, OW]
    if scale_factors is None:
        y[..., r, p, q] = x[..., (2*r + 1)*D//(2*OD), (2*p + 1)*H//(2*OH), (2*q + 1)*W//(2*OW)]
    else:
        d: Index[OD]
        d[r] = min(floor((r + 1/2)/scale_factors[0]), D - 1)
        h: Index[OH]
        h[p] = min(floor((p + 1/2)/scale_factors[1]), H - 1)
        w: Index[OW]
        w[q] = min(floor((q + 1/2)/scale_factors[2]), W - 1)
        y[..., r, p, q] = x[..., d[r], h[p], w[q]]
    return y


@layer(torch="_C._nn.upsample_linear1d")
def upsample_linear1d(
    x: Real[..., L], *, output_size: Int[1], align_corners: Bool = False, scale_factors: Real[1] = None,
):
    """Straight lines between neighbouring points."""
    OL = output_size[0]
    if align_corners:
        u: Real[OL]
        u[p] = p*((L - 1)/max(OL - 1, 1))
    elif scale_factors is None:
        u: Real[OL]
        u[p] = min(max((p + 1/2)*L/OL - 1/2, 0), L - 1)
    else:
        u: Real[OL]
        u[p] = min(max((p + 1/2)/scale_factors[0] - 1/2, 0), L - 1)
    a: Real[OL, L]
    a[p, l] = max(0, 1 - abs(u[p] - l))
    y[..., p] = sum[l](a[p, l]*x[..., l])
    return y


@layer(torch="_C._nn.upsample_bilinear2d")
def upsample_bilinear2d(
    x: Real[..., H, W], *, output_size: Int[2], align_corners: Bool = False, scale_factors: Real[2] = None,
):
    """Straight lines between neighbouring points, along both axes."""
    OH = output_size[0]
    OW = output_size[1]
    if align_corners:
        u: Real[OH]
        u[p] = p*((H - 1)/max(OH - 1, 1))
        v: Real[OW]
        v[q] = q*((W - 1)/max(OW - 1, 1))
    elif scale_factors is None:
        u: Real[OH]
        u[p] = min(max((p + 1/2)*H/OH - 1/2, 0), H - 1)
        v: Real[OW]
        v[q] = min(max((q + 1/2)*W/OW - 1/2, 0), W - 1)
    else:
        u: Real[OH]
        u[p] = min(max((p + 1/2)/scale_factors[0] - 1/2, 0), H - 1)
        v: Real[OW]
        v[q] = min(max((q + 1/2)/scale_factors[1] - 1/2, 0), W - 1)
    a: Real[OH, H]
    a[p, h] = max(0, 1 - abs(u[p] - h))
    b: Real[OW, W]
    b[q, w] = max(0, 1 - abs(v[q] - w))
    y[..., p, q] = sum[h, w](a[p, h]*b[q, w]*x[..., h, w])
    return y


@layer(torch="_C._nn.upsample_trilinear3d")
def upsample_trilinear3d(
    x: Real[..., D, H, W], *, output_size: Int[3], align_corners: Bool = False, scale_factors: Real[3] = None,
):
    """Straight lines between neighbouring points, along all three axes."""
    OD = output_size[0]
    OH = output_size[1]
    OW = output_size[2]
    if align_corners:
        s: Real[OD]
        s[r] = r*((D - 1)/max(OD - 1, 1))
        u: Real[OH]
        u[p] = p*((H - 1)/max(OH - 1, 1))
        v: Real[OW]
        v[q] = q*((W - 1)/max(OW - 1, 1))
    elif scale_factors is None:
        s: Real[OD]
        s[r] = min(max((r + 1/2)*D/OD - 1/2, 0), D - 1)
        u: Real[OH]
        u[p] = min(max((p + 1/2)*H/OH - 1/2, 0), H - 1)
        v: Real[OW]
        v[q] = min(max((q + 1/2)*W/OW - 1/2, 0), W - 1)
    else:
        s: Real[OD]
        s[r] = min(max((r + 1/2)/scale_factors[0] - 1/2, 0), D - 1)
        u: Real[OH]
        u[p] = min(max((p + 1/2)/scale_factors[1] - 1/2, 0), H - 1)
        v: Real[OW]
        v[q] = min(max((q + 1/2)/scale_factors[2] - 1/2, 0), W - 1)
    e: Real[OD, D]
    e[r, d] = max(0, 1 - abs(s[r] - d))
    a: Real[OH, H]
    a[p, h] = max(0, 1 - abs(u[p] - h))
    b: Real[OW, W]
    b[q, w] = max(0, 1 - abs(v[q] - w))
    y[..., r, p, q] = sum[d, h, w](e[r, d]*a[p, h]*b[q, w]*x[..., d, h, w])
    return y


@layer
def cubic_weight(d: Real[...], *, a: Real = -0.75):
    """Keys' kernel of a distance: cubic up to 1 and from 1 to 2, nothing beyond."""
    w[...] = where(
        d[...] <= 1, ((a + 2)*d[...] - (a + 3))*d[...]**2 + 1,
        where(d[...] < 2, ((a*d[...] - 5*a)*d[...] + 8*a)*d[...] - 4*a, 0))
    return w


@layer(torch="_C._nn.upsample_bicubic2d")
def upsample_bicubic2d(
    x: Real[..., H, W], *, output_size: Int[2], align_corners: Bool = False, scale_factors: Real[2] = None,
):
    """Cubic convolution over four neighbours along both axes, the ends repeated."""
    OH = output_size[0]
    OW = output_size[1]
    if align_corners:
        u: Real[OH]
        u[p] = p*((H - 1)/max(OH - 1, 1))
        v: Real[OW]
        v[q] = q*((W - 1)/max(OW - 1, 1))
    elif scale_factors is None:
        u: Real[OH]
        u[p] = (p + 1/2)*H/OH - 1/2
        v: Real[OW]
        v[q] = (q + 1/2)*W/OW - 1/2
    else:
        u: Real[OH]
        u[p] = (p + 1/2)/scale_factors[0] - 1/2
        v: Real[OW]
        v[q] = (q + 1/2)/scale_factors[1] - 1/2
    f: Index[OH]
    f[p] = floor(u[p])
    a: Real[OH, H]
    a[p, h] = sum[t < 4, min(max(f[p] + t - 1, 0), H - 1) == h](
        cubic_weight(abs(u[p] - f[p] - t + 1)))
    g: Index[OW]
    g[q] = floor(v[q])
    b: Real[OW, W]
    b[q, w] = sum[t < 4, min(max(g[q] + t - 1, 0), W - 1) == w](
        cubic_weight(abs(v[q] - g[q] - t + 1)))
    y[..., p, q] = sum[h, w](a[p, h]*b[q, w]*x[..., h, w])
    return y
