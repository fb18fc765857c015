"""Values at given places of a grid, and the places an affine map gives."""


@layer(torch="nn.functional.affine_grid")
def affine_grid(theta: Real[N, 2, 3], *, size: Int[4], align_corners: Bool = False):
    """The place of each point of an image under an affine map, in coordinates from −1 to 1."""
    H = size[2]
    W = size[3]
    u: Real[W]
    v: Real[H]
    if align_corners:
        u[q] = (2*q - W + 1)/max(W - 1, 1)
        v[p] = (2*p - H + 1)/max(H - 1, 1)
    else:
        u[q] = (2*q - W + 1)/W
        v[p] = (2*p - H + 1)/H
    grid[n, p, q, d] = theta[n, d, 0]*u[q] + theta[n, d, 1]*v[p] + theta[n, d, 2]
    return grid


@layer(torch="nn.functional.affine_grid")
def affine_grid3d(theta: Real[N, 3, 4], *, size: Int[5], align_corners: Bool = False):
    """The place of each point of a volume under an affine map, in coordinates from −1 to 1."""
    D = size[2]
    H = size[3]
    W = size[4]
    u: Real[W]
    v: Real[H]
    w: Real[D]
    if align_corners:
        u[q] = (2*q - W + 1)/max(W - 1, 1)
        v[p] = (2*p - H + 1)/max(H - 1, 1)
        w[o] = (2*o - D + 1)/max(D - 1, 1)
    else:
        u[q] = (2*q - W + 1)/W
        v[p] = (2*p - H + 1)/H
        w[o] = (2*o - D + 1)/D
    grid[n, o, p, q, d] = (
        theta[n, d, 0]*u[q] + theta[n, d, 1]*v[p] + theta[n, d, 2]*w[o] + theta[n, d, 3])
    return grid


@layer
def grid_place(
    g: Real[...],
    *,
    length: Int, padding_mode: Text["zeros", "border", "reflection"] = "zeros", align_corners: Bool = False,
):
    """The place on an axis of ``length`` points that a coordinate from −1 to 1 means, kept within by the padding."""
    if align_corners:
        u[...] = (g[...] + 1)*(length - 1)/2
    else:
        u[...] = ((g[...] + 1)*length - 1)/2
    if padding_mode == "zeros":
        v = u
    elif padding_mode == "border":
        v[...] = where(u[...] <= 0, 0, where(u[...] >= length - 1, length - 1, u[...]))
    else:
        low = 0 if align_corners else -1/2
        span = length - 1 if align_corners else length
        t[...] = u[...] - low
        r[...] = t[...] - 2*span*floor(t[...]/max(2*span, 1))
        f[...] = low + span - abs(span - r[...])
        v[...] = where(f[...] <= 0, 0, where(f[...] >= length - 1, length - 1, f[...]))
    return v


@layer
def grid_taps(
    g: Real[...],
    *,
    length: Int, mode: Text["bilinear", "nearest", "bicubic"] = "bilinear",
    padding_mode: Text["zeros", "border", "reflection"] = "zeros", align_corners: Bool = False,
):
    """The weights of the points of one axis around a coordinate, and the points."""
    if mode == "nearest":
        u = grid_place(g, length=length, padding_mode=padding_mode, align_corners=align_corners)
        i: Index[..., 1]
        i[..., s] = round(u[...])
        w: Real[..., 1]
        w[..., s] = 1
    elif mode == "bilinear":
        u = grid_place(g, length=length, padding_mode=padding_mode, align_corners=align_corners)
        i: Index[..., 2]
        i[..., s] = floor(u[...]) + s
        w: Real[..., 2]
        w[..., 0] = 1 - u[...] + floor(u[...])
        w[..., 1] = u[...] - floor(u[...])
    else:
        u = grid_place(g, length=length, align_corners=align_corners)
        a[...] = u[...] - floor(u[...])
        k: Index[..., 4]
        k[..., s] = floor(u[...]) + s - 1
        i: Index[..., 4]
        if padding_mode == "zeros":
            i[..., s] = k[..., s]
        elif padding_mode == "border":
            i[..., s] = clamp(k[..., s], 0, length - 1)
        elif align_corners:
            i[..., s] = min(k[..., s] % max(2*length - 2, 1), -k[..., s] % max(2*length - 2, 1))
        else:
            i[..., s] = min(k[..., s] % (2*length), (-1 - k[..., s]) % (2*length))
        w: Real[..., 4]
        w[..., 0] = -3/4*a[...]*(1 - a[...])**2
        w[..., 1] = 1 - a[...]**2*(9 - 5*a[...])/4
        w[..., 2] = 1 - (1 - a[...])**2*(4 + 5*a[...])/4
        w[..., 3] = -3/4*a[...]**2*(1 - a[...])
    return w, i


@layer(torch="nn.functional.grid_sample")
def grid_sample(
    x: Real[N, C, H, W],
    grid: Real[N, P, Q, 2],
    *,
    mode: Text["bilinear", "nearest", "bicubic"] = "bilinear",
    padding_mode: Text["zeros", "border", "reflection"] = "zeros", align_corners: Bool = False,
):
    """An image read at any places, between its points by straight lines or cubics."""
    gx[n, p, q] = grid[n, p, q, 0]
    gy[n, p, q] = grid[n, p, q, 1]
    a, i = grid_taps(gy, length=H, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    b, j = grid_taps(gx, length=W, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    y[n, c, p, q] = sum[s, t](a[n, p, q, s]*b[n, p, q, t]*padded(x[n, c, i[n, p, q, s], j[n, p, q, t]], 0))
    return y


@layer(torch="nn.functional.grid_sample")
def grid_sample3d(
    x: Real[N, C, D, H, W],
    grid: Real[N, O, P, Q, 3],
    *,
    mode: Text["bilinear", "nearest"] = "bilinear",
    padding_mode: Text["zeros", "border", "reflection"] = "zeros", align_corners: Bool = False,
):
    """A volume read at any places, between its points by straight lines."""
    gx[n, o, p, q] = grid[n, o, p, q, 0]
    gy[n, o, p, q] = grid[n, o, p, q, 1]
    gz[n, o, p, q] = grid[n, o, p, q, 2]
    a, h = grid_taps(gz, length=D, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    b, i = grid_taps(gy, length=H, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    e, j = grid_taps(gx, length=W, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    y[n, c, o, p, q] = sum[r, s, t](
        a[n, o, p, q, r]*b[n, o, p, q, s]*e[n, o, p, q, t]
        * padded(x[n, c, h[n, o, p, q, r], i[n, o, p, q, s], j[n, o, p, q, t]], 0))
    return y
