"""Sampling at given places."""


@layer(torch="nn.functional.affine_grid")
def affine_grid(theta: Real[N, 2, 3], *, size: Int[4], align_corners: Bool = False):
    """Where each point of an image lies under an affine map, in coordinates from −1 to 1."""
    H = size[2]
    W = size[3]
    u: Real[W]
    v: Real[H]
    if align_corners:
        u[q] = 2*q/max(W - 1, 1) - (1 if W > 1 else 0)
        v[p] = 2*p/max(H - 1, 1) - (1 if H > 1 else 0)
    else:
        u[q] = (2*q + 1)/W - 1
        v[p] = (2*p + 1)/H - 1
    grid[n, p, q, d] = theta[n, d, 0]*u[q] + theta[n, d, 1]*v[p] + theta[n, d, 2]
    return grid


@layer
def grid_place(
    g: Real[...],
    *,
    length: Int, padding_mode: Text["zeros", "border", "reflection"] = "zeros", align_corners: Bool = False,
):
    """The place on an axis that a coordinate from −1 to 1 means."""
    if align_corners:
        u[...] = (g[...] + 1)/2*(length - 1)
        low = 0
        span = length - 1
    else:
        u[...] = ((g[...] + 1)*length - 1)/2
        low = -1/2
        span = length
    if padding_mode == "zeros":
        y[...] = u[...]
    elif padding_mode == "border":
        y[...] = where(u[...] <= 0, 0, where(u[...] >= length - 1, length - 1, u[...]))
    else:
        a[...] = abs(u[...] - low)
        turns[...] = floor(a[...]/max(span, 1/2))
        rest[...] = a[...] - turns[...]*span
        b[...] = where(turns[...]/2 == floor(turns[...]/2), rest[...], span - rest[...]) + low
        y[...] = where(b[...] <= 0, 0, where(b[...] >= length - 1, length - 1, b[...]))
    return y


@layer(torch="nn.functional.grid_sample")
def grid_sample(
    x: Real[N, C, H, W],
    grid: Real[N, P, Q, 2],
    *,
    mode: Text["bilinear", "nearest"] = "bilinear",
    padding_mode: Text["zeros", "border", "reflection"] = "zeros", align_corners: Bool = False,
):
    """An image read at any places, between its points by straight lines."""
    gx[n, p, q] = grid[n, p, q, 0]
    gy[n, p, q] = grid[n, p, q, 1]
    u = grid_place(gy, length=H, padding_mode=padding_mode, align_corners=align_corners)
    v = grid_place(gx, length=W, padding_mode=padding_mode, align_corners=align_corners)
    i: Index[N, P, Q]
    j: Index[N, P, Q]
    if mode == "nearest":
        i[n, p, q] = round(u[n, p, q])
        j[n, p, q] = round(v[n, p, q])
        y[n, c, p, q] = padded(x[n, c, i[n, p, q], j[n, p, q]], 0)
    else:
        i[n, p, q] = floor(u[n, p, q])
        j[n, p, q] = floor(v[n, p, q])
        a[n, p, q] = u[n, p, q] - i[n, p, q]
        b[n, p, q] = v[n, p, q] - j[n, p, q]
        y[n, c, p, q] = (
            (1 - a[n, p, q])*(1 - b[n, p, q])*padded(x[n, c, i[n, p, q], j[n, p, q]], 0)
            + (1 - a[n, p, q])*b[n, p, q]*padded(x[n, c, i[n, p, q], j[n, p, q] + 1], 0)
            + a[n, p, q]*(1 - b[n, p, q])*padded(x[n, c, i[n, p, q] + 1, j[n, p, q]], 0)
            + a[n, p, q]*b[n, p, q]*padded(x[n, c, i[n, p, q] + 1, j[n, p, q] + 1], 0))
    return y
